"""All tables at once: kept as they are, brought back to that, and pictured in a form that two runs can be compared in.

Two runs that end the same differ in numbers drawn from sequences and in moments of the machine's clock, and in nothing
else: those are left out, or replaced by what names the row.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import Engine, Table, text
from sqlalchemy.engine import Connection

from plugin.migrations.tables import metadata

TABLES: Final = metadata.sorted_tables
# Moments of the machine, and how often something was tried on the way.
VOLATILE: Final = {
    "received_at",
    "seen_at",
    "done_at",
    "begun_at",
    "next_attempt_at",
    "attempts",
    "lapses",
    "lease",
    "lease_until",
    "called_at",
    "refreshing_until",
    # Encrypted anew each time, or drawn.
    "contact",
    "export",
    "access_token",
    "refresh_token",
    "access_expires_at",
    "refresh_expires_at",
    "veil_key",
}
OUTBOX_MOMENTS: Final = {"created_at"}
# What names a row whose number was drawn from a sequence.
NAMES: Final = {
    "point_lots": ("customer_id", "order_id", "source"),
    "redemptions": ("customer_id", "request_key"),
    "enrollments": ("subject_key",),
    "messages": ("key",),
    "outbox": ("kind", "key"),
}
# Columns that point at such rows, and texts that hold their numbers.
POINTERS: Final = {
    ("lot_uses", "lot_id"): "point_lots",
    ("lot_uses", "redemption_id"): "redemptions",
    ("point_entries", "redemption_id"): "redemptions",
    ("decisions", "enrollment_id"): "enrollments",
}
NUMBERED: Final = {
    "redeem": "redemptions",
    "return": "redemptions",
    "reward": "redemptions",
    "cart": "enrollments",
    "expire": "point_lots",
}
_NUMBERED = re.compile(rf"\b({'|'.join(NUMBERED)}):(\d+)")
_VERSIONS = re.compile(r'"\w*version": "[^"]*"')
_VEILED = re.compile(r"erased:[0-9a-f]{40}")

Picture = dict[str, list[str]]


class Kept:
    """The tables as they were when this was made; of one connection, which the caller closes."""

    def __init__(self, owner: Engine) -> None:
        self._connection: Connection = owner.connect()
        filled = [table for table in TABLES if self._count(table)]
        self._run(f"CREATE TEMPORARY TABLE kept_{table.name} AS SELECT * FROM {table.name}" for table in filled)
        emptied = [f"DELETE FROM {table.name}" for table in reversed(TABLES)]
        listed = [(table.name, ", ".join(column.name for column in table.columns)) for table in filled]
        self._back = [
            *emptied,
            *(
                f"INSERT INTO {name} ({columns}) OVERRIDING SYSTEM VALUE SELECT {columns} FROM kept_{name}"
                for name, columns in listed
            ),
        ]

    def bring_back(self) -> None:
        self._run(self._back)

    def close(self) -> None:
        self._connection.invalidate()
        self._connection.close()

    def _count(self, table: Table) -> int:
        return self._connection.execute(text(f"SELECT count(*) FROM {table.name}")).scalar_one()

    def _run(self, statements: Iterable[str]) -> None:
        """Many statements in one message."""
        self._connection.exec_driver_sql("; ".join(statements))
        self._connection.commit()


_ALL = " UNION ALL ".join(f"SELECT '{table.name}', to_jsonb(t) FROM {table.name} t" for table in TABLES)


def picture(owner: Engine) -> Picture:
    """Every table's rows as texts, sorted."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    with owner.connect() as connection:
        for name, row in connection.exec_driver_sql(_ALL):
            found[name].append(row)
    names = {(table, row["id"]): _name(row, NAMES[table]) for table in NAMES for row in found[table]}
    return {table: sorted(_pictured(table, row, names) for row in rows) for table, rows in found.items()}


def without_versions(tables: Picture) -> Picture:
    """For runs that may have been told the same facts in another wording, or later."""
    return {table: [_VERSIONS.sub("", row) for row in rows] for table, rows in tables.items()}


def differences(expected: Picture, found: Picture) -> list[str]:
    """Rows that only one of them has, for people: "- table row" is missing, "+ table row" is too much."""
    told = []
    for table in sorted(expected.keys() | found.keys()):
        before, after = expected.get(table, []), found.get(table, [])
        told += [f"- {table} {row}" for row in before if row not in after]
        told += [f"+ {table} {row}" for row in after if row not in before or after.count(row) > before.count(row)]
    return told


def _name(row: dict[str, Any], columns: tuple[str, ...]) -> str:
    return "/".join(str(row[column]) for column in columns)


def _pictured(table: str, row: dict[str, Any], names: dict[tuple[str, int], str]) -> str:
    left_out = VOLATILE | ({"id"} if _is_drawn(table) else set()) | (OUTBOX_MOMENTS if table == "outbox" else set())
    kept = {column: _pointed(table, column, value, names) for column, value in row.items() if column not in left_out}
    kept |= _read_inside(table, row, names)
    written = _VEILED.sub("erased:somebody", json.dumps(kept, sort_keys=True, ensure_ascii=False))
    if table == "audit_log":  # its numbers name settings, which no sequence draws twice
        return written
    return _NUMBERED.sub(
        lambda found: f"{found[1]}:{names.get((NUMBERED[found[1]], int(found[2])), found[2])}", written
    )


def _read_inside(table: str, row: dict[str, Any], names: dict[tuple[str, int], str]) -> dict[str, Any]:
    """Columns that hold more than a value: fetched bodies, whose fields may come in any order, and codes' effects."""
    if table == "inbox" and row["topic"].startswith("fetched/"):
        return {"body": json.loads(bytes.fromhex(row["body"][2:]))}
    if table == "outbox" and row["kind"] == "discount_code_owner":
        number, _, owner = row["key"].partition(":")
        # Told again, the store had changed it already.
        return {"key": f"{names.get(('redemptions', int(number)), number)}:{owner}", "result": None}
    if table == "outbox" and row["kind"].startswith("discount_code"):
        name = names.get(("redemptions", int(row["key"])), row["key"])
        return {"key": name, "payload": row["payload"] | {"redemption_id": name}}
    return {}


def _pointed(table: str, column: str, value: Any, names: dict[tuple[str, int], str]) -> Any:
    target = POINTERS.get((table, column))
    return names.get((target, value), value) if target else value


def _is_drawn(table: str) -> bool:
    return any(column.identity is not None for column in metadata.tables[table].columns)

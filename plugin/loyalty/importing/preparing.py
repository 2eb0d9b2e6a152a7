"""From a file to an import that can be looked at: every line judged, nobody's points touched."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, Final

from sqlalchemy import delete, func, insert, select, text
from sqlalchemy.orm import Session

from plugin import clock
from plugin.commerce import merges
from plugin.commerce.models import Customer
from plugin.errors import Invalid, NotFound, Refused
from plugin.loyalty import queries
from plugin.loyalty.importing.models import PointImport, PointImportRow
from plugin.loyalty.importing.reading import Line, Unreadable, read
from plugin.loyalty.rules import ProgramRules, expires_at
from plugin.shops.models import Shop

CHUNK = 1_000
UNDATED: Final = ("never", "today", "date")  # when points without an expiry of their own are lost
UNKNOWN = "There is no customer %(who)s in your store."
TOO_MANY = "This takes more points than the customer has on that day."

# Line by line what a customer would have: what is there now, and the file's lines by day.
_OVERDRAWN = text("""
    UPDATE point_import_rows r
    SET problem = jsonb_build_object('sentence', CAST(:sentence AS text), 'values', '{}'::jsonb)
    FROM (
        SELECT line, points, coalesce(a.available, 0)
            + sum(points) OVER (PARTITION BY i.customer_id ORDER BY occurred_at, line) AS held
        FROM point_import_rows i
        LEFT JOIN point_accounts a ON a.shop_id = i.shop_id AND a.customer_id = i.customer_id
        WHERE i.shop_id = :shop AND i.import_id = :import AND problem IS NULL
    ) AS seen
    WHERE r.shop_id = :shop AND r.import_id = :import AND r.line = seen.line AND seen.points < 0 AND seen.held < 0
""")


def prepare(session: Session, shop: Shop, name: str, data: bytes, undated: str, actor: str) -> PointImport:
    """Read a file and keep it with its problems; nothing is imported yet.

    `undated`: points without a day of expiry never expire, or as the programme says counted from today or from their
    own date. Raises Invalid("file").
    """
    if undated not in UNDATED:
        raise Invalid("Choose when points without a date expire.", "undated")
    now = clock.now(session)
    found = PointImport(shop_id=shop.id, name=name[:100], created_by=actor, created_at=now, **dict.fromkeys(_COUNTS, 0))
    session.add(found)
    session.flush()
    program = queries.program(session, shop, now) if undated != "never" else None
    lines = read(data, shop.timezone, now)
    while chunk := list(islice(lines, CHUNK)):
        session.execute(insert(PointImportRow), _rows(session, shop, found, chunk, program, undated, now))
    session.execute(_OVERDRAWN, {"shop": shop.id, "import": found.id, "sentence": TOO_MANY})
    _count(session, found, now)
    if not found.lines:
        raise Invalid("This file has no lines under its first one.", "file")
    return found


def discard(session: Session, shop: Shop, import_id: int) -> None:
    """Forget a file that was not imported. Raises NotFound, Refused."""
    found = of_shop(session, shop, import_id, lock=True)
    if found.state != "ready":
        raise Refused("This file is imported already: take the import back instead.")
    session.execute(delete(PointImport).where(PointImport.shop_id == shop.id, PointImport.id == import_id))


def of_shop(session: Session, shop: Shop, import_id: int, lock: bool = False) -> PointImport:
    """One import. Raises NotFound."""
    one = select(PointImport).where(PointImport.shop_id == shop.id, PointImport.id == import_id)
    found = session.scalar(one.with_for_update() if lock else one, execution_options={"populate_existing": True})
    if found is None:
        raise NotFound("This import does not exist.")
    return found


def imports(session: Session, shop: Shop, limit: int = 20) -> Sequence[PointImport]:
    """The newest first."""
    newest = select(PointImport).where(PointImport.shop_id == shop.id).order_by(PointImport.id.desc()).limit(limit)
    return session.scalars(newest).all()


def problems(session: Session, shop: Shop, import_id: int, limit: int = 100) -> Sequence[PointImportRow]:
    """The lines that cannot be imported, by line."""
    faulty = PointImportRow.shop_id == shop.id, PointImportRow.import_id == import_id
    lines = select(PointImportRow).where(*faulty, PointImportRow.problem.is_not(None)).order_by(PointImportRow.line)
    return session.scalars(lines.limit(limit)).all()


_COUNTS = ("lines", "faulty", "customers", "points", "lapsed")


def _rows(
    session: Session,
    shop: Shop,
    found: PointImport,
    chunk: Sequence[Line | Unreadable],
    program: ProgramRules | None,
    undated: str,
    now: datetime,
) -> list[dict[str, Any]]:
    people = _people(session, shop, {line.who for line in chunk if isinstance(line, Line)})
    rows = []
    for line in chunk:
        row = {"shop_id": shop.id, "import_id": found.id, "line": line.number, "who": line.who, "note": ""}
        row |= dict.fromkeys(("customer_id", "points", "occurred_at", "expires_at", "problem"))
        if isinstance(line, Unreadable):
            row["problem"] = {"sentence": line.problem.sentence, "values": line.problem.values}
        else:
            row |= {"customer_id": people.get(line.who.lower()), "points": line.points, "note": line.note}
            row["occurred_at"] = moment = line.occurred_at or now
            row["expires_at"] = line.expires_at or _dated(program, undated, moment, now, shop)
            if row["customer_id"] is None:
                row["problem"] = {"sentence": UNKNOWN, "values": {"who": line.who}}
        rows.append(row)
    return rows


def _dated(program: ProgramRules | None, undated: str, moment: datetime, now: datetime, shop: Shop) -> datetime | None:
    return expires_at(moment if undated == "date" else now, program, shop.timezone) if program else None


def _people(session: Session, shop: Shop, named: Iterable[str]) -> dict[str, int]:
    """Number or address in lower case → customer; of two with one address the older, and who is kept of merged ones."""
    names = {name.lower() for name in named}
    numbers = {int(name.lstrip("#")): name for name in names if name.lstrip("#").isdecimal() and len(name) < 20}
    there = Customer.shop_id == shop.id, Customer.deleted_at.is_(None)
    ids = session.scalars(select(Customer.id).where(*there, Customer.id.in_(numbers)))
    kept = merges.kept(session, shop.id, set(numbers))
    found = {numbers[id]: kept.get(id, id) for id in {*ids, *kept}}
    spelled = Customer.email.in_(sorted(names))
    by_mail = select(Customer.email, Customer.id).where(*there, spelled).order_by(Customer.id.desc())
    return found | {str(email).lower(): id for email, id in session.execute(by_mail)}


def _count(session: Session, found: PointImport, now: datetime) -> None:
    rows = PointImportRow.shop_id == found.shop_id, PointImportRow.import_id == found.id
    good = PointImportRow.problem.is_(None)
    lapsed = good, PointImportRow.expires_at <= now, PointImportRow.points > 0
    counted = select(
        func.count(),
        func.count().filter(~good),
        func.count(PointImportRow.customer_id.distinct()).filter(good),
        func.coalesce(func.sum(PointImportRow.points).filter(good), 0),
        func.coalesce(func.sum(PointImportRow.points).filter(*lapsed), 0),
    ).where(*rows)
    for name, value in zip(_COUNTS, session.execute(counted).one(), strict=True):
        setattr(found, name, int(value or 0))
    session.flush()

"""Whose imports and comparisons are due, asked once for all shops: most have none."""

from __future__ import annotations

from sqlalchemy import text

from plugin.db import engine as db

_DUE = "open.state = ANY (:states) AND (open.next_attempt_at IS NULL OR open.next_attempt_at <= clock_timestamp())"
_SHOPS = """
    SELECT id FROM shops WHERE installed_at IS NOT NULL AND uninstalled_at IS NULL
        AND id IN (SELECT open.shop_id FROM {table} open WHERE {due})
    ORDER BY id
"""


def due(table: str, states: tuple[str, ...]) -> list[int]:
    """Installed shops with rows of `table` (sync_runs or drift_checks) in these states whose time has come."""
    with db.system_transaction() as session:
        found = session.execute(text(_SHOPS.format(table=table, due=_DUE)), {"states": list(states)})
        return list(found.scalars())

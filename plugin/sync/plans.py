"""The database's plans during bulk work: made for tables that grow, not for the moment at which they were made.

A first import fills tables faster than statistics are gathered. Two habits of the planner make that quadratic, in our
statements and in the checks of foreign keys alike: a plan is kept although it was made while the table was nearly
empty, where every index looks as good as the key's; and for a shop that the statistics do not know, every index does.
Measured on a fresh database: 314 µs a line for the check of its order after 5,000 orders, and growing; 6 µs with this.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from plugin.sync.staging import Cursor

FIRST_BATCHES = 2  # plans are made anew after so many batches of a connection, then after four times as many, …
GROWTH = 4
# Generic plans; and no memory of rows that are each looked for once (Memoize costs a fifth of such a statement).
_STEADY = "SELECT set_config('plan_cache_mode', 'force_generic_plan', true), set_config('enable_memoize', 'off', true)"


def steady(session: Session) -> Cursor:
    """The driver's cursor inside the session's transaction (COPY and binary arrays are its own), with steady plans."""
    connection: Any = session.connection()
    cursor: Cursor = connection.connection.driver_connection.cursor()
    cursor.execute(_STEADY)
    seen = connection.info["batches"] = connection.info.get("batches", 0) + 1
    if seen >= connection.info.setdefault("replan_at", FIRST_BATCHES):
        cursor.execute("DISCARD PLANS")
        connection.info["replan_at"] = seen * GROWTH
    return cursor

"""Having everything applied that has arrived, before what the store says is held against it."""

from __future__ import annotations

from time import monotonic, sleep

from sqlalchemy import text

from plugin.db import engine as db
from plugin.sync import drain as draining

SECONDS = 10.0

_NEWEST = text("SELECT max(id) FROM inbox WHERE shop_id = :shop AND state = 'new'")
_STILL_WAITS = text("""
    SELECT EXISTS (SELECT FROM inbox WHERE shop_id = :shop AND state = 'new' AND id <= :through
        AND (next_attempt_at IS NULL OR next_attempt_at <= clock_timestamp()))
""")


def let_in(shop_id: int) -> bool:
    """Have everything applied that is in the inbox now; False when that takes too long."""
    ends = monotonic() + SECONDS
    with db.transaction(shop_id) as session:
        through = session.execute(_NEWEST, {"shop": shop_id}).scalar()
    while through is not None:
        draining.drain(shop_id, ends - monotonic())
        with db.transaction(shop_id) as session:
            if not session.execute(_STILL_WAITS, {"shop": shop_id, "through": through}).scalar():
                return True
        if monotonic() > ends:
            return False
        sleep(0.05)
    return True

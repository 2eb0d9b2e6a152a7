"""A run in the hands of one worker: leased for two minutes from its last sign of life.

Each change names the lease it was made under, so a worker that was paused for too long changes nothing any more, and
its transaction goes back.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, or_, select, text, update
from sqlalchemy.orm import Session

from plugin.db import engine as db
from plugin.sync.models import SyncRun

LEASE_SECONDS = 120
OPEN = ("waiting", "running")


_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('imports', :shop))")


class LeaseLost(Exception):
    """Another worker drives this run now."""


class Held:
    """The run with its columns as they were written last."""

    def __init__(self, run: SyncRun) -> None:
        self.run = run

    def change(self, **columns: Any) -> None:
        """Write columns in a transaction of its own."""
        with db.transaction(self.run.shop_id) as session:
            self.write(session, **columns)

    def write(self, session: Session, **columns: Any) -> None:
        """Write columns and renew the lease, unless it is given back by them. Raises LeaseLost."""
        values = {"lease_until": in_seconds(LEASE_SECONDS)} | columns
        mine = SyncRun.shop_id == self.run.shop_id, SyncRun.id == self.run.id
        still_held = SyncRun.lease_until == self.run.lease_until
        told = [getattr(SyncRun, name) for name in values]
        changed = session.execute(
            update(SyncRun).where(*mine, still_held).values(values).returning(*told)
        ).one_or_none()
        if changed is None:
            raise LeaseLost
        for name, value in zip(values, changed, strict=True):
            setattr(self.run, name, value)


def take(session: Session, run_id: int) -> Held | None:
    """Lease an import that is open and due; None when somebody drives it or another import of the shop.

    One worker a shop, so that a store that hangs holds up one worker and not one for each kind of object.
    """
    shop_id = session.info["shop_id"]
    session.execute(_LOCK, {"shop": shop_id})
    imports = SyncRun.shop_id == shop_id, SyncRun.kind == "backfill"
    driven = select(SyncRun.id).where(*imports, SyncRun.lease_until > func.clock_timestamp())
    due = or_(SyncRun.next_attempt_at.is_(None), SyncRun.next_attempt_at <= func.clock_timestamp())
    mine = *imports, SyncRun.id == run_id, SyncRun.state.in_(OPEN), due, ~driven.exists()
    leased = update(SyncRun).where(*mine).values(lease_until=in_seconds(LEASE_SECONDS)).returning(SyncRun)
    run = session.scalars(leased, execution_options={"synchronize_session": False}).one_or_none()
    if run is None:
        return None
    session.expunge(run)
    return Held(run)


def in_seconds(seconds: float) -> Any:
    """That moment of the database's clock, which leases and retries follow."""
    return func.clock_timestamp() + func.make_interval(0, 0, 0, 0, 0, 0, seconds)

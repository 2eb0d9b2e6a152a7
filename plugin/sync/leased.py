"""A comparison in the hands of one worker: leased for two minutes from its last sign of life.

Each change names the place the check was at, so a worker that was paused for too long changes nothing any more.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.orm import Session

from plugin.db import engine as db
from plugin.errors import Refused
from plugin.sync.models import DriftCheck

OPEN = ("waiting", "reading", "healing")
LEASE_SECONDS = 120


class NotYet(Exception):
    """The check goes on in `seconds`: it waits for something, and nothing is wrong."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class Superseded(Refused):
    """Another worker has brought the check further, because this one was paused for longer than its lease."""


def lease(session: Session, check_id: int) -> DriftCheck | None:
    """The check, ours for two minutes; None when it waits or somebody else drives it."""
    now = func.clock_timestamp()
    due = or_(DriftCheck.next_attempt_at.is_(None), DriftCheck.next_attempt_at <= now)
    free = or_(DriftCheck.lease_until.is_(None), DriftCheck.lease_until < now)
    mine = DriftCheck.shop_id == session.info["shop_id"], DriftCheck.id == check_id, DriftCheck.state.in_(OPEN)
    session.execute(select(DriftCheck.id).where(*mine, due, free).with_for_update(skip_locked=True))
    leased = update(DriftCheck).where(*mine, due, free).values(lease_until=_later(LEASE_SECONDS)).returning(DriftCheck)
    return session.scalars(leased).one_or_none()


def change(session: Session, check: DriftCheck, columns: Mapping[str, object]) -> None:
    """Write columns and renew the lease, unless somebody has brought the check further: then it raises Superseded."""
    as_it_was = DriftCheck.state == check.state, DriftCheck.last_id == check.last_id, DriftCheck.way == check.way
    values = {**columns, "lease_until": _later(LEASE_SECONDS)}
    told = [getattr(DriftCheck, name) for name in values]
    written = session.execute(update(DriftCheck).where(*_is(check), *as_it_was).values(values).returning(*told)).first()
    if written is None:
        raise Superseded("Another worker has brought this check further.")
    for name, value in zip(values, written, strict=True):
        setattr(check, name, value)


def release(check: DriftCheck, seconds: float) -> None:
    """Give the check back, to be taken up at once or in `seconds`."""
    with db.transaction(check.shop_id) as session:
        columns = {"lease_until": None, "next_attempt_at": _later(seconds) if seconds else None}
        session.execute(update(DriftCheck).where(*_is(check)).values(columns))


def _is(check: DriftCheck) -> tuple[ColumnElement[bool], ...]:
    return DriftCheck.shop_id == check.shop_id, DriftCheck.id == check.id


def _later(seconds: float) -> ColumnElement[datetime]:
    return func.clock_timestamp() + func.make_interval(0, 0, 0, 0, 0, 0, seconds)

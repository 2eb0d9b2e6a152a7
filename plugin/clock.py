"""Two clocks.

Business time (`now`) decides about delays, windows and expiry: machine time plus an offset kept in one database row,
forward only, and only in the sandbox. Machine time (`machine_now`) governs tokens, signatures, retries and time-outs.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.orm import Session

from plugin.config import config
from plugin.errors import Refused


def machine_now() -> datetime:
    """The machine's time, UTC."""
    return datetime.now(UTC)


def now(session: Session) -> datetime:
    """Business time, UTC; read once a session, so one transaction sees one moment."""
    if "now" not in session.info:
        session.info["now"] = machine_now() + _offset(session)
    moment: datetime = session.info["now"]
    return moment


def forward(session: Session, offset_seconds: int) -> None:
    """Set the offset of business time. Raises Refused outside the sandbox or when time would go back."""
    if not config().sandbox:
        raise Refused("The clock can be moved only in the sandbox.")
    moved = session.execute(
        text("UPDATE clock SET offset_seconds = :seconds WHERE offset_seconds <= :seconds RETURNING 1"),
        {"seconds": offset_seconds},
    ).first()
    if moved is None:
        raise Refused("The clock only goes forward.")
    session.info.pop("now", None)


def today(moment: datetime, timezone: str) -> datetime:
    """The start of `moment`'s day in the shop's time zone, as UTC."""
    local = moment.astimezone(ZoneInfo(timezone))
    return local.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)


def _offset(session: Session) -> timedelta:
    if not config().sandbox:
        return timedelta()
    return timedelta(seconds=session.execute(text("SELECT offset_seconds FROM clock")).scalar_one())

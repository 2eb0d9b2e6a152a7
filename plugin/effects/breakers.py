"""One breaker for each destination: after some failures in a row it is left alone, then asked by one call at a time.

Kept in the database, so that all processes share it and a restart forgets nothing. A destination is a shop's Admin API
(a row of the shop) or the mail server, which all shops share (a row of nobody). Machine time: the database's.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Table, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from plugin.effects.models import BreakerRow, SharedBreakerRow
from plugin.effects.rules import Breaker, Stand, after_failure, probing, stand, wait

log = structlog.get_logger()
COLUMNS = ("failures", "opened", "open_until", "probing_until")


@dataclass(frozen=True)
class Destination:
    """What calls go to. `shared`: by all shops."""

    name: str
    shared: bool = False


ADMIN_API = Destination("admin_api")
MAIL_SERVER = Destination("mail_server", shared=True)


@dataclass(frozen=True)
class Seen:
    """A breaker as read, and the database's moment of reading."""

    breaker: Breaker
    error: str | None
    now: datetime

    @property
    def stand(self) -> Stand:
        """Closed, open or half-open."""
        return stand(self.breaker, self.now)


@dataclass(frozen=True)
class Entry:
    """`wait`: seconds, 0 when a call may go out now. `probe`: it is the one that tries. `spotless`: nothing is held
    against the destination, so its answer need not be noted."""

    wait: float
    probe: bool
    spotless: bool


def look(session: Session, destination: Destination) -> Seen:
    """How a destination stands, for those who only want to know."""
    return _read(session, destination, locked=False)


def enter(session: Session, destination: Destination) -> Entry:
    """Ask whether a call may go out now. While the breaker is half-open the first to ask gets to try."""
    seen = _read(session, destination, locked=False)
    if seen.stand is Stand.HALF_OPEN:
        seen = _read(session, destination, locked=True)
    seconds = wait(seen.breaker, seen.now)
    if not seconds and seen.stand is Stand.HALF_OPEN:
        _write(session, destination, probing(seen.breaker, seen.now), seen.error)
    return Entry(seconds, seen.stand is Stand.HALF_OPEN, seen.breaker.spotless)


def answered(session: Session, destination: Destination) -> None:
    """The destination answered, whatever it said: the breaker is closed."""
    seen = _read(session, destination, locked=False)
    if not seen.breaker.spotless:
        _write(session, destination, Breaker(), None)
        log.info("breaker_closed", destination=destination.name, shop_id=session.info.get("shop_id"))


def silent(session: Session, destination: Destination, error: str) -> None:
    """The destination did not answer; `error` is the sentence for the panel."""
    _write(session, destination, Breaker(), None, only_new=True)
    seen = _read(session, destination, locked=True)
    after = after_failure(seen.breaker, seen.now)
    _write(session, destination, after, error)
    if after.opened > seen.breaker.opened:
        log.warning("breaker_opened", destination=destination.name, shop_id=session.info.get("shop_id"))


def _read(session: Session, destination: Destination, locked: bool) -> Seen:
    table = _table(destination)
    row = select(*(table.c[name] for name in COLUMNS), table.c.error).where(*_mine(session, destination))
    found = session.execute(row.with_for_update() if locked else row).one_or_none()
    now = session.execute(select(func.clock_timestamp())).scalar_one()
    return Seen(Breaker(*found[:4]), found[4], now) if found else Seen(Breaker(), None, now)


def _write(
    session: Session, destination: Destination, breaker: Breaker, error: str | None, only_new: bool = False
) -> None:
    table = _table(destination)
    columns = asdict(breaker) | {"error": error, "changed_at": func.clock_timestamp()}
    key = {"destination": destination.name} | ({} if destination.shared else {"shop_id": session.info["shop_id"]})
    row = insert(table).values(key | columns)
    again = (
        row.on_conflict_do_nothing()
        if only_new
        else row.on_conflict_do_update(constraint=table.primary_key, set_=columns)
    )
    session.execute(again)


def _mine(session: Session, destination: Destination) -> list[Any]:
    table = _table(destination)
    named = table.c.destination == destination.name
    return [named] if destination.shared else [table.c.shop_id == session.info["shop_id"], named]


def _table(destination: Destination) -> Table:
    model = SharedBreakerRow if destination.shared else BreakerRow
    return model.__table__  # type: ignore[return-value]

"""From the inbox into the mirror: one shop, one writer, batches of its oldest rows, each in one transaction.

The lock is the transaction's own (a session's lock would outlive a rollback in the pool and freeze the shop). Before a
batch is touched a mark is committed on a second connection: a worker that finds one knows that the last worker died in
that batch, and takes its rows singly, each counted first. So a body that kills workers is parked after five of them,
and nothing else of the shop is delayed or blamed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any

import msgspec
import psycopg
import sqlalchemy.exc
import structlog
from sqlalchemy import text
from sqlalchemy.orm import Session

from plugin.db import engine as db
from plugin.db import pulses
from plugin.errors import RegularsError
from plugin.reactions import react
from plugin.shops import queries as shops
from plugin.shops.models import Shop
from plugin.sync import inbox, replays
from plugin.sync.apply import apply
from plugin.sync.batch import Batch, Source
from plugin.sync.reading import READERS, OtherShop, Reader, decode
from plugin.sync.shielding import empty_bodies, forget_if_erased
from plugin.sync.versions import digest

log = structlog.get_logger()

CRASHES = 4  # deaths of a worker at one row alone before it is parked; the batch's own comes before
TRIES = 8  # of an error that may pass
BACKOFF_SECONDS = (5, 15, 60, 300, 900, 1800, 3600)
BEGUN = "A worker began this and has not come back."

UNREADABLE = (msgspec.MsgspecError, RegularsError, ValueError, LookupError, RecursionError, OverflowError, TypeError)
PASSING = (psycopg.OperationalError, sqlalchemy.exc.OperationalError)

_LOCK = text("SELECT pg_try_advisory_xact_lock(hashtextextended('sync', :shop))")
_MARK = text("""
    INSERT INTO drain_marks (shop_id, through_id) VALUES (:shop, :through)
    ON CONFLICT (shop_id) DO UPDATE SET through_id = EXCLUDED.through_id, begun_at = clock_timestamp()
""")
_MARKED = text("SELECT through_id FROM drain_marks WHERE shop_id = :shop")
_UNMARK = text("DELETE FROM drain_marks WHERE shop_id = :shop")


@dataclass(frozen=True)
class Told:
    """One row of the inbox, decoded."""

    row: inbox.Waiting
    reader: Reader
    source: Source
    body: Any


def lock(session: Session, shop_id: int) -> bool:
    """Become this shop's one writer until the transaction ends; False when somebody else is."""
    return session.execute(_LOCK, {"shop": shop_id}).scalar_one()


def drain(shop_id: int, seconds: float = 20.0) -> int:
    """Take what waits in one shop's inbox, for about `seconds`; how many rows were taken."""
    return drain_in_turn([shop_id], seconds)


def drain_in_turn(shop_ids: Iterable[int], seconds: float) -> int:
    """Take what waits in these shops' inboxes, a batch of each in turn, for about `seconds`; how many rows.

    No shop waits until another has no more news, and its own batch grows meanwhile: one row takes about as many
    statements as five hundred.
    """
    ends, taken, turns = monotonic() + seconds, 0, deque(shop_ids)
    while turns and monotonic() < ends:
        shop_id = turns.popleft()
        rows = _next_batch(shop_id)
        # Who was rung for a row while we had the shop went away; it may have come after we looked and before we let go.
        if rows or (rows == 0 and is_waiting(shop_id)):
            turns.append(shop_id)
        taken += rows or 0
        pulses.count(rows or 0)
    return taken


def due_among(shop_ids: Collection[int]) -> list[int]:
    """Which of these shops have rows that are due: one statement, because most bells ring while a drain is at work."""
    with db.system_transaction() as session:
        return inbox.waiting_among(session, shop_ids)


def drain_waiting(seconds: float = 20.0) -> int:
    """Take what waits in any shop's inbox, and strays whose shop came; the sweep of every worker."""
    with db.system_transaction() as session:
        inbox.adopt_strays(session, READERS.keys())
        waiting = inbox.shops_waiting(session)
    return drain_in_turn(waiting, seconds)


def is_waiting(shop_id: int) -> bool:
    """Whether something in the shop's inbox is due."""
    with db.transaction(shop_id) as session:
        return bool(inbox.waiting(session, shop_id, most=1))


def process(session: Session, shop: Shop, rows: Sequence[inbox.Waiting]) -> None:
    """Rows of the inbox → mirror → reactions → done or parked, inside the caller's transaction."""
    readable, batch = _tell(session, shop, _first_hand(session, shop, _decode(session, shop, rows)))
    changes = apply(session, shop, batch)
    for told in readable:
        if told.reader.notice:
            told.reader.notice(session, told.source, told.body)
    react(session, shop, changes)
    inbox.done(session, shop.id, [told.row.id for told in readable])
    empty_bodies(session, shop.id, [told.row for told in readable], batch)


def _next_batch(shop_id: int) -> int | None:
    """One batch; how many rows it took, None when this is not the time: somebody else has the shop, or an error."""
    try:
        with db.transaction(shop_id) as session:
            if not lock(session, shop_id):
                return None
            if (begun := session.execute(_MARKED, {"shop": shop_id}).scalar()) is None:
                return _take(session, shop_id)
    except PASSING as error:
        # The batch is rolled back and its mark stays: at the next ring its rows come singly, each with a back-off.
        log.warning("drain.batch_put_off", shop_id=shop_id, error=type(error).__name__)
        return None
    except Exception as error:  # one row of the batch is at fault: taken singly, it will be named
        log.warning("drain.batch_failed", shop_id=shop_id, error=type(error).__name__)
        if (begun := _begun(shop_id)) is None:
            raise
    return _take_singly(shop_id, begun)


def _take(session: Session, shop_id: int) -> int:
    rows = inbox.waiting(session, shop_id)
    if rows:
        with db.transaction(shop_id) as marking:
            marking.execute(_MARK, {"shop": shop_id, "through": rows[-1].id})
        process(session, shops.shop(session), rows)
        session.execute(_UNMARK, {"shop": shop_id})
    return len(rows)


def _begun(shop_id: int) -> int | None:
    with db.transaction(shop_id) as session:
        return session.execute(_MARKED, {"shop": shop_id}).scalar()


def _take_singly(shop_id: int, through: int) -> int:
    """The rows of a batch that was begun and not finished, each in a transaction of its own."""
    taken = 0
    while (row := _first(shop_id, through)) is not None:
        try:
            if not _take_one(shop_id, row):
                return taken
        except PASSING as error:
            _postpone(shop_id, row, error)
        except Exception as error:  # noqa: BLE001 - the worker that marks a row failed
            _fail(shop_id, row, error)
        taken += 1
    with db.transaction(shop_id) as session:
        if lock(session, shop_id):
            session.execute(_UNMARK, {"shop": shop_id})
    return max(taken, 1)


def _first(shop_id: int, through: int) -> inbox.Waiting | None:
    with db.transaction(shop_id) as session:
        return next(iter(inbox.waiting(session, shop_id, through, most=1)), None)


def _take_one(shop_id: int, row: inbox.Waiting) -> bool:
    """False when another worker has the shop."""
    with db.transaction(shop_id) as session:
        if not lock(session, shop_id):
            return False
        if row.error == BEGUN and row.attempts >= CRASHES:
            _park(session, shop_id, row, f"A worker died {row.attempts} times while it read this.")
            return True
        with db.transaction(shop_id) as counting:
            inbox.count_attempt(counting, shop_id, row.id, BEGUN)
        process(session, shops.shop(session), [row])
        inbox.uncount(session, shop_id, row)
    return True


def _postpone(shop_id: int, row: inbox.Waiting, error: Exception) -> None:
    tries = row.attempts + 1
    if tries >= TRIES:
        _fail(shop_id, row, error)
        return
    with db.transaction(shop_id) as session:
        inbox.postpone(session, shop_id, row.id, _words(error), BACKOFF_SECONDS[tries - 1])


def _fail(shop_id: int, row: inbox.Waiting, error: Exception) -> None:
    log.error("drain.row_failed", shop_id=shop_id, inbox_id=row.id, topic=row.topic, error=type(error).__name__)
    with db.transaction(shop_id) as session:
        _park(session, shop_id, row, _words(error))


def _decode(session: Session, shop: Shop, rows: Sequence[inbox.Waiting]) -> list[Told]:
    """The rows that are what they should be; the others are parked."""
    decoded = []
    for row in rows:
        try:
            reader, body = decode(row.topic, row.body, shop)
        except OtherShop as error:
            _park(session, shop.id, row, str(error), "quarantined")
        except UNREADABLE as error:
            _park(session, shop.id, row, _words(error))
        else:
            source = Source(shop, row.triggered_at, digest(row.body), row.triggered_at or row.received_at)
            decoded.append(Told(row, reader, source, body))
    return decoded


def _first_hand(session: Session, shop: Shop, decoded: list[Told]) -> list[Told]:
    """Without bodies that another shop had first; those are quarantined."""
    asked = {told.source.sha256 for told in decoded if replays.says_something(told.row.topic, told.row.body)}
    replayed = replays.replayed(session, shop.id, asked)
    for told in decoded:
        if told.source.sha256 in replayed:
            _park(session, shop.id, told.row, replays.REASON, "quarantined")
    return [told for told in decoded if told.source.sha256 not in replayed] if replayed else decoded


def _tell(session: Session, shop: Shop, decoded: list[Told]) -> tuple[list[Told], Batch]:
    """Put what the rows tell into a batch. A row that cannot be told is parked, and none of it counts."""
    batch = Batch(shop.id)
    for told in decoded:
        try:
            if told.reader.tell:
                told.reader.tell(batch, told.source, told.body)
        except UNREADABLE as error:
            _park(session, shop.id, told.row, _words(error))
            return _tell(session, shop, [other for other in decoded if other is not told])
    return decoded, batch


def _park(session: Session, shop_id: int, row: inbox.Waiting, reason: str, state: str = "failed") -> None:
    log.warning("drain.parked", shop_id=shop_id, inbox_id=row.id, topic=row.topic, state=state)
    inbox.park(session, shop_id, row.id, state, reason)
    forget_if_erased(session, shop_id, row)


def _words(error: Exception) -> str:
    """What went wrong, without the values of the body."""
    if isinstance(error, RecursionError):
        return "The body is nested too deeply."
    if isinstance(error, LookupError | TypeError):
        return f"The body could not be read ({type(error).__name__})."
    if isinstance(error, sqlalchemy.exc.DBAPIError | psycopg.Error):
        original = getattr(error, "orig", error)
        return f"The database refused it ({type(original).__name__})."
    if isinstance(error, msgspec.MsgspecError | RegularsError | ValueError):
        return str(error) or type(error).__name__
    return f"It could not be applied ({type(error).__name__})."

"""Reading a large comparison by one bulk operation of the store, which costs nothing of its rate limit.

The result comes by rising id, is streamed and compared in chunks under the rules of plugin.sync.comparing, and the
place is kept after each; so a crash goes on where it was. Whatever goes wrong with the operation leaves the rest to
pages, which begin at the same place. That the platform keeps the order asked for is nowhere promised: a result that
does not is one of these.

While an import of the shop runs, pages are read and what we asked for is cancelled: a store runs five operations of an
app at once ("Perform bulk operations with the GraphQL Admin API"), and the import needs them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic

import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from plugin import clock
from plugin.db import engine as db
from plugin.errors import RemoteError, Throttled, Unauthorized, Unavailable
from plugin.shopify.errors import UserErrors
from plugin.shops.models import Shop
from plugin.sync import comparing, leased, listing, remote
from plugin.sync.arriving import let_in
from plugin.sync.held import OPEN as IMPORTING
from plugin.sync.importing import UNDER_WAY
from plugin.sync.models import DriftCheck, SyncRun

log = structlog.get_logger()

MANY = 1_000  # objects; reading more by pages takes longer than an operation does to begin
CHUNK = 1_000
LONGEST = timedelta(minutes=30)  # for the store to read
SHORTEST_PAUSE, LONGEST_PAUSE = 1.0, 15.0  # seconds between looks, a fifth of the time it has taken
MOST_BREAKS = 3  # of the connection, one after the other


class Unfit(Exception):
    """The operation ended badly, or its result cannot be used."""


@dataclass(frozen=True)
class Chunk:
    """Some objects by rising id. `end`: the offset after the last one's line."""

    objects: list[listing.Listed]
    end: int


def suits(session: Session, check: DriftCheck, left: int) -> bool:
    """Whether the `left` objects are better read by an operation, none having failed at it."""
    return check.reach == "all" and check.way == "pages" and left > MANY and not _is_importing(session)


def read(shop: Shop, check: DriftCheck, ends: float) -> bool:
    """Bring the reading on until `ends` (monotonic); whether the next step can be made at once.

    Raises NotYet while the store reads, and what `shops.api` raises when it cannot be asked now.
    """
    try:
        return _read(shop, check, ends)
    except (Throttled, Unavailable, Unauthorized):
        raise
    except remote.Broken as error:
        if check.tries < MOST_BREAKS:
            raise Unavailable("The connection broke while the store's result was read.") from error
        reason: Exception = error
    except (RemoteError, UserErrors, remote.Gone, Unfit, LookupError, TypeError, ValueError) as error:
        reason = error
    log.warning("drift.paged", shop_id=shop.id, object=check.object, error=type(reason).__name__)
    with db.transaction(shop.id) as session:
        leased.change(session, check, {"way": "refused", "listed": None, "tries": 0})
    return True


def _read(shop: Shop, check: DriftCheck, ends: float) -> bool:
    if check.operation_gid is None:
        _ask(shop, check)
    operation = remote.look(shop, check.operation_gid or "")
    if operation is None:
        raise remote.Gone
    if operation.status in UNDER_WAY:
        raise leased.NotYet(_wait(shop, check, operation))
    if operation.status != "COMPLETED" or (operation.url is None and operation.objects):
        raise Unfit
    return _take(shop, check, operation, ends)


def _ask(shop: Shop, check: DriftCheck) -> None:
    """Have an operation; a mark finds the one whose answer was lost, so that a crash starts none twice."""
    mark, gid = f"Regulars, comparison {check.id}", None
    if check.asked_at is None:
        with db.transaction(shop.id) as session:
            leased.change(session, check, {"asked_at": func.clock_timestamp()})
    else:
        gid = remote.find(shop, mark)
    gid = gid or remote.start(shop, question(check.object, check.last_id, mark))
    with db.transaction(shop.id) as session:
        leased.change(session, check, {"operation_gid": gid, "bytes_done": 0})


def question(kind: str, after: int, mark: str) -> str:
    """The inner query that lists the objects after id `after` as a comparison needs them."""
    text = (remote.QUERIES / f"compared_{kind}.graphql").read_text(encoding="utf-8")
    return f"# {mark}\n" + text.replace("id:>0", f"id:>{after}", 1)


def _wait(shop: Shop, check: DriftCheck, operation: remote.Operation) -> float:
    """Seconds until the next look. Gives the operation up when it takes too long, or when an import needs its place."""
    taken = clock.machine_now() - check.asked_at if check.asked_at else timedelta()
    with db.transaction(shop.id) as session:
        leased.change(session, check, {"listed": operation.rows, "tries": 0})
        given_up = taken > LONGEST or _is_importing(session)
    if given_up:
        with suppress(UserErrors):  # it has just ended
            remote.cancel(shop, operation.gid)
        raise Unfit
    return max(SHORTEST_PAUSE, min(LONGEST_PAUSE, taken.total_seconds() / 5))


def _is_importing(session: Session) -> bool:
    mine = SyncRun.shop_id == session.info["shop_id"], SyncRun.kind == "backfill", SyncRun.state.in_(IMPORTING)
    return session.scalar(select(SyncRun.id).where(*mine).limit(1)) is not None


def _take(shop: Shop, check: DriftCheck, operation: remote.Operation, ends: float) -> bool:
    if not let_in(shop.id):
        return False
    lines = remote.lines(operation.url, check.bytes_done, operation.size) if operation.url else ()
    for chunk in chunks(check.object, lines, check.last_id):
        with db.transaction(shop.id) as session:
            comparing.compare(session, shop, check, chunk.objects, read_before=True)
            _look_for_gone(session, shop, check, chunk.objects, chunk.objects[-1].store_id)
            place = {"last_id": chunk.objects[-1].store_id, "bytes_done": chunk.end, "tries": 0}
            leased.change(session, check, place | {"compared": check.compared + len(chunk.objects)})
        if monotonic() > ends:
            return True
    with db.transaction(shop.id) as session:
        _look_for_gone(session, shop, check, [], comparing.LAST_ID)
        leased.change(session, check, {"state": "healing"})
    return True


def _look_for_gone(
    session: Session, shop: Shop, check: DriftCheck, objects: list[listing.Listed], through: int
) -> None:
    if check.object in comparing.COMPLETE:
        comparing.look_for_gone(session, shop, check, objects, through)


def chunks(kind: str, lines: Iterable[tuple[int, bytes]], after: int) -> Iterator[Chunk]:
    """Lines, each with the offset after it → chunks. Raises Unfit when an id does not follow the one before."""
    found: list[listing.Listed] = []
    end = 0
    for end, line in lines:
        if not line:
            continue
        one = listing.listed(kind, json.loads(line))
        if one.store_id <= after:
            raise Unfit
        after = one.store_id
        found.append(one)
        if len(found) == CHUNK:
            yield Chunk(found, end)
            found = []
    if found:
        yield Chunk(found, end)

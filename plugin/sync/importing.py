"""One import, brought on by one step: ask the store, wait for it, take the result in, judge how it ended.

A mark in the question finds an operation whose answer was lost, so that a crash starts none twice. An operation that
ended badly is followed by another one that goes on after what came, when the result kept the platform's order so far;
otherwise by one for everything, which is as right, because versions decide.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from time import monotonic, sleep
from typing import Any

import structlog
from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from plugin.db import engine as db
from plugin.errors import RemoteError, Throttled, Unauthorized, Unavailable
from plugin.jobs.doorbell import ring_after_commit
from plugin.shopify.errors import Denied, UserErrors
from plugin.shops import queries as shops
from plugin.shops.models import Shop
from plugin.sync import afterwards, backfill, loose, refunded, remote, troubles
from plugin.sync.drain import lock
from plugin.sync.held import OPEN, Held, in_seconds
from plugin.sync.models import SyncRun

log = structlog.get_logger()

AFTER = {"orders": "customers", "checkouts": "customers", "refunds": "orders"}  # so that they find them
LOCK_SECONDS = 30.0
PACE_SECONDS = 120
BUSY = {"OPERATION_IN_PROGRESS", "LIMIT_REACHED"}
UNDER_WAY = {"CREATED", "RUNNING", "CANCELING"}


class Occupied(Exception):
    """Webhooks keep the shop's lock; nothing is wrong."""


def bring_on(shop: Shop, held: Held, ends: float) -> bool:
    """Bring the import on until `ends` (monotonic); whether it was cut off by that. What goes wrong is written down."""
    try:
        return _step(shop, held, ends)
    except Occupied:
        held.change(next_attempt_at=in_seconds(1))
    except Throttled as error:  # the store told when: that is no try in vain
        held.change(trouble="unreachable", next_attempt_at=in_seconds(max(error.after, 1.0)))
    except Unavailable:
        _put_off(held, "unreachable")
    except remote.Broken:
        _put_off(held, "broken")
    except remote.Gone:
        _ask_again(held, "expired")
    except Unauthorized:
        _end(held, "failed", "locked_out")
    except (RemoteError, UserErrors) as error:
        _refuse(shop, held, error)
    return False


def fault(held: Held) -> None:
    """We failed at it ourselves."""
    _put_off(held, "fault")


def _step(shop: Shop, held: Held, ends: float) -> bool:
    run = held.run
    if run.operation_gid is None and not _ask(shop, held):
        return False
    operation = remote.look(shop, run.operation_gid or "")
    if operation is None or operation.status == "EXPIRED":
        raise remote.Gone
    if operation.status in UNDER_WAY:
        told = {"operation_state": operation.status.lower(), "detail": run.detail | {"read": operation.rows}}
        held.change(**told, trouble=_why_again(run), tries=0)
        return False
    held.change(operation_state=operation.status.lower(), rows_total=run.rows_before + operation.rows)
    if operation.status == "COMPLETED":
        return _complete(shop, held, operation, ends)
    if operation.status == "CANCELED":
        _end(held, "cancelled", "cancelled")
        return False
    if operation.error_code == "ACCESS_DENIED":
        raise Denied("The store has not granted the access that this needs.", ["ACCESS_DENIED"])
    return _keep_part(shop, held, operation, ends)


def _ask(shop: Shop, held: Held) -> bool:
    """Have an operation for the run; False when the store runs as many as it allows."""
    run, gid = held.run, None
    if run.asked_at is None:
        expected = run.expected if run.goes_on_from else remote.count(shop, run.object)
        held.change(asked_at=func.clock_timestamp(), asks=run.asks + 1, expected=expected)
    else:
        gid = remote.find(shop, _mark(run))
    try:
        gid = gid or remote.begin(shop, run.object, run.goes_on_from, _mark(run))
    except UserErrors as error:
        if not BUSY.intersection(error.codes):
            raise
        held.change(asked_at=None, trouble="queued", next_attempt_at=in_seconds(troubles.QUEUE_SECONDS))
        return False
    started = func.coalesce(SyncRun.started_at, func.clock_timestamp())
    held.change(state="running", operation_gid=gid, asked_at=None, started_at=started, bytes_done=0)
    return True


def _mark(run: SyncRun) -> str:
    return f"Regulars, import {run.id}, question {run.asks}"


def _complete(shop: Shop, held: Held, operation: remote.Operation, ends: float) -> bool:
    if _must_wait(shop, held.run):
        return False
    if operation.url is None and operation.objects:
        raise remote.Gone
    if not _take_in(shop, held, operation, operation.url, ends):
        return True
    held.change(trouble=None)
    _end(held, "done")
    return False


def _keep_part(shop: Shop, held: Held, operation: remote.Operation, ends: float) -> bool:
    """The store failed: what there is of the result comes in, then the rest is asked for."""
    if operation.partial_url:
        if _must_wait(shop, held.run):
            return False
        if not _take_in(shop, held, operation, operation.partial_url, ends):
            return True
    _ask_again(held, "broke_off")
    return False


def _must_wait(shop: Shop, run: SyncRun) -> bool:
    """Whether another kind of object has to be here first."""
    before = SyncRun.object == AFTER.get(run.object), SyncRun.state.in_(OPEN), SyncRun.kind == run.kind
    with db.transaction(shop.id) as session:
        return session.scalar(select(SyncRun.id).where(SyncRun.shop_id == shop.id, *before).limit(1)) is not None


def _take_in(shop: Shop, held: Held, operation: remote.Operation, url: str | None, ends: float) -> bool:
    """Take the result from where it was left; False when the time was up before its end."""
    run, whole = held.run, url == operation.url
    begun = backfill.Chunk(last=run.detail.get("last"), in_order=run.detail.get("in_order", True))
    lines = _Lines(remote.lines(url, run.bytes_done, operation.size if whole else None, whole) if url else ())
    chunks = backfill.chunks(run.object, lines, begun=begun)
    for chunk in backfill.ahead(shop, run.object, chunks, operation.created_at):
        _write(shop, held, chunk, operation)
        if monotonic() > ends:
            return False
    lines.check()
    while run.object != "refunds" and _place_kept(shop, held, operation):
        if monotonic() > ends:
            return False
    while run.object == "orders" and settle(shop):
        held.change()
        if monotonic() > ends:
            return False
    return True


def settle(shop: Shop) -> bool:
    """Count and settle some customers whose orders an import brought; False when none are left."""
    with _alone(shop) as session:
        ring_after_commit(session, "sync.drain", shop.id)
        return afterwards.work_off(session, shop)


class _Lines:
    """Lines until the connection breaks; the chunk that they are in is kept before that is said."""

    def __init__(self, lines: Iterable[tuple[int, bytes]]) -> None:
        self._lines, self._broken = lines, False

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        try:
            yield from self._lines
        except remote.Broken:
            self._broken = True

    def check(self) -> None:
        if self._broken:
            raise remote.Broken


def _write(shop: Shop, held: Held, chunk: backfill.Chunk, operation: remote.Operation) -> None:
    """One chunk and its progress in one transaction, as the shop's one writer."""
    with _alone(shop) as session:
        backfill.write(session, shop, held.run.object, chunk, operation.created_at)
        _follow_up(session, shop, held.run, chunk, operation)
        ring_after_commit(session, "sync.drain", shop.id)  # who was rung for a webhook meanwhile went away
        _note(session, held, chunk)


def _follow_up(session: Session, shop: Shop, run: SyncRun, chunk: backfill.Chunk, operation: remote.Operation) -> None:
    """What a chunk leaves to be done: rows without their parent, and refunds."""
    if run.object == "refunds":
        refunded.mark(session, shop, run.id, chunk)
        return
    loose.place(session, shop, run.id, run.object, chunk.loose, operation.created_at)
    if run.object == "orders":
        refunded.note(session, shop, chunk)


def _place_kept(shop: Shop, held: Held, operation: remote.Operation) -> bool:
    with _alone(shop) as session:
        left = loose.place_kept(session, shop, held.run.id, held.run.object, operation.created_at)
        held.write(session)
    return left


@contextmanager
def _alone(shop: Shop) -> Iterator[Session]:
    """A transaction as the shop's one writer. Raises Occupied when webhooks keep the shop's lock for too long."""
    gives_up = monotonic() + LOCK_SECONDS
    while True:
        with db.transaction(shop.id) as session:
            if lock(session, shop.id):
                yield session
                return
        if monotonic() > gives_up:
            raise Occupied
        sleep(0.02)


def _note(session: Session, held: Held, chunk: backfill.Chunk) -> None:
    run = held.run
    detail = run.detail | {"last": chunk.last, "in_order": chunk.in_order}
    if chunk.loose and run.object == "refunds":
        detail |= {"loose": True}
    if chunk.skipped:
        detail |= {"skipped": detail.get("skipped", 0) + len(chunk.skipped), "reason": chunk.skipped[-1][:300]}
    rows = run.rows_done + chunk.rows
    since = func.clock_timestamp() - SyncRun.paced_at
    is_old = since > func.make_interval(0, 0, 0, 0, 0, 0, PACE_SECONDS)
    held.write(
        session,
        rows_done=rows,
        bytes_done=chunk.end,
        detail=detail,
        tries=0,
        trouble=None,
        next_attempt_at=None,
        paced_at=case((is_old, SyncRun.paced_at + since / 2), else_=func.coalesce(SyncRun.paced_at, _now())),
        paced_rows=case((is_old, (SyncRun.paced_rows + rows) // 2), else_=SyncRun.paced_rows),
    )


def _ask_again(held: Held, trouble: str) -> None:
    """Another operation, after a pause: for what comes after the last object that came, or for everything."""
    run = held.run
    advanced = _rest(run) is not None and _rest(run) != run.goes_on_from
    tries = 1 if advanced else run.detail.get("in_vain", 0) + 1
    if tries > troubles.MOST_TRIES:
        _end(held, "failed", trouble)
        return
    pause = in_seconds(troubles.BACKOFF_SECONDS[tries - 1])
    detail = run.detail | {"in_vain": tries}
    with db.transaction(run.shop_id) as session:
        if run.object != "refunds":
            loose.forget(session, run.shop_id, run.id)
        again = afresh(run) | {"trouble": trouble, "tries": tries, "next_attempt_at": pause, "detail": detail}
        held.write(session, **again)


def afresh(run: SyncRun) -> dict[str, Any]:
    """Columns of a run that asks for a new operation and keeps what came, as far as that is known."""
    rest = _rest(run)
    rows = max(0, run.rows_done - 1) if rest else 0  # the last object comes again: its rows may be missing
    return {
        "state": "waiting",
        "operation_gid": None,
        "operation_state": None,
        "asked_at": None,
        "goes_on_from": rest,
        "rows_before": rows,
        "rows_done": rows,
        "rows_total": None,
        "bytes_done": 0,
        "paced_at": None,
        "paced_rows": rows,
    }


def _rest(run: SyncRun) -> str | None:
    """The search that finds what has not come yet; None when only everything will do."""
    last = run.detail.get("last")
    return backfill.KINDS[run.object].after.format(last) if last and run.detail.get("in_order") else None


def _why_again(run: SyncRun) -> str | None:
    """What went wrong, while the operation that follows from it is under way."""
    return run.trouble if run.trouble in ("broke_off", "expired") else None


def _put_off(held: Held, trouble: str) -> None:
    tries = held.run.tries + 1
    if tries > troubles.MOST_TRIES:
        _end(held, "failed", trouble)
        return
    pause = troubles.BACKOFF_SECONDS[tries - 1]
    held.change(trouble=trouble, tries=tries, next_attempt_at=in_seconds(pause))
    log.warning("run.put_off", shop_id=held.run.shop_id, run_id=held.run.id, error=trouble, attempts=tries)


def _refuse(shop: Shop, held: Held, error: Exception) -> None:
    """The store says no: without a permission, or to the question itself."""
    if isinstance(error, Denied) and "ACCESS_DENIED" in error.codes:
        _end(held, "failed", "denied", scopes=troubles.missing_scopes(shop, held.run.object))
    else:
        _end(held, "failed", "refused", said=str(error)[:300])


def _end(held: Held, state: str, trouble: str | None = None, **detail: object) -> None:
    run = held.run
    while run.object == "orders" and settle(shops.by_id(run.shop_id)):  # also when it comes to no good end
        held.change()
    run.state, run.trouble = state, trouble
    run.detail = run.detail | detail
    why = troubles.explain(run)
    columns = {"state": state, "trouble": trouble, "detail": run.detail, "error": str(why) if why else None}
    with db.transaction(run.shop_id) as session:
        if run.object == "refunds":
            refunded.read_rest(session, shops.shop(session), run)
        held.write(session, **columns, finished_at=_now())
    log.info("run.finished", shop_id=run.shop_id, run_id=run.id, object=run.object, state=state, rows=run.rows_done)


def _now() -> object:
    return func.clock_timestamp()

"""Runs: fetching a shop's history, one bulk operation a kind of object, each a row with its progress.

waiting → running (the store reads, then we import) → done | failed | cancelled. A run is driven under a lease of the
database's clock, in slices of seconds, so that any worker can go on with it after any crash: `bytes_done` says where.
Orders wait for customers, so that they find them.
"""

from __future__ import annotations

from datetime import datetime
from time import monotonic, sleep
from typing import Any

import structlog
from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from plugin.db import engine as db
from plugin.errors import OutcomeUnknown, RemoteError, Throttled, Unauthorized, Unavailable
from plugin.shopify.errors import UserErrors
from plugin.shops import queries as shops
from plugin.shops.models import Shop
from plugin.sync import backfill, remote
from plugin.sync.drain import lock
from plugin.sync.models import SyncRun

log = structlog.get_logger()

KINDS = ("customers", "products", "orders", "checkouts")
AFTER = {"orders": "customers", "checkouts": "customers"}
LEASE_SECONDS = 120
LOCK_SECONDS = 30.0
OPEN = ("waiting", "running")
BUSY = {"OPERATION_IN_PROGRESS", "LIMIT_REACHED"}
UNDER_WAY = {"CREATED", "RUNNING", "CANCELING"}


def drive_all(seconds: float = 20.0) -> bool:
    """Bring every shop's open runs on, for about `seconds`; whether something is left to be done at once."""
    ends, left = monotonic() + seconds, False
    for shop_id in shops.installed_ids():
        if monotonic() > ends:
            return True
        left |= drive(shop_id, ends)
    return left


def drive(shop_id: int, ends: float) -> bool:
    """Bring one shop's open runs on until `ends`; whether an import was cut off by it."""
    left = False
    for run_id in _open_runs(shop_id):
        with db.transaction(shop_id) as session:
            run, shop = _lease(session, run_id), shops.shop(session)
        if run is None:
            continue
        try:
            left |= _drive(shop, run, ends)
        except (Throttled, Unavailable, OutcomeUnknown) as error:
            log.warning("run.put_off", shop_id=shop_id, run_id=run.id, error=type(error).__name__)
        except (RemoteError, Unauthorized) as error:
            _change(run, state="failed", error=str(error), finished_at=func.clock_timestamp())
        finally:
            _change(run, lease_until=None)
    return left


def _open_runs(shop_id: int) -> list[int]:
    with db.transaction(shop_id) as session:
        return list(session.scalars(select(SyncRun.id).where(SyncRun.state.in_(OPEN)).order_by(SyncRun.id)))


def _lease(session: Session, run_id: int) -> SyncRun | None:
    """The run, ours for two minutes from the last sign of life; None when somebody else drives it."""
    free = or_(SyncRun.lease_until.is_(None), SyncRun.lease_until < func.clock_timestamp())
    mine = SyncRun.shop_id == session.info["shop_id"], SyncRun.id == run_id, SyncRun.state.in_(OPEN), free
    session.execute(select(SyncRun.id).where(*mine).with_for_update(skip_locked=True))
    leased = update(SyncRun).where(*mine).values(lease_until=_lease_end()).returning(SyncRun)
    return session.scalars(leased).one_or_none()


def _drive(shop: Shop, run: SyncRun, ends: float) -> bool:
    if run.state == "waiting" and not _begin(shop, run):
        return False
    operation = remote.look(shop, run.operation_gid or "")
    if operation is None or operation.status == "EXPIRED":
        _change(run, state="waiting", operation_gid=None, bytes_done=0, rows_done=0)
        return True
    _change(run, operation_state=operation.status.lower(), rows_total=operation.rows)
    if operation.status in UNDER_WAY:
        return False
    if operation.status == "CANCELED":
        _finish(run, "cancelled")
        return False
    if operation.status != "COMPLETED":
        _finish(
            run, "failed", f"The store could not read the {run.object} ({operation.error_code or operation.status})."
        )
        return False
    return _import(shop, run, operation, ends)


def _begin(shop: Shop, run: SyncRun) -> bool:
    try:
        gid = remote.begin(shop, run.object)
    except UserErrors as error:
        if BUSY.intersection(error.codes):
            return False
        raise
    _change(run, state="running", operation_gid=gid, started_at=func.clock_timestamp())
    return True


def _import(shop: Shop, run: SyncRun, operation: remote.Operation, ends: float) -> bool:
    """Take the result from where it was left, until it is read or the time is up."""
    if _must_wait(shop, run):
        return False
    if operation.url:
        for chunk in backfill.chunks(run.object, remote.lines(operation.url, run.bytes_done)):
            _write(shop, run, chunk, operation.created_at)
            if monotonic() > ends:
                return True
    _finish(run, "done")
    return False


def _must_wait(shop: Shop, run: SyncRun) -> bool:
    """Whether another kind of object has to be here first."""
    before = SyncRun.object == AFTER.get(run.object), SyncRun.state.in_(OPEN), SyncRun.kind == run.kind
    with db.transaction(shop.id) as session:
        return session.scalar(select(SyncRun.id).where(SyncRun.shop_id == shop.id, *before).limit(1)) is not None


def _write(shop: Shop, run: SyncRun, chunk: backfill.Chunk, read_at: datetime) -> None:
    """One chunk and its progress in one transaction, as the shop's one writer."""
    gives_up = monotonic() + LOCK_SECONDS
    while True:
        with db.transaction(shop.id) as session:
            if lock(session, shop.id):
                backfill.write(session, shop, run.object, chunk, read_at)
                _note(session, run, chunk)
                return
        if monotonic() > gives_up:
            raise Unavailable("Webhooks keep this shop busy; the import goes on later.")
        sleep(0.02)


def _note(session: Session, run: SyncRun, chunk: backfill.Chunk) -> None:
    run.rows_done += chunk.rows
    run.bytes_done = chunk.end
    if chunk.skipped:
        told = {"skipped": run.detail.get("skipped", 0) + len(chunk.skipped), "reason": chunk.skipped[-1][:300]}
        run.detail = run.detail | told
    columns = {"rows_done": run.rows_done, "bytes_done": run.bytes_done, "detail": run.detail}
    session.execute(update(SyncRun).where(*_is(run)).values(columns | {"lease_until": _lease_end()}))


def _finish(run: SyncRun, state: str, error: str | None = None) -> None:
    _change(run, state=state, error=error, finished_at=func.clock_timestamp())
    log.info("run.finished", shop_id=run.shop_id, run_id=run.id, object=run.object, state=state, rows=run.rows_done)


def _change(run: SyncRun, **columns: Any) -> None:
    """Write columns of the run in a transaction of its own, and keep the object in hand in step."""
    with db.transaction(run.shop_id) as session:
        session.execute(update(SyncRun).where(*_is(run)).values(columns))
    for name, value in columns.items():
        if name in ("state", "operation_gid", "bytes_done", "rows_done"):
            setattr(run, name, value)


def _is(run: SyncRun) -> tuple[Any, ...]:
    return SyncRun.shop_id == run.shop_id, SyncRun.id == run.id


def _lease_end() -> Any:
    return func.clock_timestamp() + func.make_interval(0, 0, 0, 0, 0, 0, LEASE_SECONDS)

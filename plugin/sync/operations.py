"""The verbs of the way in: begin a backfill, and what an install brings in."""

from __future__ import annotations

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from plugin.errors import NotFound, Refused
from plugin.jobs.doorbell import ring_after_commit
from plugin.shops.models import Shop
from plugin.sync import importing, loose
from plugin.sync.held import OPEN
from plugin.sync.models import SyncRun
from plugin.sync.runs import KINDS

STILL_THERE = ("unreachable", "broken", "fault", "locked_out")  # the store's operation is as it was


def start_backfill(session: Session, shop: Shop) -> int:
    """Fetch the shop's history: one run a kind of object that has no open one; how many were begun."""
    running = select(SyncRun.object).where(
        SyncRun.shop_id == shop.id, SyncRun.kind == "backfill", SyncRun.state.in_(OPEN)
    )
    there = set(session.scalars(running))
    loose.forget_ended(session, shop.id)
    wanted = [{"shop_id": shop.id, "kind": "backfill", "object": kind} for kind in KINDS if kind not in there]
    if wanted:
        session.execute(insert(SyncRun), wanted)
        ring_after_commit(session, "sync.drive_runs")
    return len(wanted)


def retry_import(session: Session, shop: Shop, run_id: int) -> SyncRun:
    """Take up an import that was cancelled or failed, where that makes sense. Raises NotFound, Refused."""
    mine = SyncRun.shop_id == shop.id, SyncRun.id == run_id, SyncRun.kind == "backfill"
    run = session.scalar(select(SyncRun).where(*mine).with_for_update())
    if run is None:
        raise NotFound("This import does not exist.")
    if run.state not in ("failed", "cancelled"):
        raise Refused("This import is not at an end that could be tried again.")
    clean = {"error": None, "trouble": None, "tries": 0, "next_attempt_at": None, "finished_at": None}
    detail = {name: value for name, value in run.detail.items() if name not in ("in_vain", "scopes", "said")}
    again = {"state": "running"}
    if run.operation_gid is None or run.trouble not in STILL_THERE:
        loose.forget(session, shop.id, run.id)
        again = importing.afresh(run)
    session.execute(update(SyncRun).where(*mine).values(again | clean | {"detail": detail}))
    ring_after_commit(session, "sync.drive_runs")
    return run

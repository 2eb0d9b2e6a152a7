"""The verbs of the way in: begin a backfill, and what an install brings in."""

from __future__ import annotations

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from plugin.jobs.doorbell import ring_after_commit
from plugin.shops.models import Shop
from plugin.sync.models import SyncRun
from plugin.sync.runs import KINDS, OPEN


def start_backfill(session: Session, shop: Shop) -> int:
    """Fetch the shop's history: one run a kind of object that has no open one; how many were begun."""
    running = select(SyncRun.object).where(
        SyncRun.shop_id == shop.id, SyncRun.kind == "backfill", SyncRun.state.in_(OPEN)
    )
    there = set(session.scalars(running))
    wanted = [{"shop_id": shop.id, "kind": "backfill", "object": kind} for kind in KINDS if kind not in there]
    if wanted:
        session.execute(insert(SyncRun), wanted)
        ring_after_commit(session, "sync.drive_runs")
    return len(wanted)

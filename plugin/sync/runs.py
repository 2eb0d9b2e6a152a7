"""Runs: fetching a shop's history, one bulk operation a kind of object, each a row with its progress.

waiting → running (the store reads, then we import) → done | failed | cancelled. The store reads all kinds at once; from
version 2026-01 on it runs five operations of a shop ("Perform bulk operations with the GraphQL Admin API"). Any worker
can go on with a run after any crash: `bytes_done` says where. Shops are driven beside each other, and one that does not
answer is asked less and less often, so that it keeps nobody else waiting.
"""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from time import monotonic

import structlog
from sqlalchemy import func, or_, select

from plugin import pace
from plugin.db import engine as db
from plugin.shops import queries as shops
from plugin.shops.models import Shop
from plugin.sync import held as holding
from plugin.sync import importing, turns
from plugin.sync.held import OPEN as OPEN
from plugin.sync.held import Held, LeaseLost
from plugin.sync.models import SyncRun

log = structlog.get_logger()

KINDS = ("customers", "products", "orders", "refunds", "checkouts")
SHOPS_AT_ONCE = 4


def drive_all(seconds: float = 20.0) -> bool:
    """Bring every shop's open imports on, for about `seconds`; whether something is left to be done at once."""
    ends = monotonic() + seconds
    ids = turns.due("sync_runs", OPEN)
    random.shuffle(ids)  # when the time is not enough for all, everybody's turn comes all the same
    with ThreadPoolExecutor(SHOPS_AT_ONCE, thread_name_prefix="import") as threads:
        return any(list(threads.map(lambda shop_id: monotonic() > ends or drive(shop_id, ends), ids)))


def drive(shop_id: int, ends: float) -> bool:
    """Bring one shop's open imports on until `ends`, each for its share of it; whether one was cut off by that."""
    left, due = False, _due(shop_id)
    for number, run_id in enumerate(due):
        share = max(0.0, ends - monotonic()) / (len(due) - number)
        with db.transaction(shop_id) as session:
            held, shop = holding.take(session, run_id), shops.shop(session)
        if held is not None:
            left |= _bring_on(shop, held, monotonic() + share)
    return left


def _due(shop_id: int) -> list[int]:
    at_once = or_(SyncRun.next_attempt_at.is_(None), SyncRun.next_attempt_at <= func.clock_timestamp())
    mine = SyncRun.shop_id == shop_id, SyncRun.kind == "backfill", SyncRun.state.in_(OPEN), at_once
    with db.transaction(shop_id) as session:
        return list(session.scalars(select(SyncRun.id).where(*mine).order_by(SyncRun.id)))


def _bring_on(shop: Shop, held: Held, ends: float) -> bool:
    """Nothing that goes wrong with one import may keep the others waiting."""
    left = False
    with suppress(LeaseLost):
        try:
            with pace.at(pace.BACKGROUND):  # who waits at a screen goes first
                left = importing.bring_on(shop, held, ends)
        except LeaseLost:
            raise
        except Exception as error:  # noqa: BLE001 - the worker that marks a run failed
            log.error("run.fault", shop_id=shop.id, run_id=held.run.id, error=type(error).__name__)
            importing.fault(held)
        held.change(lease_until=None)
    return left

"""When the mirror is compared with the store: hourly what changed, once a night everything, or because somebody asks.

All by machine time, since the store's rate limit knows no other. A shop whose history is still coming in is left alone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import delete, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from plugin import clock
from plugin.db import engine as db
from plugin.jobs.doorbell import ring_after_commit
from plugin.shops import queries as shops
from plugin.shops.models import Shop
from plugin.sync.models import DriftCheck, SyncRun
from plugin.sync.runs import OPEN

KINDS = ("customers", "products", "orders", "checkouts")
SUBSCRIPTIONS = "webhooks"
HOUR = timedelta(hours=1)
NIGHT_HOURS = range(1, 5)  # of the shop's own day
AFTER_A_NIGHT = timedelta(hours=20)
LATEST = timedelta(hours=36)  # a night may pass in which nobody worked
KEPT_DAYS = 60

# Asked every few seconds in each shop, so it reads the newest rows of each kind and not two months of them.
_NEWEST = text("""
    SELECT kind, reach, newest.created_at
    FROM unnest(CAST(:kinds AS text[])) AS kind, unnest(ARRAY['recent', 'all']) AS reach, LATERAL (
        SELECT created_at FROM drift_checks WHERE shop_id = :shop AND object = kind AND drift_checks.reach = reach.reach
        ORDER BY id DESC LIMIT 1
    ) AS newest
""")


def begin(
    session: Session, shop: Shop, reach: str, asked_by: str, kinds: Collection[str] = (*KINDS, SUBSCRIPTIONS)
) -> int:
    """Open a check of each kind that has none of this reach (`recent` or `all`); how many were opened."""
    wanted = [{"shop_id": shop.id, "object": kind, "reach": reach, "asked_by": asked_by} for kind in kinds]
    if not wanted:
        return 0
    opened = insert(DriftCheck).values(wanted).on_conflict_do_nothing().returning(DriftCheck.id)
    many = len(session.execute(opened).all())
    if many:
        ring_after_commit(session, "sync.reconcile")
    return many


def begin_due() -> None:
    """Open what is due in any shop."""
    now = clock.machine_now()
    for shop_id in shops.installed_ids():
        with db.transaction(shop_id) as session:
            _begin_due(session, shops.shop(session), now)


def _begin_due(session: Session, shop: Shop, now: datetime) -> None:
    if not _history_is_here(session, shop, now):
        return
    newest = _newest(session, shop)
    whole = [kind for kind in KINDS if _night_is_due(shop, newest.get((kind, "all")), now)]
    hourly = [kind for kind in (*KINDS, SUBSCRIPTIONS) if kind not in whole and _hour_is_over(newest, kind, now)]
    begin(session, shop, "all", "schedule", whole)
    begin(session, shop, "recent", "schedule", hourly)
    if whole:
        _forget_old(session, shop, now)


def _history_is_here(session: Session, shop: Shop, now: datetime) -> bool:
    """Whether the import is over for an hour; what it brings in is not compared while it comes in."""
    mine = SyncRun.shop_id == shop.id, SyncRun.kind == "backfill"
    imports = select(func.count().filter(SyncRun.state.in_(OPEN)), func.max(SyncRun.finished_at)).where(*mine)
    running, finished_at = session.execute(imports).one()
    return not running and finished_at is not None and finished_at <= now - HOUR


def _newest(session: Session, shop: Shop) -> dict[tuple[str, str], datetime]:
    """When the newest check of each kind and reach was opened."""
    asked = {"shop": shop.id, "kinds": [*KINDS, SUBSCRIPTIONS]}
    return {(kind, reach): at for kind, reach, at in session.execute(_NEWEST, asked)}


def _hour_is_over(newest: Mapping[tuple[str, str], datetime], kind: str, now: datetime) -> bool:
    at = [newest[kind, reach] for reach in ("recent", "all") if (kind, reach) in newest]
    return not at or max(at) <= now - HOUR


def _night_is_due(shop: Shop, last_at: datetime | None, now: datetime) -> bool:
    if last_at is None or last_at <= now - LATEST:
        return True
    # Shops of one time zone do not all begin at the stroke of one.
    local = now.astimezone(ZoneInfo(shop.timezone)) - timedelta(minutes=shop.id * 7 % 120)
    return local.hour in NIGHT_HOURS and last_at <= now - AFTER_A_NIGHT


def _forget_old(session: Session, shop: Shop, now: datetime) -> None:
    old = DriftCheck.shop_id == shop.id, DriftCheck.created_at < now - timedelta(days=KEPT_DAYS)
    session.execute(delete(DriftCheck).where(*old))

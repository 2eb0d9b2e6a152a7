"""Writing deeds down. Each once, by its key; deciding follows by itself."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from plugin import clock
from plugin.jobs.doorbell import ring_after_commit
from plugin.loyalty.acting.models import Deed
from plugin.loyalty.models import Program
from plugin.shops.models import Shop


def began(session: Session, shop: Shop) -> datetime | None:
    """When the shop's first version was saved: nothing done before counts, even if orders from before do."""
    return session.scalar(select(func.min(Program.created_at)).where(Program.shop_id == shop.id))


def record(session: Session, shop: Shop, deeds: Iterable[dict[str, Any]]) -> None:
    """Keep these deeds (key, customer_id, thing, occurred_at) unless they are known."""
    rows = [deed | {"shop_id": shop.id, "recorded_at": clock.now(session)} for deed in deeds]
    if not rows:
        return
    session.execute(insert(Deed).on_conflict_do_nothing(), sorted(rows, key=lambda row: row["key"]))
    ring_after_commit(session, "loyalty.settle_due")


def locked(session: Session, *wanted: Any, most: int | None = None) -> list[Deed]:
    """Deeds are locked by customer and key, and before accounts."""
    chosen = select(Deed).where(*wanted).order_by(Deed.customer_id, Deed.key).limit(most).with_for_update()
    return list(session.scalars(chosen, execution_options={"populate_existing": True}))


def of(session: Session, shop: Shop, customer_ids: Collection[int], thing: str) -> list[Deed]:
    """The deeds of these customers for one thing, locked."""
    return locked(session, Deed.shop_id == shop.id, Deed.customer_id.in_(customer_ids), Deed.thing == thing)

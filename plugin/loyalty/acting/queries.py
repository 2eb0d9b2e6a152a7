"""Reads of deeds for the panel."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from plugin.loyalty.acting.models import Deed, ProfileField
from plugin.shops.models import Shop

SHOWN = 100


def deeds(session: Session, shop: Shop, customer_id: int | None = None) -> Sequence[Deed]:
    """The latest deeds of everybody, or of one customer, with what was decided."""
    mine = [Deed.shop_id == shop.id] + ([Deed.customer_id == customer_id] if customer_id is not None else [])
    latest = select(Deed).where(*mine).order_by(Deed.recorded_at.desc(), Deed.key.desc()).limit(SHOWN)
    return session.scalars(latest).all()


def given(session: Session, shop: Shop) -> dict[int | None, tuple[int, int]]:
    """How often each way gave points, and how many are out for it."""
    sums = Deed.way_id, func.count(), func.coalesce(func.sum(Deed.points), 0)
    rows = session.execute(select(*sums).where(Deed.shop_id == shop.id, Deed.points > 0).group_by(Deed.way_id))
    return {way_id: (int(times), int(points)) for way_id, times, points in rows}


def labels(session: Session, shop: Shop) -> dict[int, str]:
    """The names of all profile fields, archived ones too."""
    named = select(ProfileField.id, ProfileField.label).where(ProfileField.shop_id == shop.id)
    return dict(iter(session.execute(named)))

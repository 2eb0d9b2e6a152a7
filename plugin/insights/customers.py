"""What the panel shows about customers beyond the mirror and the ledger."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.loyalty.models import PointAccount
from plugin.shops.models import Shop


def accounts(session: Session, shop: Shop, customer_ids: Sequence[int]) -> dict[int, PointAccount]:
    """Point accounts by customer; customers without any movement have none."""
    statement = select(PointAccount).where(PointAccount.shop_id == shop.id, PointAccount.customer_id.in_(customer_ids))
    return {account.customer_id: account for account in session.scalars(statement)}

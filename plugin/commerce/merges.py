"""Who became whom: customers the store merged. Everything that names a customer asks here who is meant today.

The store's word is `customers/merge`; the mirror names the kept customer on orders and checkouts from then on
(plugin/sync/merging.py), and each feature moves what it keeps by itself (plugin/reactions.py).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import BigInteger, any_, literal, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from plugin.commerce.models import CustomerMerge


def kept(session: Session, shop_id: int, customer_ids: Collection[int]) -> dict[int, int]:
    """Those of these customers who were merged, with the customer kept for them today."""
    if not customer_ids:
        return {}
    columns = select(CustomerMerge.from_id, CustomerMerge.kept_id).where(CustomerMerge.shop_id == shop_id)
    return dict(iter(session.execute(columns.where(CustomerMerge.from_id == _any(customer_ids)))))


def kept_for(session: Session, shop_id: int, customer_id: int) -> int:
    """The customer who is meant by this id today: itself, unless it was merged."""
    return kept(session, shop_id, [customer_id]).get(customer_id, customer_id)


def into(session: Session, shop_id: int, customer_ids: Collection[int]) -> Sequence[CustomerMerge]:
    """The merges that ended in these customers, the earliest first."""
    if not customer_ids:
        return []
    merged = select(CustomerMerge).where(CustomerMerge.shop_id == shop_id)
    ended = merged.where(CustomerMerge.kept_id == _any(customer_ids))
    return session.scalars(ended.order_by(CustomerMerge.merged_at, CustomerMerge.from_id)).all()


def of(session: Session, shop_id: int, customer_id: int) -> CustomerMerge | None:
    """How this customer came to be merged; None for one who was not."""
    return session.get(CustomerMerge, (shop_id, customer_id), populate_existing=True)


def _any(ids: Collection[int]) -> object:
    return any_(literal(sorted(ids), ARRAY(BigInteger)))

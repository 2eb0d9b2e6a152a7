"""Who became whom: customers the store merged. Everything that names a customer asks here who is meant today.

The store's word is `customers/merge`; the mirror names the kept customer on orders and checkouts from then on
(plugin/sync/merging.py), and each feature moves what it keeps by itself (plugin/reactions.py).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.commerce.models import CustomerMerge

_KEPT = "SELECT from_id, kept_id FROM customer_merges WHERE shop_id = %s AND from_id = ANY (%b::bigint[])"
_FORMERS = "SELECT from_id FROM customer_merges WHERE shop_id = %s AND kept_id = ANY (%b::bigint[])"


def kept(session: Session, shop_id: int, customer_ids: Collection[int]) -> dict[int, int]:
    """Those of these customers who were merged, with the customer kept for them today."""
    return dict(_raw(session, _KEPT, shop_id, customer_ids)) if customer_ids else {}


def kept_for(session: Session, shop_id: int, customer_id: int) -> int:
    """The customer who is meant by this id today: itself, unless it was merged."""
    return kept(session, shop_id, [customer_id]).get(customer_id, customer_id)


def formers(session: Session, shop_id: int, customer_ids: Collection[int]) -> set[int]:
    """Everybody who was merged and is one of these customers today."""
    return {from_id for (from_id,) in _raw(session, _FORMERS, shop_id, customer_ids)} if customer_ids else set()


def into(session: Session, shop_id: int, customer_ids: Collection[int]) -> Sequence[CustomerMerge]:
    """The merges that ended in these customers, the earliest first."""
    if not customer_ids:
        return []
    merged = select(CustomerMerge).where(CustomerMerge.shop_id == shop_id)
    ended = merged.where(CustomerMerge.kept_id.in_(customer_ids))
    return session.scalars(ended.order_by(CustomerMerge.merged_at, CustomerMerge.from_id)).all()


def of(session: Session, shop_id: int, customer_id: int) -> CustomerMerge | None:
    """How this customer came to be merged; None for one who was not."""
    return session.get(CustomerMerge, (shop_id, customer_id), populate_existing=True)


def _raw(session: Session, query: Any, shop_id: int, customer_ids: Collection[int]) -> list[tuple[Any, ...]]:
    """Asked once a batch for up to 500 ids: through the driver, which takes a quarter of the time."""
    session.flush()
    driver: Any = session.connection().connection.driver_connection
    found: list[tuple[Any, ...]] = driver.cursor(binary=True).execute(query, (shop_id, sorted(customer_ids))).fetchall()
    return found

"""customers/merge: the store made one person of two, and the mirror follows.

Whatever is told before or after, the mirror ends the same: the merged customer is a tombstone, and orders and checkouts
name the customer who is kept today, also those whose own news still name the old one. A merge that would end in itself
is refused and logged. Statuses: `CustomerMergeRequestStatus` of the Admin API; older bodies say "success".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from plugin.commerce import merges
from plugin.commerce.models import Checkout, CustomerMerge, Order
from plugin.reactions import Changes
from plugin.shops import operations as shops
from plugin.shops.models import Shop
from plugin.sync import payloads as body
from plugin.sync.batch import Batch, Source, keep
from plugin.sync.nodes import numeric_id
from plugin.sync.rows import MergeRow

DONE = ("completed", "success")


def tell(batch: Batch, source: Source, told: body.CustomersMerged) -> None:
    """Only a merge that was done counts; told twice, the earlier moment stands."""
    if (told.status or "").lower() not in DONE:
        return
    from_id = numeric_id(told.admin_graphql_api_customer_deleted_id or "")
    into_id = numeric_id(told.admin_graphql_api_customer_kept_id or "")
    if from_id == into_id:
        raise ValueError("The merge names one customer twice.")
    there = batch.merges.get(from_id)
    if there is None or source.heard_at < there.merged_at:
        batch.merges[from_id] = MergeRow(from_id, into_id, source.heard_at)
    keep(batch.deleted_customers, from_id, source.tombstone(from_id))
    batch.mentioned_customers.add(into_id)


def accept(session: Session, shop: Shop, batch: Batch) -> None:
    """Take out what contradicts the store's earlier word: a circle, or a customer who became somebody else before."""
    accepted: dict[int, int] = {}
    for row in sorted(batch.merges.values(), key=lambda row: (row.merged_at, row.from_id)):
        there = merges.of(session, shop.id, row.from_id)
        kept_id = _end_of(session, shop.id, row.into_id, accepted)
        if kept_id != row.from_id and (there is None or there.into_id == row.into_id):
            accepted[row.from_id] = row.into_id
            continue
        told = {"from": row.from_id, "into": row.into_id, "known": there.into_id if there else kept_id}
        shops.audit(session, shop, "store", "customers.merge_refused", f"customer:{row.from_id}", None, told)
        del batch.merges[row.from_id], batch.deleted_customers[row.from_id]


def apply(session: Session, shop: Shop, batch: Batch, changes: Changes) -> set[int]:
    """Write the accepted merges, and let the batch's orders, and those that are there, name who is kept.

    Answers with everybody whose orders are others now. The customers of the batch are in the mirror already.
    """
    for row in batch.merges.values():
        _write(session, shop.id, row)
    _resolve(session, shop.id, batch)
    changes.merged |= batch.merges.keys()
    return _repoint(session, shop.id, changes) if batch.merges else set()


def _end_of(session: Session, shop_id: int, customer_id: int, accepted: Mapping[int, int]) -> int:
    kept_id = merges.kept_for(session, shop_id, customer_id)
    return _end_of(session, shop_id, accepted[kept_id], accepted) if kept_id in accepted else kept_id


def _write(session: Session, shop_id: int, row: MergeRow) -> None:
    kept_id = merges.kept_for(session, shop_id, row.into_id)
    new = insert(CustomerMerge).values(shop_id=shop_id, **row._asdict(), kept_id=kept_id)
    earlier = CustomerMerge.merged_at > new.excluded.merged_at
    session.execute(
        new.on_conflict_do_update(
            index_elements=["shop_id", "from_id"], set_={"merged_at": new.excluded.merged_at}, where=earlier
        )
    )
    follows = CustomerMerge.shop_id == shop_id, CustomerMerge.kept_id == row.from_id
    session.execute(update(CustomerMerge).where(*follows).values(kept_id=kept_id))


def _resolve(session: Session, shop_id: int, batch: Batch) -> None:
    rows: list[Any] = [*batch.orders.values(), *batch.checkouts.values()]
    named = {row.customer_id for row in rows if row.customer_id is not None}
    for from_id, kept_id in merges.kept(session, shop_id, named).items():
        _rename(batch.orders, from_id, kept_id)
        _rename(batch.checkouts, from_id, kept_id)


def _rename(rows: dict[Any, Any], from_id: int, kept_id: int) -> None:
    for key, row in rows.items():
        if row.customer_id == from_id:
            rows[key] = row._replace(customer_id=kept_id)


def _repoint(session: Session, shop_id: int, changes: Changes) -> set[int]:
    """Orders and checkouts of the merged go over to who is kept; a merge told again finds none."""
    people: set[int] = set()
    for from_id, kept_id in merges.kept(session, shop_id, changes.merged).items():
        changes.orders |= set(session.scalars(_moved(Order, shop_id, from_id, kept_id).returning(Order.id)))
        session.execute(_moved(Checkout, shop_id, from_id, kept_id))
        people |= {from_id, kept_id}
    changes.customers |= people
    return people


def _moved(table: Any, shop_id: int, from_id: int, kept_id: int) -> Any:
    mine = table.shop_id == shop_id, table.customer_id == from_id
    return update(table).where(*mine).values(customer_id=kept_id).execution_options(synchronize_session=False)

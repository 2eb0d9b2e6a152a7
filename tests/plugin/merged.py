"""Two customers as the store has merged them, for tests of what follows."""

from __future__ import annotations

from sqlalchemy import update
from sqlalchemy.orm import Session

from plugin import clock
from plugin.commerce.models import Checkout, Customer, CustomerMerge, Order
from plugin.reactions import Changes, react
from plugin.shops.models import Shop

OLD, KEPT = 7, 8


def merge(session: Session, shop: Shop, from_id: int = OLD, into_id: int = KEPT) -> None:
    """The merge comes in: the old row is emptied, and everybody reacts."""
    now = clock.now(session)
    session.flush()
    session.merge(CustomerMerge(shop_id=shop.id, from_id=from_id, into_id=into_id, kept_id=into_id, merged_at=now))
    session.flush()
    gone = Customer.shop_id == shop.id, Customer.id == from_id
    session.execute(update(Customer).where(*gone).values(email=None, email_consent=None, deleted_at=now))
    theirs = Checkout.shop_id == shop.id, Checkout.customer_id == from_id
    session.execute(update(Checkout).where(*theirs).values(customer_id=into_id))
    orders = update(Order).where(Order.shop_id == shop.id, Order.customer_id == from_id).values(customer_id=into_id)
    moved = set(session.scalars(orders.returning(Order.id), execution_options={"synchronize_session": False}))
    react(session, shop, Changes(merged={from_id}, customers={from_id, into_id}, orders=moved))
    session.expire_all()


def change(session: Session, shop: Shop, customer_id: int, **columns: object) -> None:
    """The store tells something new about a customer."""
    session.execute(update(Customer).where(Customer.shop_id == shop.id, Customer.id == customer_id).values(columns))
    react(session, shop, Changes(customers={customer_id}, consents={customer_id}))
    session.expire_all()

"""Reads of the mirror for the panel: lists of customers, one customer, orders, and what products there are."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from plugin.commerce.models import Customer, CustomerTerm, Order, OrderLine, Product, Refund, Variant
from plugin.commerce.terms import fold, words
from plugin.db import keyset
from plugin.errors import NotFound
from plugin.shops.models import Shop

CUSTOMER_COLUMNS: dict[str, InstrumentedAttribute[Any]] = {
    "name": Customer.sort_name,
    "orders": Customer.orders_count,
    "spent": Customer.spent_minor,
    "last": Customer.last_order_at,
    "since": Customer.created_at,
}
MOST_MATCHES = 500  # a search looks at so many matches at most, so its cost does not grow with the shop
MOST_COUNTED = 5_000
_END = "\U0010ffff"


@dataclass(frozen=True)
class Wanted:
    """Which customers a list shows."""

    q: str = ""
    consent: str = ""


@dataclass(frozen=True)
class Count:
    """How many there are; `more` when counting stopped at `number`."""

    number: int
    more: bool = False


def customers_page(
    session: Session,
    shop: Shop,
    wanted: Wanted,
    sort: str,
    *,
    after: keyset.Key | None = None,
    before: keyset.Key | None = None,
    size: int = 50,
) -> keyset.Page:
    """One page of known customers. `sort` is a key of CUSTOMER_COLUMNS, with a leading minus for descending.

    Sorting by last order lists only those who have ordered.
    """
    order = keyset.Order(_column(sort), Customer.id, sort.startswith("-"))
    statement = _customers(shop, wanted, sort).with_only_columns(Customer)
    return keyset.page(session, statement, order, after=after, before=before, size=size)


def customers_count(session: Session, shop: Shop, wanted: Wanted, sort: str) -> Count:
    """How many customers a list has, counted up to MOST_COUNTED."""
    limit = MOST_MATCHES if wanted.q else MOST_COUNTED
    counted = _customers(shop, wanted, sort).with_only_columns(Customer.id).limit(limit + 1).subquery()
    number = session.scalar(select(func.count()).select_from(counted)) or 0
    return Count(min(number, limit), number > limit or (bool(wanted.q) and number == limit))


def _column(sort: str) -> InstrumentedAttribute[Any]:
    return CUSTOMER_COLUMNS[sort.removeprefix("-")]


def _customers(shop: Shop, wanted: Wanted, sort: str) -> Select[Any]:
    statement = select(Customer).where(Customer.shop_id == shop.id, Customer.known, Customer.deleted_at.is_(None))
    if _column(sort).property.columns[0].nullable:
        statement = statement.where(_column(sort).is_not(None))
    if wanted.consent:
        statement = statement.where(Customer.email_consent == wanted.consent)
    if wanted.q:
        statement = statement.where(Customer.id.in_(_matching(shop, wanted.q)))
    return statement


def _matching(shop: Shop, q: str) -> Select[Any]:
    """Ids of customers who have, for each typed word, a term that begins with it."""
    prefixes = [fold(q)] if "@" in q else words(q)
    first, *others = sorted(prefixes, key=len, reverse=True) or [_END]
    found = select(CustomerTerm.customer_id).where(CustomerTerm.shop_id == shop.id, *_range(first)).distinct()
    for other in others:
        also = select(CustomerTerm.customer_id).where(CustomerTerm.shop_id == shop.id, *_range(other))
        found = found.where(CustomerTerm.customer_id.in_(also))
    return found.limit(MOST_MATCHES)


def _range(prefix: str) -> tuple[Any, Any]:
    return CustomerTerm.term >= prefix, CustomerTerm.term < prefix + _END


def customer(session: Session, shop: Shop, customer_id: int) -> Customer:
    """One customer; raises NotFound for unknown, erased and other shops' customers alike."""
    found = session.scalar(select(Customer).where(Customer.shop_id == shop.id, Customer.id == customer_id))
    if found is None or found.deleted_at is not None:
        raise NotFound("This customer does not exist or was deleted in the store.")
    return found


def customers_by_id(session: Session, shop: Shop, ids: Sequence[int]) -> dict[int, Customer]:
    """Customers by their ids."""
    rows = session.scalars(select(Customer).where(Customer.shop_id == shop.id, Customer.id.in_(ids)))
    return {row.id: row for row in rows}


def orders_of(session: Session, shop: Shop, customer_id: int, limit: int = 20) -> list[Order]:
    """A customer's latest orders, newest first."""
    statement = (
        select(Order)
        .where(Order.shop_id == shop.id, Order.customer_id == customer_id, Order.known, Order.deleted_at.is_(None))
        .order_by(Order.processed_at.desc().nulls_last(), Order.id.desc())
        .limit(limit)
    )
    return list(session.scalars(statement))


def orders_by_id(session: Session, shop: Shop, ids: Sequence[int]) -> list[Order]:
    """Orders by their ids, in no order."""
    return list(session.scalars(select(Order).where(Order.shop_id == shop.id, Order.id.in_(ids))))


def lines_of(session: Session, shop: Shop, order_ids: Sequence[int]) -> dict[int, list[OrderLine]]:
    """The lines of some orders, by order."""
    statement = (
        select(OrderLine)
        .where(OrderLine.shop_id == shop.id, OrderLine.order_id.in_(order_ids))
        .order_by(OrderLine.order_id, OrderLine.position)
    )
    found: dict[int, list[OrderLine]] = {}
    for line in session.scalars(statement):
        found.setdefault(line.order_id, []).append(line)
    return found


def refunded_minor(session: Session, shop: Shop, order_ids: Sequence[int]) -> dict[int, int]:
    """What was paid back of some orders, in minor units of each order's currency."""
    statement = (
        select(Refund.order_id, func.sum(Refund.lines_minor + Refund.shipping_minor + Refund.amount_only_minor))
        .where(Refund.shop_id == shop.id, Refund.order_id.in_(order_ids))
        .group_by(Refund.order_id)
    )
    return {order_id: int(total) for order_id, total in session.execute(statement)}


def latest_products(session: Session, shop: Shop, limit: int) -> list[tuple[Product, int]]:
    """The products published last with the price of their first variant, in minor units of the shop's currency."""
    price = (
        select(Variant.price_minor)
        .where(Variant.shop_id == Product.shop_id, Variant.product_id == Product.id)
        .order_by(Variant.position)
        .limit(1)
        .scalar_subquery()
    )
    statement = select(Product, func.coalesce(price, 0)).where(
        Product.shop_id == shop.id, Product.known, Product.deleted_at.is_(None), Product.published_at.is_not(None)
    )
    newest = statement.order_by(Product.published_at.desc(), Product.id.desc()).limit(limit)
    return [(row[0], row[1]) for row in session.execute(newest)]


def names(session: Session, shop: Shop, customer_ids: Collection[int]) -> dict[int, str]:
    """First and last name, by customer; those without one are left out."""
    asked = Customer.shop_id == shop.id, Customer.id.in_(list(customer_ids))
    found = session.execute(select(Customer.id, Customer.first_name, Customer.last_name).where(*asked))
    full = {id: " ".join(part for part in (first, last) if part) for id, first, last in found}
    return {id: name for id, name in full.items() if name}

"""Who a request is about, in our tables: the person's ids, addresses, numbers, orders and carts.

The store's id decides. An address counts as the person's when the request, their record, or their orders and mails
name it, unless another living customer has it by now: whoever came back under a new id is a new person.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from plugin.shops.models import Shop
from plugin.shops.people import Person
from plugin.shops.veils import is_veiled

# Without an id the store has no record of the person, so a record with their address or number is theirs.
_BY_CONTACT = "SELECT id FROM customers WHERE shop_id = :shop AND (email = ANY (:emails) OR phone = ANY (:phones))"
_MERGED = "SELECT from_id FROM customer_merges WHERE shop_id = :shop AND kept_id = ANY (:customer_ids)"
_ORDERS = """
    SELECT id FROM orders WHERE shop_id = :shop
        AND (id = ANY (:order_ids) OR customer_id = ANY (:customer_ids) OR email = ANY (:emails))
"""
_TOKENS = """
    SELECT token FROM checkouts WHERE shop_id = :shop
        AND (customer_id = ANY (:customer_ids) OR email = ANY (:emails) OR phone = ANY (:phones))
    UNION SELECT checkout_token FROM enrollments WHERE shop_id = :shop
        AND (customer_id = ANY (:customer_ids) OR email = ANY (:emails))
    UNION SELECT checkout_token FROM orders WHERE shop_id = :shop AND id = ANY (:order_ids)
"""
_OF_CUSTOMER = "SELECT email FROM {} WHERE shop_id = :shop AND customer_id = ANY (:customer_ids)"
_EMAILS = " UNION ".join(
    (
        "SELECT email FROM customers WHERE shop_id = :shop AND id = ANY (:customer_ids)",
        "SELECT email FROM orders WHERE shop_id = :shop AND id = ANY (:order_ids)",
        "SELECT email FROM checkouts WHERE shop_id = :shop AND token = ANY (:tokens)",
        *map(_OF_CUSTOMER.format, ("orders", "checkouts", "messages", "consents", "subscriptions", "enrollments")),
    )
)
_PHONES = """
    SELECT phone FROM customers WHERE shop_id = :shop AND id = ANY (:customer_ids)
    UNION SELECT phone FROM checkouts WHERE shop_id = :shop AND customer_id = ANY (:customer_ids)
"""
_OTHERS = """
    SELECT {column} FROM customers
    WHERE shop_id = :shop AND {column} = ANY (:values) AND id <> ALL (:customer_ids) AND deleted_at IS NULL
"""


def find(session: Session, shop: Shop, person: Person) -> Person:
    """Everything by which our tables may name somebody of whom this much is known."""
    if not person.customer_ids:
        person = _with(session, shop, person, customer_ids=_BY_CONTACT)
    person = _with(session, shop, person, customer_ids=_MERGED)
    person = _with(session, shop, person, emails=_EMAILS, phones=_PHONES)
    person = _without_others(session, shop, person)
    person = _with(session, shop, person, order_ids=_ORDERS)
    return _with(session, shop, person, tokens=_TOKENS)


def _with(session: Session, shop: Shop, person: Person, **queries: str) -> Person:
    """The person with what each query finds added to the list of its name."""
    named = {"shop": shop.id} | person.named()
    found = {name: _values(session, query, named) for name, query in queries.items()}
    return replace(person, **{name: getattr(person, name) | values for name, values in found.items()})


def _without_others(session: Session, shop: Shop, person: Person) -> Person:
    mine = {"shop": shop.id, "customer_ids": list(person.customer_ids)}
    emails = _values(session, _OTHERS.format(column="email"), mine | {"values": list(person.emails)})
    phones = _values(session, _OTHERS.format(column="phone"), mine | {"values": list(person.phones)})
    return replace(person, emails=person.emails - emails, phones=person.phones - phones)


def _values(session: Session, query: str, named: dict[str, Any]) -> frozenset[Any]:
    values = session.execute(text(query), named).scalars()
    return frozenset(value for value in values if value and not (isinstance(value, str) and is_veiled(value)))

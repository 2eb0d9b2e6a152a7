"""Of an order's addresses a number is kept, the same from every door, and nothing of it once the person is erased."""

from __future__ import annotations

import msgspec
from sqlalchemy import Engine

from plugin import clock
from plugin.commerce import erasing
from plugin.db import engine as db
from plugin.shops.models import Shop
from plugin.shops.people import Person
from plugin.sync import node_telling, nodes
from plugin.sync.batch import Batch, Source
from plugin.sync.drain import drain
from tests import payloads
from tests.plugin.sync.deliveries import deliver, rows

HOME = {"address1": "Lausitzer Straße 10", "address2": None, "zip": "10999", "city": "Berlin", "country_code": "DE"}
AWAY = {"address1": "1 High Street", "address2": "Flat 2", "zip": "N1 9GU", "city": "London", "country_code": "GB"}


def kept(database: Engine, shop: Shop, id: int = 1001) -> tuple[int | None, int | None]:
    """The two numbers of an order."""
    [order] = [row for row in rows(database, "orders", shop) if row["id"] == id]
    return order["shipping_place"], order["billing_place"]


def node(address: dict[str, str | None]) -> dict[str, str | None]:
    return {"countryCodeV2" if name == "country_code" else name: value for name, value in address.items()}


def test_webhooks_and_fetched_orders_agree(database: Engine, shop: Shop, other_shop: Shop) -> None:
    typed = {**HOME, "address1": "LAUSITZER STRASSE 10", "address2": ""}
    deliver(database, shop, "orders/create", payloads.order(1001, shipping_address=typed, billing_address=AWAY))
    deliver(database, shop, "orders/create", payloads.order(1002, shipping_address=None))
    drain(shop.id)
    shipping, billing = kept(database, shop)
    told = {"id": "gid://shopify/Order/1001", "currencyCode": "EUR", "updatedAt": payloads.at(12)}
    fetched = told | {"shippingAddress": node(HOME), "billingAddress": node(AWAY)}
    with db.transaction(shop.id) as session:
        now = clock.now(session)
    batch = Batch(shop.id)
    node_telling.order(batch, Source(shop, now, b"", now), msgspec.convert(fetched, nodes.Order))
    assert (shipping, billing) == batch.orders[1001][-3:-1]
    assert shipping and billing and shipping != billing
    assert kept(database, shop, 1002)[0] is None


def test_an_erased_person_leaves_no_number(database: Engine, shop: Shop) -> None:
    deliver(database, shop, "orders/create", payloads.order(1001, shipping_address=HOME))
    drain(shop.id)
    with db.transaction(shop.id) as session:
        erasing.erase_customer(session, shop, Person(customer_ids=frozenset({501})))
    assert kept(database, shop) == (None, None)


def test_a_deleted_order_leaves_no_number(database: Engine, shop: Shop) -> None:
    deliver(database, shop, "orders/create", payloads.order(1001, shipping_address=HOME))
    deliver(database, shop, "orders/delete", {"id": 1001}, at="2026-11-20T13:00:00Z")
    drain(shop.id)
    assert kept(database, shop) == (None, None)

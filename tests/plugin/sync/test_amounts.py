"""Amounts as stores send them: to the cent, in every currency, also below zero."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Engine

from plugin.shops.models import Shop
from plugin.sync.drain import drain
from tests import payloads
from tests.plugin.sync.deliveries import deliver, one, rows, states

LARGE = 5_900_274_114_782_123  # as large as Shopify's are, and then some

AMOUNTS: dict[str, tuple[dict[str, Any], int]] = {
    "tenths that floats cannot hold": ({"total_price": "0.30"}, 30),
    "float noise of a point of sale": ({"total_price": "10.649999999999999"}, 1065),
    "no decimals": ({"total_price": "1200", "currency": "JPY"}, 1200),
    "no decimals, written with some": ({"total_price": "1200.0", "currency": "JPY"}, 1200),
    "three decimals": ({"total_price": "1.235", "currency": "KWD"}, 1235),
    "below zero": ({"total_price": "-4.20"}, -420),
    "a number instead of a text": ({"total_price": 12.1}, 1210),
    "a billion": ({"total_price": "1000000000.01"}, 100_000_000_001),
}


@pytest.mark.parametrize(("changed", "minor"), AMOUNTS.values(), ids=AMOUNTS)
def test_an_amount_arrives_to_the_smallest_unit(
    database: Engine, shop: Shop, changed: dict[str, Any], minor: int
) -> None:
    body = payloads.order(LARGE, 501, line_items=[payloads.line(LARGE + 1, product_id=LARGE + 2)])
    for name in [name for name in body if name.endswith("_set")]:
        del body[name]
    deliver(database, shop, "orders/create", body | changed)
    drain(shop.id)
    order = one(database, "orders", shop)
    assert (order["id"], order["total_minor"], order["currency"]) == (LARGE, minor, changed.get("currency", "EUR"))
    assert rows(database, "order_lines", shop)[0]["id"] == LARGE + 1


def test_a_refund_of_more_than_was_paid_is_told_as_it_is(database: Engine, shop: Shop) -> None:
    deliver(database, shop, "orders/create", payloads.order(1001, total_price="10.00"))
    deliver(database, shop, "refunds/create", payloads.refund())
    drain(shop.id)
    assert set(states(database, shop).values()) == {"done"}
    assert len(rows(database, "refunds", shop)) == 1

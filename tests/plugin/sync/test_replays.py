"""A body captured at one shop and sent again under another's name: the signature fits, and nothing comes of it."""

from __future__ import annotations

from threading import Thread

import pytest
from sqlalchemy import Engine

from plugin.shops.models import Shop
from plugin.sync.drain import drain
from tests import payloads
from tests.payloads import encode
from tests.plugin.sync.deliveries import deliver, rows, states

BODIES = {
    "orders/create": payloads.order(),
    "customers/update": payloads.customer(),
    "checkouts/create": payloads.checkout(),
    "products/update": payloads.product(),
    "refunds/create": payloads.refund(),
}


@pytest.mark.parametrize("topic", BODIES)
def test_what_came_to_one_shop_is_quarantined_at_another(
    database: Engine, shop: Shop, other_shop: Shop, topic: str
) -> None:
    body = encode(BODIES[topic])
    genuine = deliver(database, other_shop, topic, body)
    drain(other_shop.id)
    captured = deliver(database, shop, topic, body)
    own = deliver(database, shop, "orders/create", payloads.order(2001))
    drain(shop.id)
    assert states(database, shop) == {captured: "quarantined", own: "done"}
    assert states(database, other_shop)[genuine] == "done"
    [row] = [row for row in rows(database, "inbox", shop) if row["webhook_id"] == captured]
    assert row["error"] == "The same body came to another shop before." and row["attempts"] == 0
    assert [order["id"] for order in rows(database, "orders", shop)] == [2001]
    for table in ("refunds", "products", "checkouts"):
        assert rows(database, table, shop) == []
    assert {customer["id"] for customer in rows(database, "customers", shop)} == {501}  # of its own order


def test_a_shop_may_say_the_same_as_often_as_it_likes(database: Engine, shop: Shop, other_shop: Shop) -> None:
    body = encode(payloads.order())
    for name in ("first", "again", "and again"):
        deliver(database, shop, "orders/create", body, id=name)
        drain(shop.id)
    assert set(states(database, shop).values()) == {"done"}
    assert len(rows(database, "body_digests", order="seen_at")) == 1


def test_small_bodies_that_two_stores_may_both_send_are_left_alone(
    database: Engine, shop: Shop, other_shop: Shop
) -> None:
    for tenant in (shop, other_shop):
        deliver(database, tenant, "customers/delete", {"id": 501})
        deliver(database, tenant, "inventory_levels/update", {"inventory_item_id": 1, "location_id": 2, "available": 3})
        drain(tenant.id)
        assert set(states(database, tenant).values()) == {"done"}


def test_an_answer_we_fetched_is_nobody_s_replay(database: Engine, shop: Shop, other_shop: Shop) -> None:
    answer = {"id": "gid://shopify/Customer/501", "firstName": "Anna", "tags": ["x" * 200]}
    for tenant in (shop, other_shop):
        deliver(database, tenant, "fetched/customers", answer)
        drain(tenant.id)
        assert set(states(database, tenant).values()) == {"done"}


def test_one_of_two_shops_is_first_when_both_are_drained_at_once(
    database: Engine, shop: Shop, other_shop: Shop
) -> None:
    for number in range(20):
        body = encode(payloads.order(1001 + number))
        for tenant in (shop, other_shop):
            deliver(database, tenant, "orders/create", body, id=f"{tenant.id}-{number}")
    both = [Thread(target=drain, args=(tenant.id,)) for tenant in (shop, other_shop)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    ours, theirs = states(database, shop), states(database, other_shop)
    for number in range(20):
        assert {ours[f"{shop.id}-{number}"], theirs[f"{other_shop.id}-{number}"]} == {"done", "quarantined"}

"""The pretend store makes one customer of two, and says so as the real one does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from plugin.sandbox.runtime import Sandbox
from tests.plugin.sandbox.stores import install, pages, small_store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Sandbox]:
    store = small_store(tmp_path)
    install(store)
    yield store
    store.world.close()


@pytest.fixture
def client(store: Sandbox) -> FlaskClient:
    return pages(store).test_client()


def merge(client: FlaskClient, kept_id: int, gone_id: int) -> Any:
    return client.post("/_control/customers/merge", json={"kept_id": kept_id, "gone_id": gone_id})


@pytest.fixture
def pair(store: Sandbox) -> tuple[int, int]:
    """A customer with orders who is kept, and another with orders."""
    with_orders = sorted({order.customer_id for order in store.world.orders if order.customer_id})
    return with_orders[0], with_orders[1]


def told(store: Sandbox, topic: str) -> list[dict[str, Any]]:
    return [json.loads(delivery.body) for delivery in store.world.deliveries if delivery.topic == topic]


def test_orders_tags_and_addresses_of_both_are_the_kept_ones(
    client: FlaskClient, store: Sandbox, pair: tuple[int, int]
) -> None:
    kept, gone = pair
    orders = {order.id for order in store.world.orders if order.customer_id in pair}
    assert merge(client, kept, gone).get_json()["id"] == kept
    assert gone not in store.world.customers
    assert {order.id for order in store.world.orders.by("customer", kept)} == orders
    assert store.world.orders.by("customer", gone) == []


def test_the_app_hears_of_it_as_of_the_real_store(client: FlaskClient, store: Sandbox, pair: tuple[int, int]) -> None:
    kept, gone = pair
    moved = {order.id for order in store.world.orders.by("customer", gone)}
    merge(client, kept, gone)
    [body] = told(store, "customers/merge")
    assert body["admin_graphql_api_customer_kept_id"] == f"gid://shopify/Customer/{kept}"
    assert body["admin_graphql_api_customer_deleted_id"] == f"gid://shopify/Customer/{gone}"
    assert (body["status"], body["errors"]) == ("success", [])
    assert [each["id"] for each in told(store, "customers/delete")] == [gone]
    assert kept in [each["id"] for each in told(store, "customers/update")]
    updated = {each["id"]: each["customer"]["id"] for each in told(store, "orders/updated")}
    assert updated == dict.fromkeys(moved, kept)


def test_one_customer_cannot_be_merged_with_itself_or_with_nobody(client: FlaskClient, store: Sandbox) -> None:
    somebody = next(iter(store.world.customers)).id
    assert merge(client, somebody, somebody).status_code == 422
    assert merge(client, somebody, 404).status_code == 404


def test_the_admin_has_a_button_for_it(client: FlaskClient, store: Sandbox, pair: tuple[int, int]) -> None:
    kept, gone = pair
    assert f'action="/admin/customers/{kept}/merge"' in client.get(f"/admin/customers/{kept}").text
    email = store.world.customers[gone].email
    answer = client.post(f"/admin/customers/{kept}/merge", data={"other": email or str(gone)})
    assert answer.status_code == 302
    assert gone not in store.world.customers

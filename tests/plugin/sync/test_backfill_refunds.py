"""Refunds by a bulk operation of their own: the rows that single reads give, which are made where there is doubt."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Engine

from plugin.db import engine as db
from plugin.sandbox import refunds
from plugin.shops import queries as shops
from plugin.shops.models import Shop
from plugin.sync import drain, fetching
from tests.plugin.sync.bulk_store import BulkStore, begin, bulk_store, finish, imported  # noqa: F401
from tests.plugin.sync.deliveries import rows

OF_REFUNDS = ("refunds", "refund_lines")


@pytest.fixture
def store(bulk_store: BulkStore, shop: Shop) -> BulkStore:  # noqa: F811
    bulk_store.begin_test(shop)
    return bulk_store


def fetched(database: Engine, shop: Shop) -> list[str]:
    """What is to be read singly."""
    return sorted(effect["key"] for effect in rows(database, "outbox", shop) if effect["key"].startswith("orders:"))


def refunded(store: BulkStore) -> list[str]:
    return sorted(f"orders:{order.id}" for order in store.sandbox.world.orders if order.refunds)


def read_singly(database: Engine, shop: Shop) -> None:
    """Perform the reads that wait, as workers would."""
    for effect in [row for row in rows(database, "outbox", shop) if row["key"].startswith("orders:")]:
        answer = fetching.read(shops.by_id(shop.id), effect["payload"])
        with db.transaction(shop.id) as session:
            fetching.keep(session, shop, effect["payload"], answer)
    while drain.drain(shop.id):
        pass


def test_they_are_the_rows_that_single_reads_would_give(
    store: BulkStore, database: Engine, shop: Shop, other_shop: Shop
) -> None:
    order = list(store.sandbox.world.orders)[1]
    refunds.refund(store.sandbox.world, order.id, {}, extra_minor=500)
    begin(shop, "orders", "refunds")
    assert {run["state"] for run in finish(database, shop).values()} == {"done"}
    assert fetched(database, shop) == rows(database, "import_lines") == []
    store.admit(other_shop)
    begin(other_shop, "orders")
    finish(database, other_shop)
    assert fetched(database, other_shop) == refunded(store) != []
    read_singly(database, other_shop)
    there = imported(database, shop, OF_REFUNDS)
    assert there == imported(database, other_shop, OF_REFUNDS)
    assert len(there["refunds"]) == len(refunded(store))


@pytest.mark.parametrize("fault", [{"scattered": True}, {"outcome": "denied"}, {"outcome": "cancelled"}], ids=str)
def test_what_is_in_doubt_is_read_singly(store: BulkStore, database: Engine, shop: Shop, fault: dict[str, Any]) -> None:
    store.will({}, fault)
    begin(shop, "orders", "refunds")
    finish(database, shop)
    assert fetched(database, shop) == refunded(store)
    assert rows(database, "import_lines") == []


def test_an_order_whose_refund_came_without_rows_is_read_singly(
    store: BulkStore, database: Engine, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plugin.sandbox.admin_api.given_back.RefundNode.refund_line_items", nothing)
    begin(shop, "orders", "refunds")
    finish(database, shop)
    lines = {f"orders:{o.id}" for o in store.sandbox.world.orders for r in o.refunds if r.lines and not r.extra_minor}
    assert set(fetched(database, shop)) == lines


def nothing(self: Any, **page: Any) -> Any:
    return {"edges": [], "nodes": [], "pageInfo": {"hasNextPage": False}}

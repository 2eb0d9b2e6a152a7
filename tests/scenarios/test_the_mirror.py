"""The mirror against the store: whichever way an object comes in, it is the same row."""

from __future__ import annotations

from typing import Any

import pytest

from plugin.db import engine as db
from plugin.effects import operations as effects
from plugin.shops import queries as shops
from tests.sandbox import Store, store  # noqa: F401

BOOKKEEPING = {"version", "tags_version", "email_consent_version", "sms_consent_version", "totals_version"}
BOOKKEEPING |= {"locale_version"}


@pytest.fixture(scope="module")
def installed(store: Store) -> Store:  # noqa: F811
    store.install()
    return store


def told(store: Store, query: str, **values: Any) -> list[dict[str, Any]]:  # noqa: F811
    rows = store.rows(query, **values)
    return [{name: value for name, value in row.items() if name not in BOOKKEEPING} for row in rows]


def fetch(store: Store, kind: str, id: int) -> None:  # noqa: F811
    shop = shops.by_domain(store.shop)
    assert shop is not None
    with db.transaction(shop.id) as session:
        effects.record(session, shop.id, "fetch", f"{kind}:{id}", {"object": kind, "id": id}, again=True)
    store.settle()


def test_the_import_brings_everything_the_store_has(installed: Store) -> None:
    counts = installed.get("/_control/summary")["counts"]
    for table, name in (("customers", "customer"), ("orders", "order"), ("products", "product")):
        [row] = installed.rows(f"SELECT count(*) AS many, bool_and(known) AS known FROM {table}")
        assert (row["many"], row["known"]) == (counts[name], True), table
    runs = installed.rows("SELECT * FROM sync_runs ORDER BY id")
    assert [(run["object"], run["state"]) for run in runs] == [
        (kind, "done") for kind in ("customers", "products", "orders", "refunds", "checkouts")
    ]
    assert all(run["rows_done"] == run["rows_total"] and "skipped" not in run["detail"] for run in runs)
    assert installed.rows("SELECT * FROM inbox WHERE state <> 'done'") == []


def test_an_order_is_the_same_row_by_webhook_and_by_reading(installed: Store) -> None:
    customer = installed.get("/_control/customers", limit=1)["customers"][0]["id"]
    [variant] = installed.rows("SELECT id FROM variants ORDER BY price_minor DESC LIMIT 1")
    installed.place_order(customer, variant["id"], 3)
    installed.settle()
    [order] = installed.rows("SELECT id FROM orders ORDER BY processed_at DESC, id DESC LIMIT 1")
    tables = {
        "orders": "SELECT * FROM orders WHERE id = :id",
        "order_lines": "SELECT * FROM order_lines WHERE order_id = :id ORDER BY id",
        "refunds": "SELECT * FROM refunds WHERE order_id = :id ORDER BY id",
        "refund_lines": "SELECT * FROM refund_lines WHERE order_id = :id ORDER BY id",
    }
    line = installed.rows("SELECT id FROM order_lines WHERE order_id = :id", id=order["id"])[0]["id"]
    for step in ("placed", "refunded in part", "fulfilled", "refunded"):
        if step == "refunded in part":
            lines = {"lines": [{"line_item_id": line, "quantity": 1}]}
            installed.post(f"/_control/orders/{order['id']}/refund", lines)
        elif step == "fulfilled":
            installed.post(f"/_control/orders/{order['id']}/fulfill")
        elif step == "refunded":
            installed.post(f"/_control/orders/{order['id']}/refund")
        installed.settle()
        by_webhook = {name: told(installed, query, id=order["id"]) for name, query in tables.items()}
        fetch(installed, "orders", order["id"])
        assert {name: told(installed, query, id=order["id"]) for name, query in tables.items()} == by_webhook, step


def test_a_customer_is_the_same_row_by_webhook_and_by_reading(installed: Store) -> None:
    customers = told(installed, "SELECT * FROM customers ORDER BY id LIMIT 5")
    for customer in customers:
        fetch(installed, "customers", customer["id"])
    assert told(installed, "SELECT * FROM customers ORDER BY id LIMIT 5") == customers


def test_a_new_product_is_the_same_row_by_webhook_and_by_reading(installed: Store) -> None:
    body = {"title": "Test lot", "product_type": "Filter coffee", "tags": ["new"], "price": "14.00", "publish": True}
    installed.post("/_control/products", body)
    installed.settle()
    products, variants = (
        "SELECT * FROM products WHERE title = 'Test lot'",
        "SELECT * FROM variants WHERE product_id = :id",
    )
    [product] = told(installed, products)
    sold = told(installed, variants, id=product["id"])
    fetch(installed, "products", product["id"])
    assert told(installed, products) == [product]
    assert told(installed, variants, id=product["id"]) == sold != []


def test_webhooks_lost_repeated_and_shuffled_leave_the_same_mirror(installed: Store) -> None:
    installed.post("/_control/faults", {"drop": 0, "duplicate": 0.5, "delay_seconds": 0, "shuffle": True})
    [variant] = installed.rows("SELECT id FROM variants ORDER BY id LIMIT 1")
    for customer in installed.get("/_control/customers", limit=8)["customers"]:
        installed.place_order(customer["id"], variant["id"])
    installed.settle()
    installed.post("/_control/faults", {"drop": 0, "duplicate": 0, "delay_seconds": 0, "shuffle": False})
    before = told(installed, "SELECT * FROM orders ORDER BY id")
    for order in before[-8:]:
        fetch(installed, "orders", order["id"])
    assert told(installed, "SELECT * FROM orders ORDER BY id") == before
    assert installed.rows("SELECT * FROM inbox WHERE state <> 'done'") == []

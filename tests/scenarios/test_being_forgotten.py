"""A customer asks for their data, then to be forgotten; the store keeps talking about them. Then the shop leaves."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests
from sqlalchemy import text

from plugin.db import engine as db
from plugin.local import cli
from plugin.privacy import exporting
from plugin.shops import queries as shops
from plugin.shops.models import Shop
from plugin.sync import checks, passes
from plugin.sync.operations import start_backfill
from tests.conftest import FILLED
from tests.plugin.privacy.canaries import in_redis, in_tables
from tests.sandbox import Store, store  # noqa: F401

WORDS = ("zqcanary", "+4977005550")
PERSON = {
    "email": "zqcanary.ada@example.com",
    "first_name": "Zqcanaryfirst",
    "last_name": "Zqcanarylast",
    "phone": "+4977005550",
    "tags": ["zqcanarytag"],
    "accepts_marketing": True,
}


@pytest.fixture(scope="module")
def ada(store: Store) -> int:  # noqa: F811
    """Somebody with an order, a parcel, an abandoned cart and a mail, in a shop that imported its history."""
    store.post("/_control/throttle", {"maximum": 100_000, "restore": 10_000})
    store.install()
    customer_id = int(store.post("/_control/customers", PERSON)["id"])
    order = store.place_order(customer_id, a_variant(store))
    store.post(f"/_control/orders/{order['id']}/fulfill")
    lines = [{"variant_id": a_variant(store), "quantity": 1}]
    store.post("/_control/checkouts", {"email": PERSON["email"], "lines": lines})
    store.settle()
    return customer_id


def a_variant(store: Store) -> int:  # noqa: F811
    return int(store.get("/_control/products", limit=1)["products"][0]["variants"][0]["id"])


def the_shop(store: Store) -> Shop:  # noqa: F811
    shop = shops.by_domain(store.shop)
    assert shop is not None
    return shop


def totals(store: Store) -> dict[str, Any]:  # noqa: F811
    counted = "SELECT count(*) AS orders, sum(current_total_minor) AS revenue FROM orders WHERE deleted_at IS NULL"
    ledger = "SELECT count(*) AS entries, coalesce(sum(points), 0) AS points FROM point_entries"
    return {**store.rows(counted)[0], **store.rows(ledger)[0]}


def test_the_data_reach_the_merchant(store: Store, ada: int) -> None:  # noqa: F811
    store.post("/_control/compliance/customers/data_request", {"customer_id": ada})
    store.settle()
    [request] = store.rows("SELECT id, state FROM privacy_requests")
    assert request["state"] == "ready"
    with db.transaction(the_shop(store).id) as session:
        made = exporting.fetch(session, the_shop(store), request["id"], "staff:1")
    assert all(str(PERSON[name]).lower() in made.lower() for name in ("email", "first_name", "last_name", "phone"))
    assert json.loads(made)["data"]["checkouts"] and json.loads(made)["data"]["fulfillments"]


def test_the_person_is_gone_from_everywhere_and_the_sums_stay(store: Store, ada: int) -> None:  # noqa: F811
    before = totals(store)
    assert in_tables(store.owner, WORDS)
    store.post("/_control/compliance/customers/redact", {"customer_id": ada})
    store.settle()
    assert in_tables(store.owner, WORDS) == {} and in_redis(WORDS) == []
    assert totals(store) == before
    [request] = store.rows("SELECT state, counts FROM privacy_requests WHERE kind = 'customers/redact'")
    assert request["state"] == "done" and request["counts"]["customers"] == 1


def test_what_the_store_goes_on_telling_brings_nobody_back(store: Store, ada: int) -> None:  # noqa: F811
    before = totals(store)
    store.post("/_control/customers", PERSON | {"id": ada, "last_name": "Zqcanaryagain"})
    order = store.place_order(ada, a_variant(store))
    store.post(f"/_control/orders/{order['id']}/fulfill")
    store.settle()
    assert in_tables(store.owner, WORDS) == {}
    [counted] = store.rows("SELECT customer_id, email, current_total_minor FROM orders WHERE id = :id", id=order["id"])
    assert (counted["customer_id"], counted["email"]) == (ada, None) and counted["current_total_minor"] > 0
    assert totals(store)["orders"] == before["orders"] + 1


def test_neither_a_comparison_nor_an_import_brings_them_back(store: Store, ada: int) -> None:  # noqa: F811
    store.advance(minutes=2)
    for _ in range(2):
        passes.run(the_shop(store).id, checks.KINDS, seconds=60)
        store.settle()
    assert in_tables(store.owner, WORDS) == {}
    with db.transaction(the_shop(store).id) as session:
        start_backfill(session, the_shop(store))
    store.settle()
    assert store.rows("SELECT DISTINCT state FROM sync_runs") == [{"state": "done"}]
    assert in_tables(store.owner, WORDS) == {}


def test_when_the_shop_leaves_only_the_proof_stays(
    store: Store,  # noqa: F811
    ada: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    store.post("/_control/uninstall")
    store.settle()
    store.advance(hours=49)
    assert cli.run(["privacy", "erase-shops"]) == 0
    assert "Shops erased: 1." in capsys.readouterr().out
    with store.owner.connect() as connection:
        filled = set(connection.execute(text(FILLED)).scalars())
    assert "shop_erasures" in filled and filled <= {"shop_erasures", "pulses", "shared_breakers"}
    [proof] = store.rows("SELECT counts, completed_at FROM shop_erasures")
    assert proof["completed_at"] and proof["counts"]["orders"] > 10


def test_a_merchant_who_comes_back_begins_afresh(store: Store, ada: int) -> None:  # noqa: F811
    assert requests.get(store.post("/_control/install")["launch_url"], timeout=60).ok
    assert store.rows("SELECT domain, uninstalled_at FROM shops") == [{"domain": store.shop, "uninstalled_at": None}]
    assert store.rows("SELECT count(*) AS n FROM sync_runs WHERE state = 'waiting'")[0]["n"] > 0

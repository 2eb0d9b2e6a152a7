"""Bulk queries: really run, in the background, as JSONL."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from graphql import ExecutionResult, execute, parse

from plugin.sandbox import discounts, refunds
from plugin.sandbox.admin_api import bulk
from plugin.sandbox.admin_api.bulk_rules import check
from plugin.sandbox.admin_api.plan import plan_of
from plugin.sandbox.admin_api.query import Query
from plugin.sandbox.admin_api.request import Api
from plugin.sandbox.admin_api.resolving import resolve_field, resolve_type, schema
from plugin.sandbox.app_records import BulkOperation
from plugin.sandbox.errors import Refused
from plugin.sandbox.runtime import Sandbox
from tests.plugin.sandbox.conftest import buy, fill, install, make_settings, make_store, queued
from tests.plugin.sandbox.graph import Admin

RUN = """mutation($query: String!) {
  bulkOperationRunQuery(query: $query) { bulkOperation { id status } userErrors { code message } }
}"""
READ = """query($id: ID!) {
  bulkOperation(id: $id) { status errorCode objectCount rootObjectCount url fileSize completedAt }
}"""
ORDERS = "{ orders { edges { node { id name lineItems { edges { node { id quantity } } } } } } }"


@pytest.fixture
def admin(client: FlaskClient, store: Sandbox) -> Admin:
    return Admin(client, store)


def run(admin: Admin, query: str) -> dict[str, Any]:
    started = admin.data(RUN, query=query)["bulkOperationRunQuery"]
    assert started["userErrors"] == []
    assert started["bulkOperation"]["status"] == "CREATED"
    until = time.monotonic() + 30
    while time.monotonic() < until:
        found: dict[str, Any] = admin.data(READ, id=started["bulkOperation"]["id"])["bulkOperation"]
        if found["completedAt"]:
            return found
        time.sleep(0.02)
    raise AssertionError("the bulk operation did not end")


def lines_of(admin: Admin, operation: dict[str, Any]) -> list[dict[str, Any]]:
    path = operation["url"].partition("127.0.0.1:8801")[2]
    text = admin.client.get(path).get_data(as_text=True)
    assert len(text.encode()) == int(operation["fileSize"])
    return [json.loads(line) for line in text.splitlines()]


def test_children_follow_their_parent_and_name_it(
    admin: Admin, store: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "PAGE", 3)
    made = [buy(store.world, 1, 1) for _ in range(7)]
    operation = run(admin, ORDERS)
    rows = lines_of(admin, operation)
    assert (operation["status"], operation["objectCount"], operation["rootObjectCount"]) == ("COMPLETED", "21", "7")
    assert [row["name"] for row in rows if "name" in row] == [order.name for order in made]
    for position, row in enumerate(rows):
        if "__parentId" in row:
            assert any(earlier["id"] == row["__parentId"] for earlier in rows[:position])
        assert "lineItems" not in row
    assert queued(store.world)[-1] == "bulk_operations/finish"
    finish = json.loads(list(store.world.deliveries)[-1].body)
    assert (finish["status"], finish["type"], finish["error_code"]) == ("completed", "query", None)


def test_nothing_found_has_no_address(admin: Admin) -> None:
    operation = run(admin, ORDERS)
    assert (operation["status"], operation["objectCount"], operation["url"]) == ("COMPLETED", "0", None)


def test_a_missing_scope_fails_the_operation(admin: Admin, store: Sandbox) -> None:
    assert store.world.installation is not None
    store.world.installation.scopes = ["read_products"]
    operation = run(admin, ORDERS)
    assert (operation["status"], operation["errorCode"]) == ("FAILED", "ACCESS_DENIED")


BATTERY = [
    ORDERS,
    "{ orders { nodes { __typename name: id refunds { id totalRefundedSet { ...Bag } } discountCodes } } } "
    "fragment Bag on MoneyBag { shopMoney { amount currencyCode } }",
    "{ orders { edges { node { id discountApplications(first: 3) { edges { node { index value "
    "{ __typename ... on MoneyV2 { amount } ... on PricingPercentageValue { percentage } } } } } } } } }",
    "{ products { edges { node { id ... on Node { id } featuredMedia { alt ... on MediaImage { image { url } } } "
    "variants(sortKey: TITLE) { edges { node { id price selectedOptions { name value } } } } } } } }",
    "{ customers(sortKey: UPDATED_AT, reverse: true) { edges { node { id defaultEmailAddress { marketingState } "
    "defaultPhoneNumber { smsMarketingConsent { state } } lastOrder { id } } } } }",
]


@pytest.mark.parametrize("query", BATTERY)
def test_the_quick_plan_reads_what_the_library_reads(store: Sandbox, query: str) -> None:
    install(store)
    discounts.create_discount(store.world, code="TEN", percent_bp=1000)
    order = buy(store.world, 2, 1, discount_code="TEN")
    refunds.refund(store.world, order.id, {order.lines[0].id: 1})
    document = parse(query)
    api = Api(store.world, store.settings, store.declaration, bulk=True)
    slow = execute(schema(), document, Query(api), api, field_resolver=resolve_field, type_resolver=resolve_type)
    assert isinstance(slow, ExecutionResult)
    assert slow.errors is None
    assert plan_of(document, api.scopes)(Query(api)) == slow.data


@pytest.mark.parametrize(
    "query",
    [
        "{ shop { name } }",
        "{ orders { edges { node { id } } } customers { edges { node { id } } } }",
        "query($n: Int) { orders(first: $n) { edges { node { id } } } }",
        "{ orders { edges { node { id refunds { id refundLineItems { edges { node { id } } } } } } } }",
        "{ orders { edges { node { name lineItems { edges { node { id } } } } } } }",
        "{ orders { edges { node { id colour } } } }",
        "mutation { tagsAdd(id: 1, tags: []) { node { id } } }",
        "{ orders {",
    ],
)
def test_queries_that_cannot_be_bulk_are_refused(query: str) -> None:
    with pytest.raises(Refused) as refusal:
        check(query)
    assert refusal.value.code == "INVALID"


def test_five_run_at_once_and_not_six(admin: Admin, store: Sandbox) -> None:
    with store.world.change():
        for number in range(5):
            store.world.bulk_operations.keep(
                BulkOperation(id=number + 1, query=ORDERS, status="RUNNING", created_at=store.world.now())
            )
    refused = admin.data(RUN, query=ORDERS)["bulkOperationRunQuery"]
    assert refused["userErrors"][0]["code"] == "LIMIT_REACHED"


def test_cancelling_ends_a_running_operation(admin: Admin, store: Sandbox) -> None:
    with store.world.change():
        store.world.bulk_operations.keep(
            BulkOperation(id=1, query=ORDERS, status="RUNNING", created_at=store.world.now())
        )
    cancel = "mutation($id: ID!) { bulkOperationCancel(id: $id) { bulkOperation { status } userErrors { message } } }"
    done = admin.data(cancel, id="gid://shopify/BulkOperation/1")["bulkOperationCancel"]
    assert done["bulkOperation"]["status"] == "CANCELING"
    assert admin.data(cancel, id="gid://shopify/BulkOperation/1")["bulkOperationCancel"]["userErrors"]


def test_a_restart_begins_anew_what_was_under_way(tmp_path: Path) -> None:
    store = make_store(make_settings(tmp_path))
    fill(store.world)
    install(store)
    buy(store.world, 1)
    with store.world.change():
        operation = store.world.bulk_operations.keep(
            BulkOperation(id=1, query=ORDERS, status="RUNNING", object_count=99, created_at=store.world.now())
        )
    store.bulk.resume(Api(store.world, store.settings, store.declaration))
    until = time.monotonic() + 30
    while operation.status == "RUNNING" and time.monotonic() < until:
        time.sleep(0.02)
    assert (operation.status, operation.object_count) == ("COMPLETED", 2)
    store.world.close()

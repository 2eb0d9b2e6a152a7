"""The Admin API: pages, searches, scopes, cost, and the changes an app can make."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from plugin.sandbox import checkouts, customers, refunds
from plugin.sandbox.admin_api.paging import connect
from plugin.sandbox.admin_api.request import Api
from plugin.sandbox.documents.basics import gid
from plugin.sandbox.runtime import Sandbox
from tests.plugin.sandbox.conftest import buy, customer, install, lines, queued
from tests.plugin.sandbox.graph import Admin

PAGE = """
query($first: Int, $last: Int, $after: String, $before: String, $query: String, $sort: CustomerSortKeys) {
  customers(first: $first, last: $last, after: $after, before: $before, query: $query, sortKey: $sort) {
    nodes { id updatedAt }
    edges { cursor }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}"""
CREATE = """
mutation($input: DiscountCodeBasicInput!) {
  discountCodeBasicCreate(basicCodeDiscount: $input) {
    codeDiscountNode { id codeDiscount { ... on DiscountCodeBasic { status codes(first: 1) { nodes { code } } } } }
    userErrors { field code message }
  }
}"""
LOOK = """
query($code: String!) {
  codeDiscountNodeByCode(code: $code) { id codeDiscount { ... on DiscountCodeBasic { status asyncUsageCount } } }
}"""
DEAR = "{ customers(first: 250) { nodes { id amountSpent { amount } orders(first: 9) { nodes { id } } } } }"


@pytest.fixture
def admin(client: FlaskClient, store: Sandbox) -> Admin:
    return Admin(client, store)


def ids(page: dict[str, Any]) -> list[str]:
    return [node["id"] for node in page["nodes"]]


def test_a_wrong_token_is_401(client: FlaskClient, store: Sandbox) -> None:
    install(store)
    answer = client.post("/admin/api/2026-10/graphql.json", json={"query": "{ shop { name } }"})
    assert answer.status_code == 401
    assert "Invalid API key or access token" in answer.get_json()["errors"]


def test_pages_forward_and_backward_show_everybody_once(admin: Admin) -> None:
    everybody = ids(admin.data(PAGE, first=50)["customers"])
    seen, after = [], None
    while True:
        page = admin.data(PAGE, first=5, after=after)["customers"]
        seen += ids(page)
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert seen == everybody
    back = admin.data(PAGE, last=5, before=page["pageInfo"]["startCursor"])["customers"]
    assert ids(back) == everybody[5:10]
    assert back["pageInfo"]["hasPreviousPage"]


@given(st.integers(1, 9), st.booleans(), st.lists(st.integers(0, 5), max_size=30))
def test_any_page_size_reads_any_list_once(size: int, reverse: bool, values: list[int]) -> None:
    api = Api(None, None, None)  # type: ignore[arg-type]
    rows = [(value, number) for number, value in enumerate(values)]
    expected = sorted(rows, reverse=reverse)
    seen: list[Any] = []
    after: str | None = None
    while True:
        page = connect(api, rows, lambda row: row, key=lambda row: row, first=size, after=after, reverse=reverse)
        seen += page["nodes"]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert seen == expected


def test_a_page_goes_on_where_it_was_while_records_change(admin: Admin, store: Sandbox) -> None:
    first = admin.data(PAGE, first=6, sort="UPDATED_AT")["customers"]
    store.world.advance(60)
    customers.touch_customer(store.world, customer(store.world, 0).id)
    rest = admin.data(PAGE, first=50, sort="UPDATED_AT", after=first["pageInfo"]["endCursor"])["customers"]
    assert set(ids(first)) | set(ids(rest)) == {gid("Customer", one.id) for one in store.world.customers}
    assert ids(rest)[-1] == gid("Customer", customer(store.world, 0).id)


@pytest.mark.parametrize("arguments", [{}, {"first": 251}, {"first": 5, "after": "no cursor"}])
def test_pages_that_cannot_be_are_errors(admin: Admin, arguments: dict[str, Any]) -> None:
    assert admin.error(PAGE, **arguments)["extensions"]["code"] == "BAD_REQUEST"


def test_a_search_by_update_finds_what_changed_since(admin: Admin, store: Sandbox) -> None:
    store.world.advance(3600)
    since = store.world.now()
    customers.touch_customer(store.world, customer(store.world, 3).id)
    text = f"updated_at:>='{since.strftime('%Y-%m-%dT%H:%M:%SZ')}'"
    assert ids(admin.data(PAGE, first=9, query=text)["customers"]) == [gid("Customer", customer(store.world, 3).id)]


def test_searches_combine_terms_and_can_be_negated(admin: Admin, store: Sandbox) -> None:
    first, second = customer(store.world, 0), customer(store.world, 1)
    customers.add_tags(store.world, first.id, ["vip"])
    customers.add_tags(store.world, second.id, ["vip"])
    text = f"tag:VIP AND id:>{first.id}"
    assert ids(admin.data(PAGE, first=9, query=text)["customers"]) == [gid("Customer", second.id)]
    assert len(ids(admin.data(PAGE, first=20, query="-tag:vip")["customers"])) == 10


@pytest.mark.parametrize("text", ["colour:blue", "updated_at:>=yesterday", "(tag:a OR tag:b)"])
def test_searches_that_would_silently_find_everything_are_errors(admin: Admin, text: str) -> None:
    assert admin.error(PAGE, first=1, query=text)["extensions"]["code"] == "BAD_REQUEST"


def test_an_order_by_checkout_token(admin: Admin, store: Sandbox) -> None:
    checkout = checkouts.save_checkout(store.world, lines=lines(store.world, 1), email="a@example.com")
    order = checkouts.complete_checkout(store.world, checkout.id)
    buy(store.world, 1)
    query = "query($q: String) { orders(first: 5, query: $q) { nodes { id checkoutToken } } }"
    found = admin.data(query, q=f"checkout_token:{checkout.id}")["orders"]["nodes"]
    assert found == [{"id": gid("Order", order.id), "checkoutToken": checkout.id}]


def test_an_order_reads_as_its_webhook_says(admin: Admin, store: Sandbox) -> None:
    order = buy(store.world, 2, 1)
    refunds.refund(store.world, order.id, {order.lines[0].id: 1})
    data = admin.data(
        """query($id: ID!) { order(id: $id) { displayFinancialStatus currentTotalPriceSet { shopMoney { amount } }
        lineItems(first: 5) { nodes { quantity currentQuantity } } customer { id }
        refunds(first: 5) { id totalRefundedSet { shopMoney { amount } }
          refundLineItems(first: 5) { nodes { quantity lineItem { id } } } } } }""",
        id=gid("Order", order.id),
    )["order"]
    assert data["displayFinancialStatus"] == "PARTIALLY_REFUNDED"
    assert data["currentTotalPriceSet"]["shopMoney"]["amount"] == "29.3"
    assert [node["currentQuantity"] for node in data["lineItems"]["nodes"]] == [1, 1]
    assert data["refunds"][0]["refundLineItems"]["nodes"][0]["lineItem"]["id"] == gid("LineItem", order.lines[0].id)


def test_orders_older_than_sixty_days_need_their_own_scope(client: FlaskClient, store: Sandbox) -> None:
    world = store.world
    with world.past(world.now() - timedelta(days=61)):
        old = buy(world, 1)
    new = buy(world, 1)
    admin = Admin(client, store)
    query = "{ orders(first: 9) { nodes { id } } ordersCount { count } }"
    assert ids(admin.data(query)["orders"]) == [gid("Order", new.id)]
    assert admin.data("query($id: ID!) { order(id: $id) { id } }", id=gid("Order", old.id)) == {"order": None}
    install(store, "read_all_orders")
    assert ids(admin.data(query)["orders"]) == [gid("Order", old.id), gid("Order", new.id)]


def test_a_missing_scope_is_access_denied(client: FlaskClient, store: Sandbox) -> None:
    admin = Admin(client, store)
    assert store.world.installation is not None
    store.world.installation.scopes = ["write_customers"]
    error = admin.error("{ products(first: 1) { nodes { id } } }")
    assert error["extensions"]["code"] == "ACCESS_DENIED"
    assert "`read_products` access scope" in error["message"]
    assert admin.data("{ customers(first: 1) { nodes { id } } }")["customers"]["nodes"]


def test_cost_is_asked_by_size_and_charged_by_what_came(admin: Admin) -> None:
    body = admin.ask("{ customers(first: 100) { nodes { id amountSpent { amount } } } }")
    cost = body["extensions"]["cost"]
    assert (cost["requestedQueryCost"], cost["actualQueryCost"]) == (200, 24)
    assert cost["throttleStatus"]["maximumAvailable"] == 2000
    assert 1970 <= cost["throttleStatus"]["currentlyAvailable"] <= 2000


def test_an_empty_bucket_throttles_and_fills_again(admin: Admin, store: Sandbox) -> None:
    seconds = [0.0]
    store.bucket.clock = lambda: seconds[0]
    store.bucket.set(300, 100)
    query = "{ customers(first: 250) { nodes { id } } }"
    store.bucket.take(200)
    body = admin.ask(query)
    assert "data" not in body
    assert body["errors"][0]["extensions"]["code"] == "THROTTLED"
    assert body["extensions"]["cost"]["actualQueryCost"] is None
    seconds[0] += 1.4
    assert "data" not in admin.ask(query)
    seconds[0] += 0.1
    assert "data" in admin.ask(query)


def test_a_query_that_is_too_dear_is_never_run(admin: Admin) -> None:
    error = admin.error(DEAR)
    assert error["extensions"]["code"] == "MAX_COST_EXCEEDED"


def discount(**changed: Any) -> dict[str, Any]:
    return {
        "title": "Reward",
        "code": "BEANS-7Q",
        "startsAt": "2026-01-01T00:00:00Z",
        "usageLimit": 1,
        "appliesOncePerCustomer": True,
        "context": {"all": "ALL"},
        "customerGets": {"items": {"all": True}, "value": {"discountAmount": {"amount": "5.00"}}},
    } | changed


def test_a_code_is_made_found_taken_and_ended(admin: Admin, store: Sandbox) -> None:
    made = admin.data(CREATE, input=discount())["discountCodeBasicCreate"]
    assert made["userErrors"] == []
    assert made["codeDiscountNode"]["codeDiscount"]["codes"]["nodes"] == [{"code": "BEANS-7Q"}]
    taken = admin.data(CREATE, input=discount(code="beans-7q"))["discountCodeBasicCreate"]
    assert (taken["codeDiscountNode"], taken["userErrors"][0]["code"]) == (None, "TAKEN")
    found = admin.data(LOOK, code="beans-7Q")["codeDiscountNodeByCode"]
    assert found["id"] == made["codeDiscountNode"]["id"]
    end = "mutation($id: ID!) { discountCodeDeactivate(id: $id) { codeDiscountNode { id } userErrors { code } } }"
    assert admin.data(end, id=found["id"])["discountCodeDeactivate"]["userErrors"] == []
    assert admin.data(LOOK, code="BEANS-7Q")["codeDiscountNodeByCode"]["codeDiscount"]["status"] == "EXPIRED"
    assert admin.data(LOOK, code="NONE") == {"codeDiscountNodeByCode": None}


def test_a_personal_code_of_the_app_works_for_its_customer_only(admin: Admin, store: Sandbox) -> None:
    person = customer(store.world)
    admin.data(CREATE, input=discount(context={"customers": {"add": [gid("Customer", person.id)]}}))
    order = buy(store.world, 1, discount_code="BEANS-7Q")
    assert order.applications[0].amount_minor == 500
    assert admin.data(LOOK, code="BEANS-7Q")["codeDiscountNodeByCode"]["codeDiscount"]["asyncUsageCount"] == 1


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"code": " "}, "BLANK"),
        ({"endsAt": "2025-01-01T00:00:00Z"}, "END_DATE_BEFORE_START_DATE"),
        ({"title": ""}, "BLANK"),
    ],
)
def test_codes_that_cannot_be_are_user_errors(admin: Admin, changed: dict[str, Any], code: str) -> None:
    assert admin.data(CREATE, input=discount(**changed))["discountCodeBasicCreate"]["userErrors"][0]["code"] == code


def test_consent_is_recorded_and_told(admin: Admin, store: Sandbox) -> None:
    person = customer(store.world)
    change = """mutation($input: CustomerEmailMarketingConsentUpdateInput!) {
      customerEmailMarketingConsentUpdate(input: $input) {
      customer { defaultEmailAddress { marketingState } } userErrors { code } } }"""
    asked = {"customerId": gid("Customer", person.id), "emailMarketingConsent": {"marketingState": "SUBSCRIBED"}}
    done = admin.data(change, input=asked)["customerEmailMarketingConsentUpdate"]
    assert done["customer"]["defaultEmailAddress"] == {"marketingState": "SUBSCRIBED"}
    assert queued(store.world) == ["customers_email_marketing_consent/update"]
    asked["emailMarketingConsent"] = {"marketingState": "REDACTED"}
    assert admin.data(change, input=asked)["customerEmailMarketingConsentUpdate"]["userErrors"]


def test_tags_are_added_and_removed(admin: Admin, store: Sandbox) -> None:
    person = gid("Customer", customer(store.world).id)
    add = 'mutation($id: ID!) { tagsAdd(id: $id, tags: ["gold"]) { node { id } userErrors { message } } }'
    remove = 'mutation($id: ID!) { tagsRemove(id: $id, tags: ["Gold"]) { node { id } userErrors { message } } }'
    assert admin.data(add, id=person)["tagsAdd"]["node"] == {"id": person}
    assert customer(store.world).tags == ["gold"]
    admin.data(remove, id=person)
    assert customer(store.world).tags == []


def test_metafields_compare_and_set(admin: Admin, store: Sandbox) -> None:
    change = """mutation($m: [MetafieldsSetInput!]!) { metafieldsSet(metafields: $m) {
      metafields { key value compareDigest } userErrors { code elementIndex } } }"""
    field = {"ownerId": gid("Customer", customer(store.world).id), "namespace": "$app", "key": "tier"}
    field |= {"type": "single_line_text_field", "value": "gold"}
    saved = admin.data(change, m=[field])["metafieldsSet"]["metafields"][0]
    stale = admin.data(change, m=[field | {"value": "silver", "compareDigest": "old"}])["metafieldsSet"]
    assert stale["userErrors"] == [{"code": "STALE_OBJECT", "elementIndex": 0}]
    good = field | {"value": "silver", "compareDigest": saved["compareDigest"]}
    assert admin.data(change, m=[good])["metafieldsSet"]["userErrors"] == []
    look = 'query($id: ID!) { customer(id: $id) { metafield(namespace: "$app", key: "tier") { value } } }'
    assert admin.data(look, id=field["ownerId"])["customer"]["metafield"] == {"value": "silver"}


def test_a_checkout_is_abandoned_after_ten_quiet_minutes(admin: Admin, store: Sandbox) -> None:
    checkout = checkouts.save_checkout(store.world, lines=lines(store.world, 2), email="ada1@example.com")
    query = """{ abandonedCheckouts(first: 9, query: "status:open recovery_state:not_recovered") { nodes {
      abandonedCheckoutUrl
      customer { id } lineItems(first: 5) { nodes { quantity } } totalPriceSet { shopMoney { amount } } } } }"""
    assert admin.data(query)["abandonedCheckouts"]["nodes"] == []
    store.world.advance(600)
    (found,) = admin.data(query)["abandonedCheckouts"]["nodes"]
    assert f"/checkouts/{checkout.id}/recover?key=" in found["abandonedCheckoutUrl"]
    assert found["customer"]["id"] == gid("Customer", customer(store.world, 1).id)


def test_the_subscriptions_are_those_of_app_toml(admin: Admin, store: Sandbox) -> None:
    query = "{ webhookSubscriptions(first: 100) { nodes { topic uri } } }"
    topics = {node["topic"] for node in admin.data(query)["webhookSubscriptions"]["nodes"]}
    assert {"ORDERS_CREATE", "CUSTOMER_TAGS_ADDED", "APP_UNINSTALLED"} <= topics
    assert len(topics) == len(store.declaration.topics) - 3


def test_things_of_any_kind_are_found_by_their_id(admin: Admin, store: Sandbox) -> None:
    order = buy(store.world, 1)
    wanted = [gid("Order", order.id), gid("Customer", 1), gid("Product", next(iter(store.world.products)).id)]
    query = "query($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }"
    kinds = [node and node["__typename"] for node in admin.data(query, ids=wanted)["nodes"]]
    assert kinds == ["Order", None, "Product"]


def test_what_is_not_in_the_schema_is_an_error(admin: Admin) -> None:
    assert "Cannot query field 'colour'" in admin.error("{ shop { colour } }")["message"]
    assert "Syntax Error" in admin.error("{ shop {")["message"]


def test_the_api_can_be_made_to_fail_before_or_after_it_acts(admin: Admin, store: Sandbox) -> None:
    answers = [{"status": 429, "retry_after": 2}, {"status": 502, "after": True}]
    assert admin.client.post("/_control/api_faults", json={"answers": answers}).get_json() == {"waiting": 2}
    headers = {"X-Shopify-Access-Token": admin.token}
    asked = {"query": CREATE, "variables": {"input": discount()}}
    first = admin.client.post("/admin/api/2026-10/graphql.json", json=asked, headers=headers)
    assert (first.status_code, first.headers["Retry-After"], len(store.world.discounts)) == (429, "2.0", 0)
    lost = admin.client.post("/admin/api/2026-10/graphql.json", json=asked, headers=headers)
    assert (lost.status_code, len(store.world.discounts)) == (502, 1)
    assert admin.data(CREATE, input=discount())["discountCodeBasicCreate"]["userErrors"][0]["code"] == "TAKEN"


def test_the_bucket_can_be_made_small(admin: Admin) -> None:
    assert admin.client.post("/_control/throttle", json={"maximum": 100, "restore": 1}).status_code == 200
    assert admin.error(DEAR.replace("250", "20"))["extensions"]["code"] == "THROTTLED"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"query": 5}, 400),
        ({"query": "{ shop { name } }", "variables": [1]}, 400),
        ({"query": PAGE, "variables": {"first": "many"}}, 200),
        ({"query": PAGE, "variables": {"first": -5}}, 200),
        ({"query": '{ customer(id: "no id") { id } }'}, 200),
        ({"query": "query A { shop { name } } query B { shop { id } }"}, 200),
    ],
)
def test_requests_that_make_no_sense_are_answered(admin: Admin, body: dict[str, Any], status: int) -> None:
    answer = admin.client.post(
        "/admin/api/2026-10/graphql.json", json=body, headers={"X-Shopify-Access-Token": admin.token}
    )
    assert answer.status_code == status
    assert answer.get_json()["errors"]

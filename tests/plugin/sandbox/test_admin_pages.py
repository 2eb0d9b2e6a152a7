"""The store's admin: what its pages show and what its buttons do to the store."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from flask.testing import FlaskClient

from plugin.sandbox import discounts, totals
from plugin.sandbox.order_records import Order
from plugin.sandbox.runtime import Sandbox
from plugin.sandbox.wire.signing import launch_signature, read_token
from tests.plugin.sandbox.stores import SECRET, install, pages, small_store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Sandbox]:
    store = small_store(tmp_path)
    install(store)
    yield store
    store.world.close()


@pytest.fixture
def staff(store: Sandbox) -> FlaskClient:
    return pages(store).test_client()


def text(staff: FlaskClient, path: str, status: int = 200) -> str:
    answer = staff.get(path)
    assert answer.status_code == status, path
    return answer.text


def topics(store: Sandbox) -> list[str]:
    return [delivery.topic for delivery in store.world.deliveries]


def sent_order(store: Sandbox) -> Order:
    """A paid, fulfilled order without refunds, with more than one unit."""
    return next(
        order
        for order in store.world.orders
        if order.fulfillments and not order.refunds and sum(line.quantity for line in order.lines) > 1
    )


def test_every_page_opens(store: Sandbox, staff: FlaskClient) -> None:
    for path in (
        "",
        "/",
        "/orders",
        "/products",
        "/products/new",
        "/customers",
        "/checkouts",
        "/checkouts?show=all",
        "/discounts",
        "/settings",
        "/apps/regulars",
    ):
        assert "<main" in text(staff, f"/admin{path}")
    for order in store.world.orders:
        text(staff, f"/admin/orders/{order.id}")
    for customer in store.world.customers:
        text(staff, f"/admin/customers/{customer.id}")
    for product in store.world.products:
        text(staff, f"/admin/products/{product.id}")


def test_what_does_not_exist_is_a_page_of_the_admin(staff: FlaskClient) -> None:
    for path in ("/admin/orders/1", "/admin/products/1", "/admin/customers/1", "/admin/apps/other"):
        assert "nothing at this address" in text(staff, path, 404)


def test_lists_are_searched_filtered_and_paged(store: Sandbox, staff: FlaskClient) -> None:
    assert "Kenya Gatugi AA" in text(staff, "/admin/products?q=kenya")
    assert "Morning Post" not in text(staff, "/admin/products?q=kenya")
    assert "Schwarzenberg" in text(staff, "/admin/customers?q=schwarzenberg")
    assert "No order fits" in text(staff, "/admin/orders?q=nobody-at-all")
    first, second = text(staff, "/admin/orders?page=1"), text(staff, "/admin/orders?page=2")
    assert not set(re.findall(r">(#\d+)<", first)) & set(re.findall(r">(#\d+)<", second))
    text(staff, "/admin/orders?page=9999")
    text(staff, "/admin/orders?page=x&show=x")


def test_the_app_page_carries_a_signed_launch_address(store: Sandbox, staff: FlaskClient) -> None:
    page = text(staff, "/admin/apps/regulars/customers?sort=name")
    source = html.unescape(re.search(r'<iframe data-src="([^"]+)"', page)[1])  # type: ignore[index]
    launch = urlsplit(source)
    query = {name: values[0] for name, values in parse_qs(launch.query).items()}
    assert launch.path == "/customers"
    assert query.pop("sort") == "name"
    assert query["hmac"] == launch_signature(query, SECRET)
    assert query["embedded"] == "1"
    claims = read_token(query["id_token"], SECRET)
    assert claims is not None
    assert claims["dest"] == "https://regulars-roasters.myshopify.com"
    assert claims["exp"] - claims["iat"] == 60


def test_id_tokens_are_given_out_while_the_app_is_installed(store: Sandbox, staff: FlaskClient) -> None:
    token = staff.post("/admin/apps/regulars/id-token").json["id_token"]
    assert read_token(token, SECRET) is not None
    staff.post("/admin/settings/uninstall")
    assert staff.post("/admin/apps/regulars/id-token").status_code == 404


def test_forms_of_other_sites_press_no_buttons(store: Sandbox, staff: FlaskClient) -> None:
    for origin in ("https://evil.example", "http://127.0.0.1:9", "null"):
        answer = staff.post("/admin/settings/uninstall", headers={"Origin": origin})
        assert answer.status_code == 403
    assert store.world.installation is not None
    assert staff.post("/admin/apps/regulars/id-token", headers={"Origin": "http://localhost"}).status_code == 200


def test_facts_name_scopes_and_person(store: Sandbox, staff: FlaskClient) -> None:
    facts = json.loads(text(staff, "/admin/apps/regulars/facts"))
    assert facts["scopes"]["granted"] == list(store.declaration.scopes)
    assert facts["user"]["name"] == store.world.shop.owner


def test_uninstalling_and_installing_again(store: Sandbox, staff: FlaskClient) -> None:
    staff.post("/admin/settings/uninstall")
    assert "app/uninstalled" in topics(store)
    page = text(staff, "/admin/apps/regulars")
    assert "is not installed" in page
    install_url = html.unescape(re.search(r'href="(/admin/oauth/install[^"]+)"', page)[1])  # type: ignore[index]
    assert "read_customers" in text(staff, install_url)
    assert staff.post(install_url).location == "/admin/apps/regulars"
    assert "<iframe" in text(staff, "/admin/apps/regulars")


def test_selected_units_are_refunded(store: Sandbox, staff: FlaskClient) -> None:
    order = sent_order(store)
    line = order.lines[0]
    staff.post(f"/admin/orders/{order.id}/refund", data={f"line-{line.id}": "1", "note": "Broken cup"})
    assert totals.current_quantity(order, line) == line.quantity - 1
    assert "refunds/create" in topics(store)
    assert "Broken cup" in text(staff, f"/admin/orders/{order.id}")


def test_everything_is_refunded(store: Sandbox, staff: FlaskClient) -> None:
    order = sent_order(store)
    staff.post(f"/admin/orders/{order.id}/refund", data={"all": "1"})
    assert totals.financial_status(order) == "refunded"


def test_a_refund_of_nothing_is_refused_with_a_reason(store: Sandbox, staff: FlaskClient) -> None:
    order = sent_order(store)
    answer = staff.post(
        f"/admin/orders/{order.id}/refund", headers={"Referer": f"http://localhost/admin/orders/{order.id}"}
    )
    assert answer.location == f"/admin/orders/{order.id}"
    assert "nothing left to refund" in text(staff, answer.location)
    assert not order.refunds


def test_an_order_is_cancelled(store: Sandbox, staff: FlaskClient) -> None:
    order = sent_order(store)
    staff.post(f"/admin/orders/{order.id}/cancel")
    assert order.cancelled_at
    assert "orders/cancelled" in topics(store)


def test_a_new_order_is_fulfilled(store: Sandbox, staff: FlaskClient) -> None:
    order = next(order for order in store.world.orders if order.fulfillments)
    order.fulfillments = []
    staff.post(f"/admin/orders/{order.id}/fulfil")
    assert totals.fulfillment_status(order) == "fulfilled"
    assert "orders/fulfilled" in topics(store)


def test_a_product_is_added_and_published(store: Sandbox, staff: FlaskClient) -> None:
    form = {"title": "Burundi Kayanza", "product_type": "Filter coffee", "tags": "filter, new", "price": "14,50"}
    target = staff.post("/admin/products/new", data=form).location
    product = store.world.products[int(target.rpartition("/")[2])]
    assert product.tags == ["filter", "new"]
    assert product.variants[0].price_minor == 1450
    assert product.published_at
    assert "products/create" in topics(store)
    assert "Burundi Kayanza" in text(staff, f"/products/{product.handle}")


def test_a_draft_is_not_in_the_shop(store: Sandbox, staff: FlaskClient) -> None:
    staff.post("/admin/products/new", data={"title": "Not yet", "price": "1", "status": "draft"})
    text(staff, "/products/not-yet", 404)


@pytest.mark.parametrize("price", ["", "abc", "-1", "NaN", "1e999999"])
def test_a_product_without_title_or_price_is_refused_at_its_fields(staff: FlaskClient, price: str) -> None:
    answer = staff.post("/admin/products/new", data={"title": " ", "price": price, "tags": "kept"})
    assert answer.status_code == 422
    assert "Enter a title" in answer.text
    assert "Enter a price" in answer.text
    assert 'value="kept"' in answer.text


def test_price_and_stock_of_a_variant_are_saved(store: Sandbox, staff: FlaskClient) -> None:
    product = store.world.products.first("handle", "everyday-mug")
    assert product is not None
    variant = product.variants[1]
    form = {
        f"price-{variant.id}": "18.90",
        f"stock-{variant.id}": "3",
        "title": "Mug",
        "tags": "mug",
        "status": "active",
    }
    staff.post(f"/admin/products/{product.id}", data=form)
    assert (variant.price_minor, variant.inventory_quantity, product.title) == (1890, 3, "Mug")
    assert {"products/update", "inventory_levels/update"} <= set(topics(store))


def test_consent_tags_and_privacy_requests_reach_the_app(store: Sandbox, staff: FlaskClient) -> None:
    person = next(p for p in store.world.customers if p.email and p.email_consent.state == "not_subscribed")
    staff.post(f"/admin/customers/{person.id}/consent", data={"state": "subscribed"})
    staff.post(f"/admin/customers/{person.id}/tags", data={"tags": "vip, tasting"})
    staff.post(f"/admin/customers/{person.id}/data-request")
    staff.post(f"/admin/customers/{person.id}/redact")
    assert person.email_consent.state == "subscribed"
    assert sorted(person.tags) == ["tasting", "vip"]
    expected = {
        "customers_email_marketing_consent/update",
        "customer.tags_added",
        "customers/data_request",
        "customers/redact",
    }
    assert expected <= set(topics(store))


def test_webhook_switches_are_kept_within_their_bounds(store: Sandbox, staff: FlaskClient) -> None:
    form = {"drop": "12,5", "duplicate": "400", "delay_seconds": "-3", "shuffle": "1"}
    staff.post("/admin/settings/faults", data=form)
    faults = store.world.faults
    assert (faults.drop, faults.duplicate, faults.delay_seconds, faults.shuffle) == (0.125, 1.0, 0.0, True)
    staff.post("/admin/settings/faults", data={"drop": "nonsense"})
    assert not store.world.faults.shuffle


def test_the_log_shows_what_was_queued(store: Sandbox, staff: FlaskClient) -> None:
    staff.post(f"/admin/orders/{sent_order(store).id}/cancel")
    page = text(staff, "/admin/settings")
    assert "orders/cancelled" in page
    assert "&#34;cancel_reason&#34;" in page


def test_abandoned_checkouts_lead_to_their_recovery(store: Sandbox, staff: FlaskClient) -> None:
    left = next(checkout for checkout in store.world.checkouts if not checkout.completed_at)
    page = text(staff, "/admin/checkouts")
    assert f"/checkouts/{left.id}/recover?key={left.recovery_key}" in page


def test_codes_show_whose_they_are_and_how_often_they_were_used(store: Sandbox, staff: FlaskClient) -> None:
    person = next(person for person in store.world.customers if person.first_name == "Zoë")
    code = {"code": "BEANS-1234", "amount_minor": 500, "usage_limit": 1, "customer_ids": [person.id]}
    discounts.create_discount(store.world, **code)  # type: ignore[arg-type]
    page = text(staff, "/admin/discounts?q=beans-1234")
    assert "BEANS-1234" in page
    assert "O&#39;Neill" in page
    assert "0 of 1" in page
    assert "WELCOME10" not in page

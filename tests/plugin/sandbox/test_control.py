"""The levers: everything the demo and the tests do to the store."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from plugin.sandbox.app import create_app
from plugin.sandbox.runtime import Sandbox
from plugin.sandbox.wire.sessions import is_fresh
from plugin.sandbox.wire.signing import webhook_signature
from tests.plugin.sandbox.conftest import SECRET, Listener, customer, lines


def post(client: FlaskClient, path: str, body: Any = None) -> Any:
    answer = client.post(path, json={} if body is None else body)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return answer.get_json()


def variant(store: Sandbox) -> int:
    return lines(store.world, 1)[0].variant_id


def test_installing_gives_a_launch_url_with_a_fresh_token(client: FlaskClient, store: Sandbox) -> None:
    url = post(client, "/_control/install")["launch_url"]
    assert url.startswith("http://127.0.0.1:9/?embedded=1&shop=regulars-roasters.myshopify.com")
    token = client.get("/_control/id_token").get_json()["id_token"]
    assert is_fresh(store.settings, store.world.shop.domain, token)
    assert store.world.installation is not None
    assert "read_all_orders" in store.world.installation.scopes
    post(client, "/_control/uninstall")
    post(client, "/_control/install", {"optional_scopes": []})
    assert "read_all_orders" not in store.world.installation.scopes


def test_an_order_is_placed_refunded_and_cancelled(client: FlaskClient, store: Sandbox) -> None:
    asked = {"customer_id": customer(store.world).id, "lines": [{"variant_id": variant(store), "quantity": 3}]}
    order = post(client, "/_control/orders", asked)
    part = {"lines": [{"line_item_id": order["line_items"][0]["id"], "quantity": 1}]}
    assert post(client, f"/_control/orders/{order['id']}/refund", part)["financial_status"] == "partially_refunded"
    assert post(client, f"/_control/orders/{order['id']}/fulfill")["fulfillment_status"] == "fulfilled"
    assert post(client, f"/_control/orders/{order['id']}/refund")["current_total_price"] == "0.00"
    assert post(client, f"/_control/orders/{order['id']}/cancel")["cancelled_at"]


def test_a_checkout_is_left_and_recovered(client: FlaskClient, store: Sandbox) -> None:
    asked = {"email": "new@example.com", "accepts_marketing": True, "lines": [{"variant_id": variant(store)}]}
    checkout = post(client, "/_control/checkouts", asked)
    assert f"/checkouts/{checkout['token']}/recover?key=" in checkout["abandoned_checkout_url"]
    order = post(client, f"/_control/checkouts/{checkout['token']}/complete")
    assert order["checkout_token"] == checkout["token"]
    assert order["buyer_accepts_marketing"] is True


def test_a_product_is_added_and_published(client: FlaskClient, store: Sandbox) -> None:
    asked = {"title": "Ethiopia Guji", "product_type": "Filter coffee", "tags": "filter, new", "price": "14.50"}
    product = post(client, "/_control/products", asked)
    assert (product["handle"], product["tags"], product["variants"][0]["price"]) == (
        "ethiopia-guji",
        "filter, new",
        "14.50",
    )
    assert product["published_at"]


def test_customers_and_counts_can_be_read(client: FlaskClient, store: Sandbox) -> None:
    people = client.get("/_control/customers?limit=3").get_json()["customers"]
    assert len(people) == 3
    found = client.get("/_control/customers?email=ADA1@example.com").get_json()["customers"]
    assert [one["id"] for one in found] == [customer(store.world, 1).id]
    assert client.get("/_control/summary").get_json()["counts"]["customer"] == 12


@pytest.mark.parametrize("topic", ["customers/data_request", "customers/redact", "shop/redact"])
def test_compliance_topics_are_sent_when_asked(live: Sandbox, listener: Listener, topic: str) -> None:
    client = create_app(live).test_client()
    asked = {} if topic == "shop/redact" else {"customer_id": customer(live.world).id}
    post(client, f"/_control/compliance/{topic}", asked)
    assert post(client, "/_control/flush") == {"waiting": 0}
    body = json.loads(listener.bodies(topic)[0])
    assert body["shop_domain"] == "regulars-roasters.myshopify.com"
    assert ("customer" in body) is (topic != "shop/redact")


def test_the_log_shows_every_delivery(live: Sandbox, listener: Listener) -> None:
    client = create_app(live).test_client()
    post(client, "/_control/faults", {"duplicate": 1})
    post(client, "/_control/products", {"title": "Tea"})
    post(client, "/_control/flush")
    (seen,) = client.get("/_control/webhooks?topic=products/create").get_json()["webhooks"]
    assert (seen["state"], seen["attempts"], seen["status"]) == ("delivered", 2, 200)
    assert client.get("/_control/faults").get_json()["duplicate"] == 1
    assert len(listener.bodies("products/create")) == 2


def test_moving_the_clock_tells_the_app(live: Sandbox, listener: Listener) -> None:
    client = create_app(live).test_client()
    moved = post(client, "/clock.json", {"advance_seconds": 90_000})
    assert (moved["offset_seconds"], moved["app_told"]) == (90_000, True)
    told = listener.received[-1]
    assert (told.path, json.loads(told.body)) == ("/_sandbox/clock", {"offset_seconds": 90_000})
    assert told.headers["X-Sandbox-Hmac"] == webhook_signature(told.body, SECRET)
    assert client.get("/clock.json").get_json()["offset_seconds"] == 90_000


def test_an_app_that_is_away_does_not_stop_the_clock(client: FlaskClient, store: Sandbox) -> None:
    assert post(client, "/clock.json", {"advance_seconds": 60})["app_told"] is False
    assert store.world.offset_seconds == 60


def test_the_clock_page_moves_by_its_buttons(client: FlaskClient, store: Sandbox) -> None:
    assert "+ 30 days" in client.get("/clock").get_data(as_text=True)
    client.post("/clock", data={"amount": "2", "unit": "days"})
    assert store.world.offset_seconds == 2 * 86_400
    assert client.post("/clock", data={"amount": "-3", "unit": "days"}).headers["Location"] == "/clock?problem=amount"


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/_control/orders", {"lines": []}, 422),
        ("/_control/orders", {"lines": [{"variant_id": 1, "quantity": 1}]}, 404),
        ("/_control/orders", {"lines": [{"quantity": 1}]}, 422),
        ("/_control/orders", ["no object"], 422),
        ("/_control/orders/1/refund", {}, 404),
        ("/_control/products", {"title": " "}, 422),
        ("/_control/compliance/orders/create", {}, 404),
        ("/_control/compliance/customers/redact", {}, 422),
        ("/clock.json", {"advance_seconds": -5}, 422),
        ("/clock.json", {"advance_seconds": "soon"}, 422),
    ],
)
def test_bad_orders_to_the_store_are_refused(client: FlaskClient, path: str, body: Any, status: int) -> None:
    answer = client.post(path, json=body)
    assert answer.status_code == status
    assert answer.get_json()["error"]


def test_nobody_else_on_the_network_reaches_the_store(client: FlaskClient) -> None:
    answer = client.get("/_control/summary", environ_overrides={"REMOTE_ADDR": "10.0.0.7"})
    assert answer.status_code == 403


def test_every_noun_can_be_changed_and_deleted(client: FlaskClient, store: Sandbox) -> None:
    person = post(
        client, "/_control/customers", {"email": "zoe@example.com", "tags": ["vip"], "accepts_marketing": True}
    )
    assert (person["tags"], person["email_marketing_state"]) == (["vip"], "subscribed")
    assert post(client, "/_control/customers", {"id": person["id"], "first_name": "Zoë"})["first_name"] == "Zoë"
    order = post(client, "/_control/orders", {"lines": [{"variant_id": variant(store), "quantity": 3}]})
    line = order["line_items"][0]["id"]
    edited = post(client, f"/_control/orders/{order['id']}/edit", {"lines": [{"line_item_id": line, "quantity": 1}]})
    assert edited["line_items"][0]["current_quantity"] == 1
    post(client, f"/_control/orders/{order['id']}/fulfill")
    sent = post(client, f"/_control/orders/{order['id']}/shipment", {"status": "delivered"})
    assert sent["fulfillments"][0]["shipment_status"] == "delivered"
    assert post(client, "/_control/shop", {"name": "Beans and more"})["name"] == "Beans and more"
    product = post(client, "/_control/products", {"title": "Tea"})["id"]
    assert post(client, f"/_control/products/{product}", {"status": "archived"})["status"] == "archived"
    for path in (f"products/{product}", f"orders/{order['id']}", f"customers/{person['id']}"):
        assert client.delete(f"/_control/{path}").status_code == 200
        assert client.delete(f"/_control/{path}").status_code == 404

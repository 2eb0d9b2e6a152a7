"""The app proxy: signed on the way in, cookies stripped both ways."""

from __future__ import annotations

import time
from collections.abc import Iterator
from urllib.parse import parse_qsl, urlsplit

import pytest
from flask.testing import FlaskClient

from plugin.sandbox.app import create_app
from plugin.sandbox.runtime import Sandbox
from plugin.sandbox.storefront import visitor
from plugin.sandbox.wire import grants
from plugin.sandbox.wire.signing import proxy_signature
from tests.plugin.sandbox.conftest import SECRET, Listener, customer


@pytest.fixture
def shopper(live: Sandbox) -> Iterator[FlaskClient]:
    yield create_app(live).test_client()


def query_of(listener: Listener) -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(listener.received[-1].path).query, keep_blank_values=True)


def test_a_request_is_forwarded_with_a_signature(shopper: FlaskClient, listener: Listener) -> None:
    answer = shopper.get("/apps/regulars/points/mine?extra=1&extra=2")
    assert answer.status_code == 200
    assert listener.received[-1].path.startswith("/proxy/points/mine?extra=1&extra=2&shop=")
    query = query_of(listener)
    named = dict(query)
    assert named["signature"] == proxy_signature(query, SECRET)
    assert (named["logged_in_customer_id"], named["path_prefix"]) == ("", "/apps/regulars")
    assert abs(int(named["timestamp"]) - time.time()) < 5


def test_the_signed_in_customer_is_named(shopper: FlaskClient, live: Sandbox, listener: Listener) -> None:
    shopper.set_cookie(visitor.CUSTOMER_COOKIE, str(customer(live.world).id))
    shopper.get("/apps/regulars/points")
    assert dict(query_of(listener))["logged_in_customer_id"] == str(customer(live.world).id)


def test_a_shopper_cannot_name_somebody_else(shopper: FlaskClient, listener: Listener) -> None:
    shopper.get("/apps/regulars/points?logged_in_customer_id=7&shop=evil.myshopify.com&signature=x&timestamp=1")
    names = [name for name, _ in query_of(listener)]
    assert sorted(names) == ["logged_in_customer_id", "path_prefix", "shop", "signature", "timestamp"]
    assert dict(query_of(listener))["shop"] == "regulars-roasters.myshopify.com"


def test_bodies_pass_and_cookies_do_not(shopper: FlaskClient, listener: Listener) -> None:
    listener.answers = [lambda: 422]
    shopper.set_cookie("store_cart", "secret")
    answer = shopper.post("/apps/regulars/redeem", json={"reward": 1})
    got = listener.received[-1]
    assert (got.method, got.body, got.headers["Content-Type"]) == ("POST", b'{"reward": 1}', "application/json")
    assert "Cookie" not in got.headers
    assert (answer.status_code, answer.content_type, answer.headers.get("Set-Cookie")) == (
        422,
        "application/json",
        None,
    )


def test_other_paths_and_uninstalled_apps_are_not_found(shopper: FlaskClient, live: Sandbox) -> None:
    assert shopper.get("/apps/other/points").status_code == 404
    assert shopper.get("/tools/regulars/points").status_code == 404
    grants.uninstall(live.world)
    assert shopper.get("/apps/regulars/points").status_code == 404


def test_an_app_that_is_away_is_a_bad_gateway(client: FlaskClient, store: Sandbox) -> None:
    grants.install(store.world, list(store.declaration.scopes))
    assert client.get("/apps/regulars/points").status_code == 502

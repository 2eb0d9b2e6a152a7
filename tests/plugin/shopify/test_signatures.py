"""Signatures of the platform, against vectors that other implementations of the protocol accept."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as some

from plugin.shopify.signatures import BadSignature, is_webhook, launch, proxy

SECRET = "test-client-secret"
BODY = '{"id":1,"admin_graphql_api_id":"gid://shopify/Customer/1","note":"café"}'.encode()
HMAC = "+mqL/qOwUwPvY1g3xGhV6Bi9hD1WwsYhxQe1cw42w80="
SIGNED_AT = datetime.fromtimestamp(1700000000, UTC)
SIGNED_IN = {
    "logged_in_customer_id": "42",
    "path_prefix": "/apps/loyalty",
    "shop": "vec-shop.myshopify.com",
    "timestamp": "1700000000",
    "signature": "8fc4fbfbbe2d2c4f231a66527794b130e375e3002dfc3397542320d7677fed84",
}
ANONYMOUS = [
    ("extra", "1"),
    ("extra", "2"),
    ("logged_in_customer_id", ""),
    ("path_prefix", "/apps/loyalty"),
    ("shop", "vec-shop.myshopify.com"),
    ("timestamp", "1700000000"),
    ("signature", "c66b2aab698b9a5de2cbeaf11f05a369e4e15c5dd699b1f18c7eb7040df8af81"),
]
LAUNCH = {
    "embedded": "1",
    "host": "YWRtaW4uc2hvcGlmeS5jb20vc3RvcmUvdmVjLXNob3A",
    "locale": "en",
    "session": "abc",
    "shop": "vec-shop.myshopify.com",
    "timestamp": "1700000000",
    "hmac": "283dcbd54a63863b8f94a8f2a5ead51f66252733546eaa392316d6ff3545e4bb",
}


def test_the_vector_of_a_webhook_fits_under_either_secret() -> None:
    assert is_webhook(BODY, HMAC, [SECRET])
    assert is_webhook(BODY, HMAC.encode(), ["new-secret", SECRET])
    assert not is_webhook(BODY, HMAC, ["new-secret"])
    assert not is_webhook(BODY, HMAC, [])


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "nonsense",
        HMAC[:-4],
        HMAC + "=",
        HMAC + "\n",
        " " + HMAC,
        base64.b64decode(HMAC).hex(),
        "ключ",
        b"\xff\xfe",
        HMAC.replace("+", "-").replace("/", "_"),
    ],
)
def test_any_other_header_does_not(header: str | bytes | None) -> None:
    assert not is_webhook(BODY, header, [SECRET])


def test_a_body_changed_by_one_byte_does_not() -> None:
    assert not is_webhook(BODY[:-1] + b" ", HMAC, [SECRET])


@given(some.binary(max_size=60) | some.text(max_size=60))
def test_no_header_whatsoever_raises(header: str | bytes) -> None:
    assert is_webhook(BODY, header, [SECRET]) in (False, header in (HMAC, HMAC.encode()))


def test_the_vectors_of_the_app_proxy_fit() -> None:
    assert proxy(urlencode(SIGNED_IN), [SECRET], SIGNED_AT)["logged_in_customer_id"] == "42"
    found = proxy(urlencode(ANONYMOUS).encode(), ["new", SECRET], SIGNED_AT)
    assert (found["logged_in_customer_id"], found["extra"]) == ("", "1,2")


@pytest.mark.parametrize(
    "change",
    [
        {"logged_in_customer_id": "43"},
        {"shop": "vec-shop-2.myshopify.com"},
        {"path_prefix": "/apps/other"},
        {"timestamp": "1700000001"},
        {"signature": ""},
        {"signature": "ы" * 64},
        {"signature": SIGNED_IN["signature"].upper()},
        {"extra": "1"},
    ],
)
def test_a_changed_proxy_request_is_refused(change: dict) -> None:
    with pytest.raises(BadSignature) as refused:
        proxy(urlencode(SIGNED_IN | change), [SECRET], SIGNED_AT)
    assert refused.value.status == 401


@pytest.mark.parametrize("seconds", [-91, 91, 86400])
def test_an_old_or_future_proxy_request_is_refused(seconds: int) -> None:
    with pytest.raises(BadSignature, match="too old"):
        proxy(urlencode(SIGNED_IN), [SECRET], SIGNED_AT + timedelta(seconds=seconds))


@pytest.mark.parametrize("seconds", [-89, 0, 89])
def test_ninety_seconds_are_tolerated(seconds: int) -> None:
    assert proxy(urlencode(SIGNED_IN), [SECRET], SIGNED_AT + timedelta(seconds=seconds))


@pytest.mark.parametrize("name", ["shop", "signature", "timestamp", "logged_in_customer_id"])
def test_a_name_given_twice_is_refused(name: str) -> None:
    with pytest.raises(BadSignature, match="twice"):
        proxy(urlencode([*SIGNED_IN.items(), (name, "7")]), [SECRET], SIGNED_AT)


@pytest.mark.parametrize("query", ["", "&&&", "%00=%ff", "signature", "a=1&" * 200, "timestamp=١٢٣"])
def test_a_query_that_is_none_is_refused(query: str) -> None:
    with pytest.raises(BadSignature):
        proxy(query, [SECRET], SIGNED_AT)


def test_the_vector_of_a_launch_fits() -> None:
    assert launch(urlencode(LAUNCH), [SECRET], SIGNED_AT)["shop"] == "vec-shop.myshopify.com"
    with pytest.raises(BadSignature):
        launch(urlencode(LAUNCH | {"shop": "vec-shop-2.myshopify.com"}), [SECRET], SIGNED_AT)
    with pytest.raises(BadSignature):
        launch(urlencode(LAUNCH), ["another"], SIGNED_AT)

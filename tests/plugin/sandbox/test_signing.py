"""Signatures against vectors that were computed elsewhere."""

from __future__ import annotations

import time

import jwt
import pytest

from plugin.sandbox.runtime import Sandbox
from plugin.sandbox.settings import Settings
from plugin.sandbox.wire import sessions, signing

SECRET = "test-client-secret"


def test_webhook_bodies_are_signed_over_their_raw_bytes() -> None:
    body = '{"id":1,"admin_graphql_api_id":"gid://shopify/Customer/1","note":"café"}'.encode()
    assert signing.webhook_signature(body, SECRET) == "+mqL/qOwUwPvY1g3xGhV6Bi9hD1WwsYhxQe1cw42w80="


@pytest.mark.parametrize(
    ("extra", "customer", "expected"),
    [
        ([], "42", "8fc4fbfbbe2d2c4f231a66527794b130e375e3002dfc3397542320d7677fed84"),
        (["1", "2"], "", "c66b2aab698b9a5de2cbeaf11f05a369e4e15c5dd699b1f18c7eb7040df8af81"),
    ],
)
def test_proxy_parameters_are_joined_without_separator(extra: list[str], customer: str, expected: str) -> None:
    given = [("timestamp", "1700000000"), ("shop", "vec-shop.myshopify.com"), ("path_prefix", "/apps/loyalty")]
    given += [("logged_in_customer_id", customer), *(("extra", value) for value in extra), ("signature", "ignored")]
    assert signing.proxy_signature(given, SECRET) == expected


def test_launches_are_signed_over_the_sorted_query() -> None:
    query = {
        "shop": "vec-shop.myshopify.com",
        "host": "YWRtaW4uc2hvcGlmeS5jb20vc3RvcmUvdmVjLXNob3A",
        "embedded": "1",
        "session": "abc",
        "locale": "en",
        "timestamp": "1700000000",
        "hmac": "ignored",
    }
    expected = "283dcbd54a63863b8f94a8f2a5ead51f66252733546eaa392316d6ff3545e4bb"
    assert signing.launch_signature(query, SECRET) == expected
    assert sessions.host_parameter("vec-shop.myshopify.com") == query["host"]


def test_id_tokens_are_read_by_an_ordinary_library(settings: Settings) -> None:
    token = sessions.id_token(settings, "a.myshopify.com")
    claims = jwt.decode(token, settings.client_secret, algorithms=["HS256"], audience=settings.client_id)
    assert (claims["iss"], claims["dest"]) == ("https://a.myshopify.com/admin", "https://a.myshopify.com")
    assert claims["exp"] - claims["iat"] == 60
    assert {"nbf", "jti", "sid", "sig", "sub"} <= claims.keys()


def test_id_tokens_of_others_and_old_ones_are_not_fresh(store: Sandbox) -> None:
    settings, domain = store.settings, store.world.shop.domain
    assert sessions.is_fresh(settings, domain, sessions.id_token(settings, domain))
    assert not sessions.is_fresh(settings, domain, sessions.id_token(settings, domain, lifetime=-1))
    assert not sessions.is_fresh(settings, domain, sessions.id_token(settings, "b.myshopify.com"))
    now = int(time.time())
    forged = signing.sign_token({"aud": settings.client_id, "dest": f"https://{domain}", "exp": now + 60}, "guess")
    assert not sessions.is_fresh(settings, domain, forged)
    assert not sessions.is_fresh(settings, domain, "no token")

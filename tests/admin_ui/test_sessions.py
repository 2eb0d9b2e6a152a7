"""Who gets in: session tokens, the bounce page and the headers of every response."""

from __future__ import annotations

import base64
import time
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from flask.testing import FlaskClient
from sqlalchemy import Engine, text

from admin_ui.sessions import admin_address, content_policy, is_own_path
from plugin.config import Platform
from plugin.shops.models import Shop
from tests.admin_ui.tokens import bearer, claims, token, unsigned
from tests.conftest import DOMAIN, OTHER_DOMAIN, SECRET, forget_settings

FETCH = {"HX-Request": "true"}
SAMPLES = {"state": "on", "view": "done", "what": "archive"}
OPEN = {"panel.static", "panel.previews.cart", "panel.gallery.show"}  # a signed ticket; only in the sandbox


def rsa_token() -> str:
    import jwt

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return jwt.encode(claims(), pem, "RS256")


def moved(seconds: int) -> int:
    return int(time.time()) + seconds


BAD_TOKENS = {
    "no algorithm": lambda: unsigned(),
    "HS512": lambda: token(algorithm="HS512"),
    "RS256": rsa_token,
    "expired 11 s ago": lambda: token(exp=moved(-11)),
    "not before in 11 s": lambda: token(nbf=moved(12)),
    "another app's audience": lambda: token(aud="another-app"),
    "iss and dest of different shops": lambda: token(dest=f"https://{OTHER_DOMAIN}"),
    "another app's secret": lambda: token(secret="a-client-secret-of-some-other-app-01"),
    "extra dots": lambda: token() + ".e30.e30",
    "10 kB": lambda: token(padding="x" * 10_000),
    "no exp": lambda: token_without("exp"),
    "no nbf": lambda: token_without("nbf"),
    "outside myshopify.com": lambda: token(iss="https://evil.example/admin", dest="https://evil.example"),
    "a list of audiences": lambda: token(aud=["test-client-id", "another-app"]),
    "empty": lambda: "",
}


def token_without(name: str) -> str:
    import jwt

    return jwt.encode({key: value for key, value in claims().items() if key != name}, SECRET, "HS256")


@pytest.mark.parametrize("name", BAD_TOKENS)
def test_a_bad_bearer_token_is_refused_and_app_bridge_asked_to_retry(client: FlaskClient, name: str) -> None:
    response = client.get("/customers", headers={**FETCH, "Authorization": f"Bearer {BAD_TOKENS[name]()}"})
    assert response.status_code == 401
    assert response.headers["X-Shopify-Retry-Invalid-Session-Request"] == "1"


@pytest.mark.parametrize("header", ["", "Bearer", "Basic dTpw", "bearer x", "Bearer  "])
def test_a_fetch_without_a_bearer_token_is_refused(client: FlaskClient, header: str) -> None:
    headers = {**FETCH, "Authorization": header} if header else FETCH
    assert client.get("/customers", headers=headers).status_code == 401


def test_a_token_in_the_query_does_not_write(client: FlaskClient) -> None:
    assert client.post(f"/loyalty?id_token={token()}").status_code == 401
    assert client.get(f"/customers?id_token={token()}", headers=FETCH).status_code == 401


def test_a_token_of_an_uninstalled_shop_is_refused(client: FlaskClient, database: Engine, shop: Shop) -> None:
    with database.begin() as connection:
        connection.execute(text("UPDATE shops SET uninstalled_at = clock_timestamp()"))
    assert client.get("/customers", headers={**FETCH, **bearer()}).status_code == 401


@pytest.mark.parametrize("changes", [{}, {"exp": -5}, {"nbf": 5}])
def test_a_good_token_opens_the_panel_within_ten_seconds_of_leeway(
    client: FlaskClient, changes: dict[str, int]
) -> None:
    fresh = {name: moved(seconds) for name, seconds in changes.items()}
    assert client.get("/customers", headers={**FETCH, **bearer(**fresh)}).status_code == 200


def test_both_secrets_are_accepted_during_a_rotation(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    old = "a-client-secret-for-tests-only-0000"
    monkeypatch.setenv("SHOPIFY_API_SECRET_PREVIOUS", old)
    forget_settings()
    assert client.get("/customers", headers={**FETCH, **bearer(secret=old)}).status_code == 200
    monkeypatch.delenv("SHOPIFY_API_SECRET_PREVIOUS")
    forget_settings()
    assert client.get("/customers", headers={**FETCH, **bearer(secret=old)}).status_code == 401


def test_the_shop_comes_from_the_token_and_not_from_the_query(client: FlaskClient, other_shop: Shop) -> None:
    response = client.get(f"/customers?shop={other_shop.domain}", headers=bearer())
    assert f"frame-ancestors https://{DOMAIN} " in response.headers["Content-Security-Policy"]


def test_a_launch_with_a_good_id_token_shows_the_page_at_once(client: FlaskClient) -> None:
    response = client.get(f"/customers?embedded=1&shop={DOMAIN}&id_token={token()}")
    assert response.status_code == 200
    assert '<meta name="shopify-api-key" content="test-client-id">' in response.text
    assert response.text.index("app-bridge.js") < response.text.index("htmx.js")


def test_a_launch_with_a_stale_id_token_goes_to_the_bounce_page_without_it(client: FlaskClient) -> None:
    stale = token(exp=moved(-60))
    query = f"embedded=1&shop={DOMAIN}&host=YWRtaW4&locale=en&hmac=x&timestamp=1&session=s&id_token={stale}&q=olga"
    response = client.get(f"/customers?{query}")
    assert response.status_code == 302
    target = urlsplit(response.headers["Location"])
    said = parse_qs(target.query)
    assert target.path == "/auth/session-token"
    assert not {"id_token", "hmac", "timestamp", "session"} & said.keys()
    assert said["shopify-reload"][0].startswith("/customers?") and "q=olga" in said["shopify-reload"][0]
    assert stale not in response.headers["Location"]


def test_the_bounce_page_holds_app_bridge_alone(client: FlaskClient) -> None:
    response = client.get(f"/auth/session-token?shop={DOMAIN}&shopify-reload=%2Fcustomers%3Fq%3Dolga")
    assert response.status_code == 200
    assert 'data-api-key="test-client-id" src="https://cdn.shopify.com/shopifycloud/app-bridge.js"' in response.text
    assert f"frame-ancestors https://{DOMAIN} https://admin.shopify.com" in response.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "target",
    ["", "//evil.example", "/\\evil.example", "https://evil.example", "customers", "/\tevil", "/a\r\nSet-Cookie:x"],
)
def test_the_bounce_page_never_leads_away(client: FlaskClient, target: str) -> None:
    assert not is_own_path(target)
    query = {"shop": DOMAIN, "shopify-reload": target}
    assert client.get("/auth/session-token", query_string=query).status_code == 400


@pytest.mark.parametrize(
    "shop_param", ["", "evil.example", "a.myshopify.com.evil.example", "x.myshopify.com; script-src *"]
)
def test_a_malformed_shop_reaches_neither_page_nor_header(client: FlaskClient, shop_param: str) -> None:
    bounced = client.get("/auth/session-token", query_string={"shop": shop_param, "shopify-reload": "/"})
    launched = client.get("/", query_string={"shop": shop_param, "embedded": "1"})
    assert (bounced.status_code, launched.status_code) == (400, 401)
    for response in (bounced, launched):
        assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"]


def test_a_page_opened_outside_the_admin_goes_into_it(client: FlaskClient) -> None:
    host = base64.urlsafe_b64encode(b"admin.shopify.com/store/vec-shop").decode().rstrip("=")
    response = client.get(f"/?shop={DOMAIN}&host={host}")
    assert response.headers["Location"] == "https://admin.shopify.com/store/vec-shop/apps/test-client-id"


@pytest.mark.parametrize(
    "host", [b"evil.example/store/x", b"admin.shopify.com@evil.example", b"admin.shopify.com/../x", b"\xff"]
)
def test_a_forged_host_leads_nowhere(services: None, host: bytes) -> None:
    assert admin_address(base64.urlsafe_b64encode(host).decode()) is None


def test_the_policy_is_strict_and_per_shop() -> None:
    policy = content_policy(Platform(), DOMAIN)
    assert "unsafe" not in policy and "*" not in policy
    assert policy.endswith(f"frame-ancestors https://{DOMAIN} https://admin.shopify.com")
    assert content_policy(Platform(), None).endswith("frame-ancestors 'none'")


def test_answers_through_the_app_proxy_stand_under_the_store_s_own_headers(client: FlaskClient) -> None:
    assert "Content-Security-Policy" not in client.get("/proxy/points").headers
    assert "frame-ancestors 'none'" in client.get("/nowhere").headers["Content-Security-Policy"]


def test_pages_are_never_cached_and_set_no_cookie(client: FlaskClient) -> None:
    response = client.get("/customers", headers=bearer())
    assert response.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in response.headers
    assert "X-Frame-Options" not in response.headers


def test_every_page_of_the_panel_is_behind_a_session(client: FlaskClient) -> None:
    rules = [rule for rule in client.application.url_map.iter_rules() if rule.endpoint.startswith("panel.")]
    guarded = [rule for rule in rules if rule.endpoint not in OPEN]
    assert len(guarded) > 10
    for rule in guarded:
        path = rule.build({name: SAMPLES.get(name, 1) for name in rule.arguments})[1]
        for method in rule.methods & {"GET", "POST"}:
            response = client.open(path, method=method, headers=FETCH)
            assert response.status_code == 401, rule

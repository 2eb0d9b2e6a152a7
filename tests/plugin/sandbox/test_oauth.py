"""Install, tokens, uninstall."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from plugin.sandbox import clock
from plugin.sandbox.runtime import Sandbox
from plugin.sandbox.wire import grants, sessions
from tests.plugin.sandbox.conftest import CLIENT_ID, SECRET, Listener, install, queued

PAIR = {"client_id": CLIENT_ID, "client_secret": SECRET}
EXCHANGE = {
    "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
    "subject_token_type": "urn:ietf:params:oauth:token-type:id_token",
    "requested_token_type": "urn:shopify:params:oauth:token-type:offline-access-token",
    "expiring": "1",
}


def ask(client: FlaskClient, **fields: Any) -> tuple[int, dict[str, Any]]:
    answer = client.post("/admin/oauth/access_token", json=PAIR | fields)
    return answer.status_code, answer.get_json()


def exchange(client: FlaskClient, store: Sandbox, **changed: Any) -> tuple[int, dict[str, Any]]:
    token = sessions.id_token(store.settings, store.world.shop.domain)
    return ask(client, **EXCHANGE | {"subject_token": token} | changed)


def refresh(client: FlaskClient, pair: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    return ask(client, grant_type="refresh_token", refresh_token=pair["refresh_token"])


def works(client: FlaskClient, pair: dict[str, Any]) -> bool:
    answer = client.post(
        "/admin/api/2026-10/graphql.json",
        json={"query": "{ shop { name } }"},
        headers={"X-Shopify-Access-Token": pair["access_token"]},
    )
    return answer.status_code == 200


def test_the_grant_screen_lists_the_scopes_and_installs(client: FlaskClient, store: Sandbox) -> None:
    page = client.get(f"/admin/oauth/install?client_id={CLIENT_ID}").get_data(as_text=True)
    assert all(scope in page for scope in store.declaration.scopes)
    assert client.get("/admin/oauth/install?client_id=other").status_code == 404
    answer = client.post("/admin/oauth/install", data={"optional_scopes": ["read_all_orders", "write_everything"]})
    assert answer.headers["Location"] == "/admin/apps/regulars"
    assert store.world.installation is not None
    assert store.world.installation.scopes == [*store.declaration.scopes, "read_all_orders"]


def test_an_id_token_is_exchanged_for_an_expiring_pair(client: FlaskClient, store: Sandbox) -> None:
    install(store)
    status, pair = exchange(client, store)
    assert status == 200
    assert (pair["expires_in"], pair["refresh_token_expires_in"]) == (3600, 7_776_000)
    assert pair["access_token"].startswith("shpat_")
    assert pair["refresh_token"].startswith("shprt_")
    assert pair["scope"].split(",") == list(store.declaration.scopes)
    assert works(client, pair)


def test_a_form_is_as_good_as_json(client: FlaskClient, store: Sandbox) -> None:
    install(store)
    token = sessions.id_token(store.settings, store.world.shop.domain)
    answer = client.post("/admin/oauth/access_token", data=PAIR | EXCHANGE | {"subject_token": token})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"subject_token": "nonsense"}, "invalid_subject_token"),
        ({"client_secret": "wrong"}, "invalid_client"),
        ({"expiring": "0"}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
    ],
)
def test_bad_exchanges_are_named(client: FlaskClient, store: Sandbox, changed: dict[str, str], code: str) -> None:
    install(store)
    status, answer = exchange(client, store, **changed)
    assert (status, answer["error"]) == (400, code)


def test_nothing_is_exchanged_before_the_install(client: FlaskClient, store: Sandbox) -> None:
    status, answer = exchange(client, store)
    assert (status, answer["error"]) == (400, "invalid_subject_token")


def test_a_refresh_gives_a_new_pair_and_leaves_the_old_access_token(client: FlaskClient, store: Sandbox) -> None:
    install(store)
    first = exchange(client, store)[1]
    status, second = refresh(client, first)
    assert status == 200
    assert second["access_token"] != first["access_token"]
    assert works(client, first)
    assert works(client, second)


def test_a_refresh_token_may_be_retried_until_its_replacement_is_used(client: FlaskClient, store: Sandbox) -> None:
    install(store)
    first = exchange(client, store)[1]
    lost = refresh(client, first)[1]
    status, second = refresh(client, first)
    assert status == 200
    assert refresh(client, lost)[1]["error"] == "invalid_grant"
    assert works(client, second)
    assert refresh(client, first)[1]["error"] == "invalid_grant"
    assert refresh(client, second)[0] == 200


def test_a_new_exchange_retires_older_refresh_tokens(client: FlaskClient, store: Sandbox) -> None:
    install(store)
    first = exchange(client, store)[1]
    exchange(client, store)
    assert refresh(client, first)[1]["error"] == "invalid_grant"
    assert works(client, first)


def test_an_access_token_ends_after_an_hour_of_the_machine(client: FlaskClient, store: Sandbox) -> None:
    install(store)
    pair = exchange(client, store)[1]
    store.world.advance(7200)
    assert works(client, pair)
    token = store.world.tokens[pair["access_token"]]
    token.expires_at -= timedelta(hours=1)
    assert not works(client, pair)
    assert refresh(client, pair)[0] == 200


def test_uninstalling_kills_every_token_and_tells_the_app_once(client: FlaskClient, store: Sandbox) -> None:
    install(store)
    pair = exchange(client, store)[1]
    grants.uninstall(store.world)
    grants.uninstall(store.world)
    assert not works(client, pair)
    assert refresh(client, pair)[1]["error"] == "invalid_grant"
    assert queued(store.world) == ["app/uninstalled"]
    install(store)
    assert not works(client, pair)
    assert exchange(client, store)[0] == 200


def test_other_scopes_on_an_installed_app_are_told(store: Sandbox) -> None:
    install(store)
    install(store)
    assert queued(store.world) == []
    install(store, "read_all_orders")
    assert queued(store.world) == ["app/scopes_update"]


def test_two_days_after_an_uninstall_the_app_is_asked_to_forget_the_store(live: Sandbox, listener: Listener) -> None:
    grants.uninstall(live.world)
    clock.advance(live, 47 * 3600)
    assert "shop/redact" not in queued(live.world)
    clock.advance(live, 3600)
    clock.advance(live, 3600)
    assert queued(live.world).count("shop/redact") == 1


def test_a_reinstall_in_time_is_not_forgotten(live: Sandbox, listener: Listener) -> None:
    grants.uninstall(live.world)
    clock.advance(live, 3600)
    install(live)
    clock.advance(live, 72 * 3600)
    assert "shop/redact" not in queued(live.world)

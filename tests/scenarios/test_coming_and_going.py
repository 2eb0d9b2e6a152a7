"""A merchant installs, stays for a while, goes and comes back: through the store's own doors."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from sqlalchemy import text

from plugin import pace
from plugin.config import scopes
from plugin.db import engine as db
from plugin.effects import claims, performing
from plugin.effects import operations as effects
from plugin.effects.performing import Performer
from plugin.errors import Throttled
from plugin.loyalty import remote as codes
from plugin.performers import PERFORMERS
from plugin.shopify import client
from plugin.shops import api, queries, tokens
from plugin.shops.models import Shop
from tests.sandbox import Store, store  # noqa: F401


@pytest.fixture(scope="module")
def installed(store: Store) -> Store:  # noqa: F811
    store.install()
    return store


def shop_of(store: Store) -> Shop:  # noqa: F811
    shop = queries.by_domain(store.shop)
    assert shop is not None
    return shop


def expire(store: Store, **columns: str) -> None:  # noqa: F811
    """What time would have done to our row; the store knows nothing of it."""
    columns = columns or {"access_expires_at": "clock_timestamp()"}
    with store.owner.begin() as connection:
        connection.execute(text(f"UPDATE shops SET {', '.join(f'{name} = {to}' for name, to in columns.items())}"))


def test_opening_the_panel_installs_the_shop(installed: Store) -> None:
    shop = shop_of(installed)
    assert queries.is_installed(shop) and not shop.needs_reauth
    assert set(shop.scopes) >= set(scopes()) - {"read_all_orders"}
    told = api.execute(shop, "ShopInfo")["shop"]
    assert (shop.name, shop.currency, shop.timezone) == (told["name"], told["currencyCode"], told["ianaTimezone"])
    assert told["id"] == f"gid://shopify/Shop/{shop.store_id}"


def test_an_hour_later_the_token_is_refreshed_once_for_twenty_who_need_it(installed: Store) -> None:
    shop, before = shop_of(installed), tokens.read(shop_of(installed).id)
    expire(installed)
    start = threading.Barrier(20)

    def ask(_: int) -> str:
        start.wait()
        return tokens.access_token(shop.id)

    with ThreadPoolExecutor(20) as pool:
        found = set(pool.map(ask, range(20)))
    after = tokens.read(shop.id)
    assert found == {after.access_token} and after.serial == before.serial + 1
    assert api.execute(shop, "ShopInfo")["shop"]["name"] == shop.name


def test_a_token_the_store_forgot_is_replaced_without_anybody_noticing(installed: Store) -> None:
    shop, before = shop_of(installed), tokens.read(shop_of(installed).id)
    lost = tokens.remote.Grant("shpat_forgotten", 3600, str(before.refresh_token), 7776000, ())
    assert tokens.store(shop.id, before.serial, lost)
    assert api.execute(shop, "ShopInfo")["shop"]["name"] == shop.name


def test_after_ninety_days_of_silence_the_next_page_signs_in_anew(installed: Store) -> None:
    shop = shop_of(installed)
    before = tokens.read(shop.id)
    assert tokens.store(shop.id, before.serial, tokens.remote.Grant("gone", 0, "shprt_gone", 0, ()))
    with pytest.raises(tokens.Unauthorized):
        tokens.access_token(shop.id)
    assert shop_of(installed).needs_reauth
    installed.install()
    assert not shop_of(installed).needs_reauth
    assert api.execute(shop, "ShopInfo")["shop"]["name"] == shop.name


def test_a_bucket_that_runs_empty_is_waited_for(installed: Store) -> None:
    shop = shop_of(installed)
    token = tokens.access_token(shop.id)
    client._buckets.clear()
    api.execute(shop, "ShopInfo")
    bucket = client._buckets[shop.domain]
    assert bucket.available is not None and bucket.available <= bucket.maximum
    bucket.available, bucket.costs["ShopInfo"] = 0, bucket.maximum  # as after a long run of dear questions
    with pytest.raises(Throttled), pace.at(pace.Pace(patience=0.1)):
        client.execute(shop.domain, token, "ShopInfo")
    client._buckets.clear()


def test_a_code_that_was_made_when_we_died_is_adopted_and_not_made_again(installed: Store) -> None:
    shop, payload = shop_of(installed), code_for(installed)
    performing.use({"code": Performer(codes.create_code, lambda *_: None, codes.find_code)}, queries.shop)
    with db.transaction(shop.id) as session:
        effect = effects.record(session, shop.id, "code", payload["code"], payload)
    claim = claims.claim_one(shop.id, effect)
    assert claim is not None and claims.begin_call(claim)
    made = codes.create_code(shop, payload)  # the store did it, and we died before we could note that
    with installed.owner.begin() as connection:
        connection.execute(text("UPDATE outbox SET next_attempt_at = clock_timestamp() WHERE id = :id"), {"id": effect})
    assert performing.perform_one(shop.id, effect) == "done"
    [row] = installed.rows("SELECT result FROM outbox WHERE id = :id", id=effect)
    assert row["result"] == made
    assert codes.create_code(shop, payload) == made  # TAKEN by ourselves
    performing.use(PERFORMERS, queries.shop)


def code_for(store: Store) -> dict[str, Any]:  # noqa: F811
    customer = store.get("/_control/customers", limit=1)["customers"][0]["id"]
    lasts = {"starts_at": "2026-01-01T00:00:00Z", "ends_at": "2036-01-01T00:00:00Z"}
    return {
        "code": "ONCE-AND-ONLY",
        "title": "5 off",
        "customer_id": customer,
        "amount": "5.00",
        "minimum": None,
    } | lasts


def test_an_uninstall_empties_the_tokens_and_a_late_copy_does_not_undo_the_return(installed: Store) -> None:
    shop = shop_of(installed)
    installed.post("/_control/uninstall")
    installed.settle()
    gone = shop_of(installed)
    assert gone.uninstalled_at is not None and gone.access_token is None and gone.refresh_token is None
    with pytest.raises(tokens.Unauthorized):
        tokens.access_token(shop.id)
    installed.advance(minutes=5)
    installed.install()
    back = shop_of(installed)
    assert queries.is_installed(back) and back.id == shop.id and back.installed_at > gone.uninstalled_at
    replay_uninstall(installed)
    installed.settle()
    assert queries.is_installed(shop_of(installed))
    assert api.execute(back, "ShopInfo")["shop"]["name"] == shop.name


def replay_uninstall(store: Store) -> None:  # noqa: F811
    """The store's network delivers the old message once more, under an id of its own."""
    again = """
        INSERT INTO inbox (shop_id, webhook_id, topic, api_version, triggered_at, body)
        SELECT shop_id, webhook_id || '-late', topic, api_version, triggered_at, body FROM inbox
        WHERE topic = 'app/uninstalled'
    """
    with store.owner.begin() as connection:
        assert connection.execute(text(again)).rowcount == 1


def test_a_page_opened_by_a_stranger_installs_nothing(installed: Store) -> None:
    before = installed.rows("SELECT count(*) AS many FROM shops")
    answer = requests.get(f"{installed.app_url}/?shop=evil.myshopify.com&embedded=1&id_token=forged", timeout=10)
    assert "evil" not in answer.headers.get("Content-Security-Policy", "") or answer.status_code != 200
    assert installed.rows("SELECT count(*) AS many FROM shops") == before

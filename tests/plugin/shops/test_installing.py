"""Install, reinstall, uninstall: what a store's admin brings about, in any order and more than once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from plugin.clock import machine_now
from plugin.db import engine as db
from plugin.errors import RemoteError, Unavailable
from plugin.shops import installing, operations, queries, remote, tokens
from plugin.shops.models import Shop
from tests.fake_store import SHOP_INFO, Answer, Asked, FakeStore, data, grant

DOMAIN = "new-shop.myshopify.com"

pytestmark = pytest.mark.usefixtures("no_hooks")


@pytest.fixture
def followed() -> list[int]:
    """Ids of shops whose install was followed up, in order."""
    seen: list[int] = []
    installing.use([lambda _, shop: seen.append(shop.id)])
    return seen


def playing(number: int = 1, **info: object) -> Callable[[Asked], Answer]:
    """A store that gives pair `number` and says what it is."""

    def play(asked: Asked) -> Answer:
        if asked.path.endswith("access_token"):
            return Answer(grant(number))
        assert asked.headers["X-Shopify-Access-Token"] == f"access-{number}"
        return data(shop=SHOP_INFO | info)

    return play


def test_the_first_page_installs_the_shop(store: FakeStore, other_shop: Shop, followed: list[int]) -> None:
    store.will(playing())
    shop = installing.open_shop(DOMAIN, "an-id-token")
    exchange = store.asked[0].body
    assert exchange["subject_token"] == "an-id-token"
    assert exchange["expiring"] == "1"
    assert exchange["requested_token_type"].endswith("offline-access-token")
    assert (shop.domain, shop.store_id, shop.currency, shop.timezone) == (DOMAIN, 548380009, "EUR", "Europe/Berlin")
    assert (shop.email, shop.storefront_url) == ("hello@example.com", "https://roasters.example")
    assert shop.scopes == ["read_customers", "write_discounts"]
    assert queries.is_installed(shop)
    assert followed == [shop.id]
    assert queries.by_id(other_shop.id).store_id == other_shop.store_id


def test_an_installed_shop_is_opened_without_asking_the_store(store: FakeStore, followed: list[int]) -> None:
    store.will(playing())
    installing.open_shop(DOMAIN, "one")
    asked = len(store.asked)
    assert installing.open_shop(DOMAIN, "two").domain == DOMAIN
    assert len(store.asked) == asked and len(followed) == 1


def test_installing_twice_is_installing_once(store: FakeStore, followed: list[int]) -> None:
    store.will(playing())
    first = installing.install(DOMAIN, "one")
    second = installing.install(DOMAIN, "two")
    assert (second.id, second.installed_at) == (first.id, first.installed_at)
    assert followed == [first.id]


def test_five_pages_at_once_install_once(store: FakeStore, followed: list[int]) -> None:
    store.will(playing())
    with ThreadPoolExecutor(5) as pool:
        shops = list(pool.map(lambda n: installing.open_shop(DOMAIN, f"token-{n}"), range(5)))
    assert len({shop.id for shop in shops}) == 1
    assert len(followed) == 1


def test_a_crash_after_the_exchange_is_repaired_by_the_next_page(store: FakeStore, followed: list[int]) -> None:
    store.will(lambda asked: Answer(grant(1)) if asked.path.endswith("access_token") else Answer("", status=500))
    with pytest.raises(Unavailable):
        installing.open_shop(DOMAIN, "one")
    assert followed == []
    assert not queries.is_installed(queries.by_domain(DOMAIN))
    store.will(playing(2))
    assert queries.is_installed(installing.open_shop(DOMAIN, "two"))
    assert len(followed) == 1


def test_what_follows_an_install_commits_with_it_or_not_at_all(store: FakeStore) -> None:
    def fails(session: Session, shop: Shop) -> None:
        raise RemoteError("no")

    installing.use([fails])
    store.will(playing())
    with pytest.raises(RemoteError):
        installing.open_shop(DOMAIN, "one")
    assert not queries.is_installed(queries.by_domain(DOMAIN))


def test_a_stale_id_token_asks_for_a_fresh_one(store: FakeStore) -> None:
    store.will(Answer({"error": "invalid_subject_token"}, status=400))
    with pytest.raises(remote.StaleIdToken):
        installing.open_shop(DOMAIN, "old")
    store.will(playing())
    assert queries.is_installed(installing.open_shop(DOMAIN, "fresh"))


def test_reinstalling_starts_anew_with_the_same_row(store: FakeStore, followed: list[int]) -> None:
    store.will(playing(1))
    shop = installing.open_shop(DOMAIN, "one")
    assert uninstall(shop) is True
    assert tokens.read(shop.id).access_token is None
    store.will(playing(2, currencyCode="GBP"))
    again = installing.open_shop(DOMAIN, "two")
    assert (again.id, again.currency) == (shop.id, "GBP")
    assert again.uninstalled_at is None and again.installed_at > shop.installed_at
    assert tokens.read(shop.id).access_token == "access-2"
    assert followed == [shop.id, shop.id]


def test_an_uninstall_older_than_the_install_does_nothing(store: FakeStore) -> None:
    store.will(playing(1))
    shop = installing.open_shop(DOMAIN, "one")
    assert uninstall(shop, shop.installed_at - timedelta(seconds=1)) is False
    assert queries.is_installed(queries.by_id(shop.id))
    assert tokens.read(shop.id).access_token == "access-1"


def test_an_uninstall_is_told_twice_and_counts_once(store: FakeStore, other_shop: Shop) -> None:
    store.will(playing(1))
    shop = installing.open_shop(DOMAIN, "one")
    assert [uninstall(shop), uninstall(shop)] == [True, False]
    assert other_shop.id in queries.installed_ids() and shop.id not in queries.installed_ids()


def test_a_shop_whose_token_died_signs_in_anew_when_it_is_opened(store: FakeStore, followed: list[int]) -> None:
    store.will(playing(1))
    shop = installing.open_shop(DOMAIN, "one")
    tokens.give_up(shop.id, "access-1")
    assert queries.by_id(shop.id).needs_reauth
    store.will(playing(2))
    assert installing.open_shop(DOMAIN, "two").needs_reauth is False
    assert tokens.access_token(shop.id) == "access-2"
    assert len(followed) == 1


def test_scopes_follow_the_latest_change(shop: Shop, session: Session) -> None:
    now = machine_now()
    assert operations.change_scopes(session, shop, ["read_orders"], now)
    assert not operations.change_scopes(session, shop, ["old"], now - timedelta(minutes=1))
    assert queries.shop(session).scopes == ["read_orders"]


def test_business_time_stamps_the_install(store: FakeStore, database: Engine) -> None:
    with database.begin() as connection:
        connection.execute(text("UPDATE clock SET offset_seconds = 86400"))
    store.will(playing())
    assert installing.open_shop(DOMAIN, "one").installed_at > machine_now() + timedelta(hours=23)


def uninstall(shop: Shop, moment: object = None) -> bool:
    with db.transaction(shop.id) as session:
        return operations.uninstall(session, shop, moment or machine_now())

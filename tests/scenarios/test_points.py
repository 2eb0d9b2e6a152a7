"""A shopper's year with the loyalty programme, through the store's own doors."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import requests

from plugin import clock
from plugin.db import engine as db
from plugin.loyalty import operations as loyalty
from plugin.loyalty.programs import ProgramDraft, TierDraft
from plugin.loyalty.rewards import RewardDraft
from plugin.shops import queries as shops
from plugin.shops.models import Shop
from tests.sandbox import Store, store  # noqa: F401

RULES = ProgramDraft(
    "Bean club",
    "bean",
    "beans",
    earn_points=3,
    earn_per_minor=100,
    return_days=14,
    expiry_days=365,
    tiers=(TierDraft("Regular", 0), TierDraft("Enthusiast", 150_00, 5, 4)),
)


@pytest.fixture(scope="module")
def shop(store: Store) -> Shop:  # noqa: F811
    """Installed, history imported, a programme that began two years ago."""
    store.install()
    found = shops.by_domain(store.shop)
    assert found is not None
    with db.transaction(found.id) as session:
        begun = clock.now(session) - timedelta(days=730)
        loyalty.save_program(session, found, "staff:1", RULES, begun)
        loyalty.add_reward(session, found, "staff:1", RewardDraft("5 off", 100, 5_00, minimum_minor=10_00))
    store.settle()
    return found


class Shopper:
    """Somebody with a browser, signed in at the store."""

    def __init__(self, store: Store, customer_id: int) -> None:  # noqa: F811
        self.store, self.id = store, customer_id
        self.browser = requests.Session()
        self.browser.post(f"{store.url}/account/login", data={"customer_id": customer_id}, timeout=30)

    def points(self) -> dict[str, Any]:
        answer = self.browser.get(f"{self.store.url}/apps/regulars/loyalty", timeout=30)
        assert answer.ok and answer.headers["Cache-Control"] == "no-store", answer.text
        told: dict[str, Any] = answer.json()
        return told

    def redeems(self, key: str) -> requests.Response:
        told = self.points()
        form = {"reward_id": told["rewards"][0]["id"], "request_key": key, "token": told["token"]}
        return self.browser.post(f"{self.store.url}/apps/regulars/loyalty/redeem", data=form, timeout=30)


@pytest.fixture
def shopper(store: Store, shop: Shop) -> Shopper:  # noqa: F811
    listed = store.get("/_control/customers", limit=40)
    people = listed["customers"] if isinstance(listed, dict) else listed
    return Shopper(store, min(person["id"] for person in people if person["email"] and person["orders_count"] <= 1))


def test_past_orders_earned_and_every_account_adds_up(store: Store, shop: Shop) -> None:  # noqa: F811
    accounts = store.rows("""
        SELECT a.customer_id FROM point_accounts a WHERE available + pending - debt <> (SELECT coalesce(sum(points), 0)
        FROM point_entries e WHERE e.shop_id = a.shop_id AND e.customer_id = a.customer_id)
    """)
    assert accounts == [] and store.rows("SELECT count(*) AS n FROM point_entries")[0]["n"] > 20


def test_the_theme_knows_the_programme(store: Store, shop: Shop) -> None:  # noqa: F811
    store.settle()
    assert "data-rg-widget" in requests.get(store.url, timeout=30).text


def test_a_year_with_the_programme(store: Store, shop: Shop, shopper: Shopper) -> None:  # noqa: F811
    before = shopper.points()["customer"]
    variant = _variant(store)
    order = store.place_order(shopper.id, variant["id"], 4)
    store.settle()
    bought = shopper.points()["customer"]
    earned = bought["pending"] - before["pending"]
    assert earned > 0 and bought["available"] == before["available"]

    store.advance(days=15)
    ripe = shopper.points()["customer"]
    assert ripe["available"] >= before["available"] + earned - ripe["expiring"] and ripe["pending"] == 0

    answer = shopper.redeems("click-0001")
    assert answer.status_code == 200, answer.text
    code = answer.json()["code"]
    assert shopper.redeems("click-0001").json()["code"] == code
    store.settle()
    assert any(code in mail["text"] for mail in store.mails())
    after = shopper.points()["customer"]
    assert after["available"] == ripe["available"] - 100 and [each["code"] for each in after["codes"]] == [code]

    store.place_order(shopper.id, variant["id"], 2, discount_code=code)
    store.settle()
    assert store.rows("SELECT state FROM redemptions WHERE code = :code", code=code) == [{"state": "used"}]
    assert shopper.points()["customer"]["codes"] == []

    store.post(f"/_control/orders/{_id(order)}/refund")
    store.settle()
    moved = store.rows(
        "SELECT sum(points) AS n FROM point_entries WHERE order_id = :id AND kind <> 'expire'", id=_id(order)
    )
    assert moved == [{"n": 0}]


def test_a_returned_reward_leaves_no_working_code(store: Store, shop: Shop, shopper: Shopper) -> None:  # noqa: F811
    with db.transaction(shop.id) as session:
        loyalty.adjust(session, shop, shopper.id, 200, "a late parcel", "staff:1", "returned-reward")
    made = shopper.redeems("click-0002").json()
    before = shopper.points()["customer"]["available"]
    with db.transaction(shop.id) as session:
        loyalty.return_redemption(session, shop, made["id"], "staff:1", "changed their mind")
    store.settle()
    told = shopper.points()["customer"]
    assert told["available"] >= before and made["code"] not in [each["code"] for each in told["codes"]]
    ended = store.rows("SELECT state FROM outbox WHERE kind = 'discount_code_end'")
    assert ended == [{"state": "done"}]


def test_nobody_else_can_ask_in_their_name(store: Store, shop: Shop, shopper: Shopper) -> None:  # noqa: F811
    stranger = requests.get(
        f"{store.url}/apps/regulars/loyalty", params={"logged_in_customer_id": shopper.id}, timeout=30
    )
    assert stranger.json()["customer"] is None
    direct = requests.get(
        f"{store.app_url}/proxy/loyalty", params={"shop": store.shop, "logged_in_customer_id": shopper.id}, timeout=30
    )
    assert direct.status_code == 401


def _id(order: dict[str, Any]) -> int:
    return int((order.get("order") or order)["id"])


def _variant(store: Store) -> dict[str, Any]:  # noqa: F811
    listed = store.get("/_control/products")
    products = listed["products"] if isinstance(listed, dict) else listed
    coffee = next(each for each in products if "espresso" in each["handle"] and each["variants"])
    found: dict[str, Any] = coffee["variants"][0]
    return found

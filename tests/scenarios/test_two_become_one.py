"""One person with two accounts: the store merges them, and everything is in one place."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import requests

from plugin import clock
from plugin.db import engine as db
from plugin.loyalty import operations as loyalty
from plugin.loyalty.programs import ProgramDraft
from plugin.loyalty.rewards import RewardDraft
from plugin.shops import queries as shops
from plugin.shops.models import Shop
from tests.sandbox import Store, store  # noqa: F401

RULES = ProgramDraft("Bean club", "bean", "beans", earn_points=3, earn_per_minor=100, return_days=0, tiers=())


@pytest.fixture(scope="module")
def shop(store: Store) -> Shop:  # noqa: F811
    store.install()
    found = shops.by_domain(store.shop)
    assert found is not None
    with db.transaction(found.id) as session:
        loyalty.save_program(session, found, "staff:1", RULES, clock.now(session) - timedelta(days=1))
        loyalty.add_reward(session, found, "staff:1", RewardDraft("5 off", 100, 5_00))
    store.settle()
    return found


class Shopper:
    """Somebody signed in at the store."""

    def __init__(self, store: Store, email: str) -> None:  # noqa: F811
        self.store = store
        self.id: int = store.post("/_control/customers", {"email": email, "first_name": "Ines", "last_name": "Vogt"})[
            "id"
        ]
        self.browser = requests.Session()

    def sign_in(self) -> Shopper:
        self.browser.post(f"{self.store.url}/account/login", data={"customer_id": self.id}, timeout=30)
        return self

    def points(self) -> dict[str, Any]:
        answer = self.browser.get(f"{self.store.url}/apps/regulars/loyalty", timeout=30)
        assert answer.ok, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def redeems(self, key: str) -> dict[str, Any]:
        told = self.points()
        form = {"reward_id": told["rewards"][0]["id"], "request_key": key, "token": told["token"]}
        answer = self.browser.post(f"{self.store.url}/apps/regulars/loyalty/redeem", data=form, timeout=30)
        assert answer.ok, answer.text
        made: dict[str, Any] = answer.json()
        return made


def variant(store: Store) -> int:  # noqa: F811
    products = store.get("/_control/products")["products"]
    return int(next(each for each in products if each["variants"])["variants"][0]["id"])


@pytest.mark.parametrize("faults", [{}, {"shuffle": True, "duplicate": 0.5}])
def test_two_accounts_of_one_person(store: Store, shop: Shop, faults: dict[str, Any]) -> None:  # noqa: F811
    mark = "shuffled" if faults else "plain"
    old = Shopper(store, f"ines.{mark}@work.example").sign_in()
    kept = Shopper(store, f"ines.{mark}@home.example").sign_in()
    coffee = variant(store)
    first = store.place_order(old.id, coffee, 6)
    store.place_order(kept.id, coffee, 2)
    store.settle()
    with db.transaction(shop.id) as session:
        loyalty.adjust(session, shop, old.id, 50, "a late parcel", "staff:1", f"late-{mark}")
    code = old.redeems(f"click-{mark}-1")["code"]
    store.settle()
    before = old.points()["customer"]["available"] + kept.points()["customer"]["available"]

    store.post("/_control/faults", faults)
    store.post("/_control/customers/merge", {"kept_id": kept.id, "gone_id": old.id})
    store.settle()
    store.post("/_control/faults", {"drop": 0, "duplicate": 0, "delay_seconds": 0, "shuffle": False})

    now = kept.points()["customer"]
    assert now["available"] == before and now["debt"] == 0
    assert [each["code"] for each in now["codes"]] == [code]
    assert {"transfer"} <= {each["kind"] for each in now["history"]}

    told = store.rows(
        "SELECT state, result FROM outbox WHERE kind = 'discount_code_owner' AND key LIKE :key", key=f"%:{kept.id}"
    )
    assert told == [{"state": "done", "result": {"changed": True}}]

    store.place_order(kept.id, coffee, 2, discount_code=code)
    store.settle()
    assert store.rows("SELECT state, customer_id FROM redemptions WHERE code = :code", code=code) == [
        {"state": "used", "customer_id": kept.id}
    ]

    earned = kept.points()["customer"]["available"]
    store.post(f"/_control/orders/{first['id']}/refund")
    store.settle()
    after = kept.points()["customer"]
    of_first = store.rows(
        "SELECT sum(points)::int AS n FROM point_entries WHERE order_id = :id AND kind IN ('earn', 'claw')",
        id=first["id"],
    )
    assert of_first == [{"n": 0}]
    assert after["available"] - after["debt"] < earned
    left = store.rows("SELECT available + pending + debt AS n FROM point_accounts WHERE customer_id = :id", id=old.id)
    assert left == [{"n": 0}]

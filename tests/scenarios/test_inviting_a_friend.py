"""Two people, through the store's own doors: a link, a mailed code, a first order, the reward, and the way back."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from plugin import clock
from plugin.db import engine as db
from plugin.loyalty import operations as loyalty
from plugin.loyalty.document import Document
from plugin.loyalty.programs import ProgramDraft
from plugin.loyalty.referring.terms import Referrals
from plugin.shops import queries as shops
from plugin.shops.models import Shop
from tests.sandbox import Store, store  # noqa: F401

TERMS = Referrals(enabled=True, points=400, friend_kind="percent", friend_value=10, hold_days=14)
RULES = ProgramDraft(
    "Bean club", "bean", "beans", earn_points=1, earn_per_minor=100, document=Document(referrals=TERMS)
)
FRIEND = "noemi.weiss@friends.example"


@pytest.fixture(scope="module")
def shop(store: Store) -> Shop:  # noqa: F811
    store.install()
    found = shops.by_domain(store.shop)
    assert found is not None
    with db.transaction(found.id) as session:
        loyalty.save_program(session, found, "staff:1", RULES, clock.now(session) - timedelta(days=1))
    store.settle()
    return found


class Visitor:
    """Somebody with a browser at the store."""

    def __init__(self, store: Store) -> None:  # noqa: F811
        self.store, self.browser = store, requests.Session()

    def sign_in(self, customer_id: int) -> Visitor:
        self.send("/account/login", customer_id=customer_id)
        return self

    def get(self, path: str, **headers: str) -> requests.Response:
        answer = self.browser.get(self.store.url + path, headers=headers, timeout=30)
        assert answer.ok, (path, answer.status_code, answer.text[:500])
        return answer

    def send(self, path: str, **form: Any) -> requests.Response:
        answer = self.browser.post(self.store.url + path, data=form, headers={"Accept": "text/html"}, timeout=30)
        assert answer.ok, (path, answer.status_code, answer.text[:500])
        return answer

    def widget(self) -> dict[str, Any]:
        told: dict[str, Any] = self.get("/apps/regulars/loyalty", Accept="application/json").json()
        return told

    def buys(self, variant_id: int, email: str, street: str) -> str:
        """Through cart and checkout, with whatever code is in the cart; the last page."""
        self.send("/cart/add", id=variant_id, quantity=3)
        token = urlsplit(self.get("/checkout").url).path.split("/")[2]
        whom = {"email": email, "first_name": "Noemi", "last_name": "Weiss", "address1": street, "city": "Wien"}
        self.send(f"/checkouts/{token}", **whom, zip="1010", country_code="AT")
        return self.send(f"/checkouts/{token}/pay", method="card").url


def test_two_people(store: Store, shop: Shop) -> None:  # noqa: F811
    listed = store.get("/_control/customers", limit=40)["customers"]
    ada = Visitor(store).sign_in(min(each["id"] for each in listed if each["email"]))
    own = ada.widget()["referral"]
    assert own["gift"] == "10 %" and own["points"] == 400 and own["invited"] == []
    path = urlsplit(own["url"]).path
    assert "This is your own link" in ada.get(path, Accept="text/html").text

    friend = Visitor(store)
    page = friend.get(path, Accept="text/html")
    assert "10 % off" in page.text and page.headers["Cache-Control"] == "no-store"
    for _ in range(2):
        assert "Look into your mailbox" in friend.send(path, email=FRIEND).text
    store.settle()
    [mail] = store.mails(FRIEND)
    code = re.findall(r"FRIEND-[A-Z2-7]{12}", mail["text"])[0]
    assert "unsubscribe" not in mail["text"].lower()
    assert [each["state"] for each in ada.widget()["referral"]["invited"]] == ["invited"]

    friend.get(f"/discount/{code}")
    products = store.get("/_control/products")["products"]
    shelf = [each["variants"][0] for each in products if each["variants"] and each["product_type"] != "Gift card"]
    variant = next(each["id"] for each in shelf if float(each["price"]) >= 25)
    assert "thank-you" in friend.buys(variant, FRIEND, "Ringstrasse 5")
    store.settle()
    [told] = ada.widget()["referral"]["invited"]
    assert told["state"] == "waiting" and told["until"]
    before = ada.widget()["customer"]["available"]

    store.advance(days=13)
    assert ada.widget()["customer"]["available"] == before
    store.advance(days=2)
    assert ada.widget()["customer"]["available"] == before + 400
    assert [each["state"] for each in ada.widget()["referral"]["invited"]] == ["rewarded"]
    assert any("400 beans" in mail["text"] for mail in store.mails())

    order = store.rows("SELECT order_id FROM referrals")[0]["order_id"]
    store.post(f"/_control/orders/{order}/refund")
    store.settle()
    assert ada.widget()["customer"]["available"] == before
    assert [each["state"] for each in ada.widget()["referral"]["invited"]] == ["over"]
    posted = store.rows("SELECT sum(points)::int AS n FROM point_entries WHERE counter_account = 'referrals'")
    assert posted == [{"n": 0}]


def test_addresses_are_kept_as_numbers_from_every_door(store: Store, shop: Shop) -> None:  # noqa: F811
    """Imported orders and those of webhooks have them, alike for the same address; no street stands anywhere."""
    kept = store.rows("SELECT count(*) AS n, count(shipping_place) AS known FROM orders WHERE known")[0]
    assert kept["known"] > kept["n"] / 2
    columns = store.rows("SELECT column_name FROM information_schema.columns WHERE column_name LIKE '%address%'")
    assert columns == []


def test_one_s_own_link_brings_nothing(store: Store, shop: Shop) -> None:  # noqa: F811
    listed = store.get("/_control/customers", limit=40)["customers"]
    me = sorted((each for each in listed if each["email"]), key=lambda each: each["id"])[1]
    path = urlsplit(Visitor(store).sign_in(me["id"]).widget()["referral"]["url"]).path
    local, _, host = me["email"].partition("@")
    mails = len(store.mails())
    Visitor(store).send(path, email=f"{local.upper()}+gift@{host}")
    store.settle()
    assert len(store.mails()) == mails
    [told] = store.rows("SELECT state, reason, code_state FROM referrals WHERE advocate_id = :id", id=me["id"])
    assert told["state"] == "rejected" and told["code_state"] == "none"


def test_nobody_learns_who_is_a_customer(store: Store, shop: Shop) -> None:  # noqa: F811
    listed = store.get("/_control/customers", limit=40)["customers"]
    known = next(each["email"] for each in reversed(listed) if each["email"])
    ada = Visitor(store).sign_in(min(each["id"] for each in listed if each["email"]))
    path = urlsplit(ada.widget()["referral"]["url"]).path
    assert Visitor(store).send(path, email=known).text == Visitor(store).send(path, email="new@nobody.example").text

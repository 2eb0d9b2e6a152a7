"""Rewards of every kind, bought on the storefront and used at the checkout of the pretend store."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
import requests

from plugin.db import engine as db
from plugin.loyalty import operations as loyalty
from plugin.loyalty.programs import ProgramDraft
from plugin.loyalty.rewards import RewardDraft
from plugin.loyalty.terms import Chosen, Terms
from plugin.shops import queries as shops
from plugin.shops.models import Shop
from tests.sandbox import Store, store  # noqa: F401

RULES = ProgramDraft("Bean club", "bean", "beans", earn_points=1, earn_per_minor=100, return_days=0)


@pytest.fixture(scope="module")
def shop(store: Store) -> Shop:  # noqa: F811
    store.install()
    found = shops.by_domain(store.shop)
    assert found is not None
    with db.transaction(found.id) as session:
        loyalty.save_program(session, found, "staff:1", RULES)
    store.settle()
    return found


class Buyer:
    """Somebody signed in at the store, with 10,000 points."""

    def __init__(self, store: Store, shop: Shop, customer_id: int) -> None:  # noqa: F811
        self.store, self.shop, self.id = store, shop, customer_id
        self.browser = requests.Session()
        self.browser.post(f"{store.url}/account/login", data={"customer_id": customer_id}, timeout=30)
        with db.transaction(shop.id) as session:
            loyalty.adjust(session, shop, customer_id, 10_000, "test", "staff:1", f"rich-{customer_id}")

    def state(self) -> dict[str, Any]:
        told: dict[str, Any] = self.browser.get(f"{self.store.url}/apps/regulars/loyalty", timeout=30).json()
        return told

    def buys(self, reward_id: int, **more: Any) -> dict[str, Any]:
        form = {"reward_id": reward_id, "request_key": f"click-{reward_id:06}", "token": self.state()["token"], **more}
        answer = self.browser.post(f"{self.store.url}/apps/regulars/loyalty/redeem", data=form, timeout=30)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def pays(self, code: str | None, *quantities: tuple[int, int], credit: bool = False) -> dict[str, Any]:
        """Through cart and checkout as a person would; the order as the store tells it."""
        url = self.store.url
        for variant_id, quantity in quantities:
            self.browser.post(f"{url}/cart/add", data={"id": variant_id, "quantity": quantity}, timeout=30)
        checkout = self.browser.get(f"{url}/checkout", timeout=30).url.split("?")[0]
        if code:
            self.browser.post(f"{checkout}/discount", data={"code": code, "step": "payment"}, timeout=30)
        paid = {"method": "card", "store_credit": "1" if credit else ""}
        thanks = self.browser.post(f"{checkout}/pay", data=paid, timeout=30)
        assert "thank-you" in thanks.url, thanks.text[-800:]
        self.store.settle()
        return self.store.rows("SELECT * FROM orders WHERE customer_id = :id ORDER BY id DESC LIMIT 1", id=self.id)[0]

    def credit_to_spend(self, variant_id: int) -> bool:
        """Whether the checkout offers store credit."""
        url = self.store.url
        self.browser.post(f"{url}/cart/add", data={"id": variant_id, "quantity": 1}, timeout=30)
        checkout = self.browser.get(f"{url}/checkout", timeout=30).url
        return "Use store credit" in self.browser.get(f"{checkout}/payment", timeout=30).text


@pytest.fixture
def buyer(store: Store, shop: Shop, request: pytest.FixtureRequest) -> Buyer:  # noqa: F811
    people = store.get("/_control/customers", limit=40)["customers"]
    with_home = sorted(person["id"] for person in people if person["email"])
    taken = request.session.stash.setdefault(TAKEN, [])
    taken.append(1)
    return Buyer(store, shop, with_home[len(taken)])


TAKEN = pytest.StashKey[list[int]]()


def add(shop: Shop, kind: str, said: Terms | None = None, **columns: Any) -> int:
    with db.transaction(shop.id) as session:
        draft = RewardDraft(f"A {kind}", 100, 5_00, kind=kind, terms=said or Terms(), **columns)
        return loyalty.add_reward(session, shop, "staff:1", draft).id


def goods(store: Store) -> list[dict[str, Any]]:  # noqa: F811
    listed = store.get("/_control/products")
    products = listed["products"] if isinstance(listed, dict) else listed
    return [product for product in products if len(product["variants"]) and product["product_type"] != "Gift card"]


def cents(variant: dict[str, Any]) -> int:
    return int(Decimal(variant["price"]) * 100)


def bought(store: Store, redemption_id: int) -> dict[str, Any]:  # noqa: F811
    columns = "state, spent_minor, cost_minor, value_minor, used_order_id"
    return store.rows(f"SELECT {columns} FROM redemptions WHERE id = :id", id=redemption_id)[0]


def test_a_percentage_of_one_product_alone(store: Store, shop: Shop, buyer: Buyer) -> None:  # noqa: F811
    first, second = goods(store)[:2]
    made = buyer.buys(add(shop, "percent_off", Terms(percent_bp=2000, products=(first["id"],))))
    assert made["kind"] == "percent_off" and made["apply"] == f"/discount/{made['code']}"
    buyer.pays(made["code"], (second["variants"][0]["id"], 1), (first["variants"][0]["id"], 1))
    used = bought(store, made["id"])
    price = cents(first["variants"][0])
    assert used["state"] == "used" and abs(used["spent_minor"] - price * 20 // 100) <= 1


def test_free_shipping_takes_the_shipping_off(store: Store, shop: Shop, buyer: Buyer) -> None:  # noqa: F811
    made = buyer.buys(add(shop, "free_shipping", Terms(cost_minor=4_90)))
    cheap = min((product["variants"][0] for product in goods(store)), key=cents)
    order = buyer.pays(made["code"], (cheap["id"], 1))
    assert bought(store, made["id"])["state"] == "used"
    assert order["total_minor"] == order["subtotal_minor"], "nothing is paid for shipping"


def test_a_free_product_is_free_once(store: Store, shop: Shop, buyer: Buyer) -> None:  # noqa: F811
    product = goods(store)[0]
    variant = product["variants"][0]
    made = buyer.buys(add(shop, "free_product", Terms(product_id=product["id"], variant_id=variant["id"])))
    order = buyer.pays(made["code"], (variant["id"], 3))
    assert order["subtotal_minor"] == 2 * cents(variant)
    assert bought(store, made["id"])["state"] == "used"


def test_a_gift_card_of_the_chosen_worth_pays(store: Store, shop: Shop, buyer: Buyer) -> None:  # noqa: F811
    made = buyer.buys(add(shop, "gift_card", Terms(chosen=Chosen(50, 900))), points=300)
    assert made["value_minor"] == 15_00 and made["apply"] is None
    store.settle()
    assert any(made["code"] in mail["text"] for mail in store.mails())
    buyer.pays(made["code"], (goods(store)[0]["variants"][0]["id"], 1))
    given = buyer.browser.post(
        f"{store.url}/apps/regulars/loyalty/redemptions/{made['id']}/return",
        data={"token": buyer.state()["token"]},
        timeout=30,
    )
    assert given.json()["state"] == "used", "a card with money missing stays"


def test_store_credit_is_given_once_although_the_answer_was_lost(
    store: Store,  # noqa: F811
    shop: Shop,
    buyer: Buyer,
) -> None:
    made = buyer.buys(add(shop, "store_credit"))
    assert made["state"] == "used" and made["code"] is None
    lost = "UPDATE outbox SET state = 'calling', result = NULL, called_at = clock_timestamp(), lease = NULL,"
    lost += " next_attempt_at = clock_timestamp() - interval '1 hour' WHERE kind = 'store_credit'"
    with store.owner.begin() as connection:
        connection.exec_driver_sql(lost)
    store.settle()
    assert store.rows("SELECT state FROM outbox WHERE kind = 'store_credit'") == [{"state": "done"}]
    variant = goods(store)[0]["variants"][0]
    assert buyer.credit_to_spend(variant["id"])
    buyer.pays(None, (variant["id"], 1), credit=True)
    assert not buyer.credit_to_spend(variant["id"]), "one credit of 5.00, spent, and no second"


def test_what_is_given_back_does_not_work_any_more(store: Store, shop: Shop, buyer: Buyer) -> None:  # noqa: F811
    for kind in ("amount_off", "gift_card", "free_shipping"):
        before = buyer.state()["customer"]["available"]
        made = buyer.buys(add(shop, kind))
        back = f"{store.url}/apps/regulars/loyalty/redemptions/{made['id']}/return"
        given = buyer.browser.post(back, data={"token": buyer.state()["token"]}, timeout=30)
        assert given.json()["state"] == "returned", given.text
        assert buyer.state()["customer"]["available"] == before
        buyer.browser.post(
            f"{store.url}/cart/add", data={"id": goods(store)[0]["variants"][0]["id"], "quantity": 1}, timeout=30
        )
        checkout = buyer.browser.get(f"{store.url}/checkout", timeout=30).url
        tried = buyer.browser.post(f"{checkout}/discount", data={"code": made["code"]}, timeout=30)
        assert "has expired" in tried.text or "Enter a valid" in tried.text
        buyer.browser.post(f"{checkout}/discount", data={"code": ""}, timeout=30)


def test_a_code_used_in_an_order_nobody_told_of_is_not_given_back(
    store: Store,  # noqa: F811
    shop: Shop,
    buyer: Buyer,
) -> None:
    """The order's webhook is under way while the shopper asks for the points: the store is asked, and says no."""
    made = buyer.buys(add(shop, "amount_off"))
    variant = goods(store)[0]["variants"][0]["id"]
    store.place_order(buyer.id, variant, 1, discount_code=made["code"])
    given = buyer.browser.post(
        f"{store.url}/apps/regulars/loyalty/redemptions/{made['id']}/return",
        data={"token": buyer.state()["token"]},
        timeout=30,
    )
    assert given.json()["state"] == "used"
    store.settle()
    assert bought(store, made["id"])["state"] == "used"


def test_a_code_that_runs_out_gives_its_points_back(store: Store, shop: Shop, buyer: Buyer) -> None:  # noqa: F811
    kept = buyer.buys(add(shop, "amount_off", Terms(comes_back=True), valid_days=2))
    lost = buyer.buys(add(shop, "amount_off", valid_days=2))
    before = buyer.state()["customer"]["available"]
    store.advance(days=3)
    assert (bought(store, kept["id"])["state"], bought(store, lost["id"])["state"]) == ("returned", "expired")
    assert buyer.state()["customer"]["available"] == before + 100

"""What shoppers see and do through the proxy: their own points, their own codes, their own wishes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine, select, text

from plugin.commerce.models import Product
from plugin.db import engine as db
from plugin.loyalty.models import PointAccount, Redemption
from plugin.messages.models import Consent
from plugin.shops.models import Shop
from plugin.storefront import operations
from plugin.subscriptions import operations as subscriptions
from plugin.subscriptions.models import Subscription
from tests.conftest import OTHER_DOMAIN
from tests.plugin.storefront.conftest import Shopper, furnish


def test_nobody_signed_in_sees_the_offer_and_no_person(nobody: Shopper, reward_id: int) -> None:
    told = nobody.get("/loyalty").get_json()
    assert told["customer"] is None and told["token"] == ""
    assert [reward["cost"] for reward in told["rewards"]] == [100]


def test_a_new_customer_has_nothing_yet(nobody: Shopper, reward_id: int) -> None:
    told = Shopper(nobody.client, 4242).get("/loyalty").get_json()["customer"]
    assert (told["available"], told["history"], told["codes"]) == (0, [], [])


@pytest.mark.usefixtures("store_makes_codes")
def test_a_redeemed_reward_is_a_code_at_once(alice: Shopper, shop: Shop, reward_id: int) -> None:
    answer = alice.redeem(reward_id)
    assert answer.status_code == 200 and answer.get_json()["state"] == "issued"
    told = alice.get("/loyalty").get_json()["customer"]
    assert told["available"] == 100 and told["codes"][0]["code"] == answer.get_json()["code"]
    assert [(entry["kind"], entry["points"]) for entry in told["history"]] == [("redeem", -100), ("adjust", 200)]


@pytest.mark.usefixtures("store_makes_codes")
def test_the_same_click_twice_shows_the_same_code(alice: Shopper, reward_id: int) -> None:
    assert alice.redeem(reward_id).get_json() == alice.redeem(reward_id).get_json()
    assert alice.get("/loyalty").get_json()["customer"]["available"] == 100


@pytest.mark.usefixtures("store_makes_codes")
def test_a_redemption_of_somebody_else_is_not_found(alice: Shopper, reward_id: int, other_shop: Shop) -> None:
    made = alice.redeem(reward_id).get_json()["id"]
    assert alice.get(f"/loyalty/redemptions/{made}").get_json()["code"]
    for stranger in (Shopper(alice.client, 8), Shopper(alice.client, 7, OTHER_DOMAIN)):
        assert stranger.get(f"/loyalty/redemptions/{made}").status_code == 404
    assert Shopper(alice.client).get(f"/loyalty/redemptions/{made}").status_code == 401


@pytest.mark.usefixtures("store_makes_codes")
def test_a_body_cannot_name_a_customer(alice: Shopper, nobody: Shopper, shop: Shop, reward_id: int) -> None:
    named = {"customer_id": 7, "logged_in_customer_id": 7}
    stranger = Shopper(alice.client, 8)
    assert stranger.redeem(reward_id, **named).status_code == 409
    assert nobody.redeem(reward_id, **named).status_code == 401
    with db.transaction(shop.id) as session:
        assert session.scalar(select(PointAccount.available).where(PointAccount.customer_id == 7)) == 200


def test_a_form_of_another_site_spends_nothing(alice: Shopper, shop: Shop, reward_id: int) -> None:
    theirs = Shopper(alice.client, 8).get("/loyalty").get_json()["token"]
    for token in ("", "x.y", theirs):
        form = {"reward_id": reward_id, "request_key": "click-0001", "token": token}
        answer = alice.post("/loyalty/redeem", form)
        assert (answer.status_code, answer.get_json()["error"]["code"]) == (409, "StalePage")
    with db.transaction(shop.id) as session:
        assert session.scalars(select(Redemption)).all() == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"reward_id": "x"},
        {"reward_id": "-1"},
        {"reward_id": "9" * 30},
        {"request_key": "short"},
        {"request_key": "a b c d e f"},
    ],
)
def test_a_broken_form_is_refused(alice: Shopper, reward_id: int, wrong: dict[str, str]) -> None:
    assert alice.redeem(reward_id, **wrong).status_code == 422


def test_more_than_there_is_is_refused_with_a_word(alice: Shopper, shop: Shop, reward_id: int) -> None:
    for key in ("click-0001", "click-0002", "click-0003"):
        answer = alice.redeem(reward_id, key)
    assert (answer.status_code, answer.get_json()["error"]["code"]) == (409, "NotEnoughPoints")


def test_too_many_clicks_are_slowed_down(alice: Shopper, reward_id: int) -> None:
    hasty = Shopper(alice.client, 70007)
    codes = [hasty.redeem(reward_id, f"click-{number:04}").status_code for number in range(12)]
    assert codes[-1] == 429 and 429 not in codes[:10]


def test_without_script_the_points_are_a_page(alice: Shopper, nobody: Shopper, reward_id: int) -> None:
    page = alice.get("/points", accept="text/html")
    assert "200 beans" in page.text and 'name="request_key"' in page.text
    assert page.headers["Cache-Control"] == "no-store"
    assert "/account/login" in nobody.get("/points", accept="text/html").text


@pytest.mark.usefixtures("store_makes_codes")
def test_without_script_a_form_buys_a_code(alice: Shopper, reward_id: int) -> None:
    token = alice.get("/loyalty").get_json()["token"]
    form = {"reward_id": reward_id, "request_key": "click-0001", "token": token, "return_to": "//evil.example"}
    page = alice.post("/points", form, accept="text/html")
    assert page.status_code == 200 and "BEANS-" in page.text and "evil" not in page.text


def product(shop: Shop, id: int, product_type: str) -> None:
    with db.transaction(shop.id) as session:
        session.add(Product(shop_id=shop.id, id=id, title="Kenya", handle="kenya", product_type=product_type))


def field(shop: Shop) -> int:
    with db.transaction(shop.id) as session:
        return subscriptions.create_field(
            session,
            shop,
            label="New filter coffees",
            match_kind="type",
            match_value="Filter coffee",
            consent_text="I want mails about <new> coffees.",
            subject="A new one",
        ).id


def test_a_product_shows_its_fields(nobody: Shopper, shop: Shop, other_shop: Shop) -> None:
    product(shop, 1, "filter coffee")
    product(shop, 2, "Mug")
    wished = field(shop)
    product(other_shop, 1, "filter coffee")
    assert [each["id"] for each in nobody.get("/subscriptions", product_id="1").get_json()["fields"]] == [wished]
    assert nobody.get("/subscriptions", product_id="2").get_json()["fields"] == []
    stranger = Shopper(nobody.client, None, OTHER_DOMAIN)
    assert stranger.get("/subscriptions", product_id="1").get_json()["fields"] == []


def test_a_wish_records_the_sentence_that_was_agreed_to(nobody: Shopper, shop: Shop) -> None:
    wished = field(shop)
    form = {"field_id": wished, "email": "Anna@Example.com", "locale": "uk"}
    assert nobody.post("/subscriptions", form).get_json() == {"subscribed": True}
    with db.transaction(shop.id) as session:
        assert session.scalars(select(Subscription)).one().locale == "uk"
        consent = session.scalars(select(Consent)).one()
        assert (consent.words, consent.source) == ("I want mails about <new> coffees.", "storefront")


def test_a_wrong_address_is_refused_at_its_field(nobody: Shopper, shop: Shop) -> None:
    answer = nobody.post("/subscriptions", {"field_id": field(shop), "email": "nobody"})
    assert (answer.status_code, answer.get_json()["error"]["field"]) == (422, "email")


def test_a_signed_in_customer_needs_no_address_and_sees_the_wish(alice: Shopper, shop: Shop, reward_id: int) -> None:
    product(shop, 1, "Filter coffee")
    wished = field(shop)
    assert alice.post("/subscriptions", {"field_id": wished}).status_code == 200
    assert alice.get("/subscriptions", product_id="1").get_json()["fields"][0]["subscribed"] is True


def test_without_script_a_wish_answers_with_a_page(nobody: Shopper, shop: Shop) -> None:
    form = {"field_id": field(shop), "email": "anna@example.com", "return_to": "/products/kenya"}
    page = nobody.post("/subscriptions", form, accept="text/html")
    assert page.status_code == 200 and 'href="/products/kenya"' in page.text


def test_a_field_of_another_shop_is_not_found(nobody: Shopper, shop: Shop, other_shop: Shop) -> None:
    theirs = field(other_shop)
    assert nobody.post("/subscriptions", {"field_id": theirs, "email": "anna@example.com"}).status_code == 404


def test_after_a_new_installation_the_themes_copy_is_written_again(shop: Shop, database: Engine) -> None:
    with db.transaction(shop.id) as session:
        operations.publish(session, shop)
    with database.begin() as connection:
        connection.execute(text("UPDATE outbox SET state = 'done'"))
    with db.transaction(shop.id) as session:
        assert operations.publish(session, shop) is False
        shop.installed_at = datetime(2026, 3, 1, tzinfo=UTC)
        assert operations.publish(session, shop) is True


def test_the_themes_copy_is_written_when_it_differs(shop: Shop) -> None:
    with db.transaction(shop.id) as session:
        session.info["now"] = datetime(2026, 3, 1, tzinfo=UTC)
        assert operations.publish(session, shop) is True
        assert operations.publish(session, shop) is False
    furnish(shop)
    with db.transaction(shop.id) as session:
        told = operations.theme_data(session, shop)
    assert told["program"]["many"] == "beans" and told["fields"] == []

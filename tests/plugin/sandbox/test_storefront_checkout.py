"""Buying in the pretend store: the two steps, codes, consent, leaving and coming back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from plugin.sandbox import totals
from plugin.sandbox.order_records import Order
from plugin.sandbox.records import Checkout, Customer
from plugin.sandbox.runtime import Sandbox
from tests.plugin.sandbox.stores import install, pages, small_store

FORM = {
    "email": "new.person@example.com",
    "first_name": "Nora",
    "last_name": "Neu",
    "address1": "Weg 1",
    "zip": "10115",
    "city": "Berlin",
    "country_code": "DE",
}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Sandbox]:
    store = small_store(tmp_path)
    install(store)
    yield store
    store.world.close()


@pytest.fixture
def shopper(store: Sandbox) -> FlaskClient:
    return pages(store).test_client()


def fill_cart(store: Sandbox, shopper: FlaskClient, handle: str = "hand-grinder", quantity: int = 1) -> None:
    product = store.world.products.first("handle", handle)
    assert product is not None
    shopper.post("/cart/add", data={"id": product.variants[0].id, "quantity": quantity})


def begin(store: Sandbox, shopper: FlaskClient) -> Checkout:
    """A checkout with a grinder (€89.00), on its first page."""
    fill_cart(store, shopper)
    token = shopper.get("/checkout").location.rpartition("/")[2]
    assert shopper.get(f"/checkouts/{token}").status_code == 200
    return store.world.checkouts[token]


def give(shopper: FlaskClient, checkout: Checkout, **changes: str) -> None:
    answer = shopper.post(f"/checkouts/{checkout.id}", data=FORM | changes)
    assert answer.location == f"/checkouts/{checkout.id}/payment"


def pay(store: Sandbox, shopper: FlaskClient, checkout: Checkout, method: str = "card") -> Order:
    assert shopper.post(f"/checkouts/{checkout.id}/pay", data={"method": method}).status_code == 302
    order = store.world.orders.get(store.world.checkouts[checkout.id].order_id)
    assert order is not None
    return order


def topics(store: Sandbox) -> list[str]:
    return [delivery.topic for delivery in store.world.deliveries]


def regular(store: Sandbox) -> Customer:
    return next(person for person in store.world.customers if person.email and person.addresses)


def test_a_stranger_buys_and_becomes_a_customer(store: Sandbox, shopper: FlaskClient) -> None:
    checkout = begin(store, shopper)
    give(shopper, checkout)
    order = pay(store, shopper, checkout)
    assert totals.total(order) == 8900
    assert store.world.customers[order.customer_id or 0].email == FORM["email"]
    assert f"Order {order.name}" in shopper.get(f"/checkouts/{checkout.id}/thank-you").text
    assert shopper.get("/cart.js").json["item_count"] == 0
    assert {"checkouts/create", "orders/create", "orders/paid"} <= set(topics(store))


def test_paying_twice_places_one_order(store: Sandbox, shopper: FlaskClient) -> None:
    checkout = begin(store, shopper)
    give(shopper, checkout)
    before = len(store.world.orders)
    pay(store, shopper, checkout)
    pay(store, shopper, checkout)
    assert len(store.world.orders) == before + 1


def test_a_bank_transfer_stays_unpaid(store: Sandbox, shopper: FlaskClient) -> None:
    checkout = begin(store, shopper)
    give(shopper, checkout)
    assert totals.financial_status(pay(store, shopper, checkout, "invoice")) == "pending"


def test_a_signed_in_customer_finds_the_address_filled_in(store: Sandbox, shopper: FlaskClient) -> None:
    person = regular(store)
    shopper.post("/account/login", data={"customer_id": person.id})
    checkout = begin(store, shopper)
    page = shopper.get(f"/checkouts/{checkout.id}").text
    assert checkout.customer_id == person.id
    assert str(person.email) in page
    assert str(person.addresses[0].address1) in page


def test_what_is_missing_is_said_at_the_field_and_what_was_typed_stays(store: Sandbox, shopper: FlaskClient) -> None:
    checkout = begin(store, shopper)
    answer = shopper.post(f"/checkouts/{checkout.id}", data=FORM | {"email": "nobody", "city": ""})
    assert answer.status_code == 422
    assert "Enter an e-mail address" in answer.text
    assert "Enter a city" in answer.text
    assert 'value="nobody"' in answer.text
    assert 'value="Weg 1"' in answer.text


def test_the_consent_given_in_the_checkout_reaches_the_customer(store: Sandbox, shopper: FlaskClient) -> None:
    checkout = begin(store, shopper)
    give(shopper, checkout, accepts_marketing="1")
    order = pay(store, shopper, checkout)
    assert store.world.customers[order.customer_id or 0].email_consent.state == "subscribed"


def test_without_the_tick_nobody_is_subscribed(store: Sandbox, shopper: FlaskClient) -> None:
    checkout = begin(store, shopper)
    give(shopper, checkout)
    order = pay(store, shopper, checkout)
    assert store.world.customers[order.customer_id or 0].email_consent.state == "not_subscribed"


def test_a_code_lowers_the_price_and_a_wrong_one_is_explained(store: Sandbox, shopper: FlaskClient) -> None:
    checkout = begin(store, shopper)
    give(shopper, checkout)
    shopper.post(f"/checkouts/{checkout.id}/discount", data={"code": "nope", "step": "payment"})
    assert "Enter a valid discount code" in shopper.get(f"/checkouts/{checkout.id}/payment").text
    assert shopper.post(f"/checkouts/{checkout.id}/pay", data={"method": "card"}).status_code == 422
    shopper.post(f"/checkouts/{checkout.id}/discount", data={"code": "freunde5", "step": "payment"})
    assert "Pay €84.00" in shopper.get(f"/checkouts/{checkout.id}/payment").text
    assert totals.total(pay(store, shopper, checkout)) == 8400


def test_a_code_from_a_link_is_in_the_checkout(store: Sandbox, shopper: FlaskClient) -> None:
    shopper.get("/discount/FREUNDE5?redirect=/")
    assert begin(store, shopper).code == "FREUNDE5"


def test_an_address_typed_and_left_makes_an_abandoned_checkout(store: Sandbox, shopper: FlaskClient) -> None:
    checkout = begin(store, shopper)
    assert topics(store) == []
    shopper.post(f"/checkouts/{checkout.id}/contact", data={"email": "left@example.com", "accepts_marketing": "1"})
    assert topics(store) == ["checkouts/create"]
    assert store.world.checkouts[checkout.id].accepts_marketing


def test_the_recovery_link_brings_cart_and_checkout_back_in_another_browser(
    store: Sandbox, shopper: FlaskClient
) -> None:
    checkout = begin(store, shopper)
    give(shopper, checkout)
    other = pages(store).test_client()
    answer = other.get(f"/checkouts/{checkout.id}/recover?key={checkout.recovery_key}&discount=FREUNDE5")
    assert answer.location == f"/checkouts/{checkout.id}"
    assert other.get("/cart.js").json["item_count"] == 1
    assert re.search("Discount.*FREUNDE5", other.get(answer.location).text)
    pay(store, other, checkout)
    assert store.world.checkouts[checkout.id].completed_at


def test_a_recovery_link_with_another_key_leads_nowhere(store: Sandbox, shopper: FlaskClient) -> None:
    checkout = begin(store, shopper)
    assert shopper.get(f"/checkouts/{checkout.id}/recover?key=guess").status_code == 404
    assert shopper.get(f"/checkouts/{checkout.id}/recover?key=пошук").status_code == 404
    assert shopper.get("/checkouts/unknown/recover?key=guess").status_code == 404


def test_seeded_checkouts_can_be_recovered_too(store: Sandbox, shopper: FlaskClient) -> None:
    left = next(checkout for checkout in store.world.checkouts if not checkout.completed_at)
    shopper.get(f"/checkouts/{left.id}/recover?key={left.recovery_key}")
    assert shopper.get("/cart.js").json["item_count"] == sum(line.quantity for line in left.lines)


def test_a_recovered_purchase_leads_to_its_thanks(store: Sandbox, shopper: FlaskClient) -> None:
    checkout = begin(store, shopper)
    give(shopper, checkout)
    pay(store, shopper, checkout)
    answer = shopper.get(f"/checkouts/{checkout.id}/recover?key={checkout.recovery_key}")
    assert answer.location.endswith("/thank-you")


def test_an_empty_cart_cannot_be_checked_out(shopper: FlaskClient) -> None:
    assert shopper.get("/checkout").location == "/cart"


def test_checking_out_again_goes_on_with_the_same_checkout(store: Sandbox, shopper: FlaskClient) -> None:
    checkout = begin(store, shopper)
    fill_cart(store, shopper, "everyday-mug")
    assert shopper.get("/checkout").location.endswith(checkout.id)
    assert len(store.world.checkouts[checkout.id].lines) == 2

"""The pure half of campaigns."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.campaigns import rules
from plugin.campaigns.filling import recovery_link
from plugin.commerce.models import Checkout, Order
from plugin.shops.models import Shop

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
STEPS = [{"delay_minutes": 60}, {"delay_minutes": 1440}]


def left(**change: Any) -> Checkout:
    values = {"token": "t", "email": "a@example.com", "lines": [{}], "updated_at": NOW - timedelta(hours=1)}
    return Checkout(shop_id=1, **{**values, **change})


@pytest.mark.parametrize(
    "change",
    [
        {"email": None},
        {"email": ""},
        {"lines": []},
        {"updated_at": None},
        {"completed_at": NOW},
        {"closed_at": NOW},
        {"deleted_at": NOW},
        {"updated_at": NOW - timedelta(days=3)},
        {"updated_at": NOW - timedelta(days=15)},
    ],
)
def test_such_a_cart_does_not_enter(change: dict[str, Any]) -> None:
    began = NOW - timedelta(days=2)
    assert rules.is_abandoned(left(), began, NOW)
    assert not rules.is_abandoned(left(**change), began, NOW)


@given(late=st.integers(0, 10_000))
def test_the_second_mail_keeps_its_distance_however_late_the_first(late: int) -> None:
    sent = rules.first_wake(STEPS, NOW) + timedelta(minutes=late)
    second = rules.next_wake(STEPS, 0, sent)
    assert second is not None and second - sent == timedelta(hours=23)
    assert rules.next_wake(STEPS, 1, second) is None


ENTERED = rules.Entered("t", "c", 7, "a@example.com", NOW)


@pytest.mark.parametrize(
    ("order", "is_purchase", "is_recovered"),
    [
        ({"checkout_token": "t"}, True, True),
        ({"cart_token": "c"}, True, True),
        ({"customer_id": 7}, True, False),
        ({"email": "A@Example.com "}, True, False),
        ({"customer_id": 8, "email": "b@example.com", "checkout_token": "u"}, False, False),
        ({"checkout_token": "t", "deleted_at": NOW}, False, False),
        ({"checkout_token": "t", "cancelled_at": NOW}, True, False),
        ({"checkout_token": "t", "test": True}, True, False),
        ({"checkout_token": "t", "processed_at": NOW + timedelta(days=16)}, True, False),
        ({"checkout_token": "t", "processed_at": NOW + timedelta(minutes=5)}, True, False),
        ({"checkout_token": "t", "processed_at": NOW + timedelta(hours=1)}, True, True),
        ({"customer_id": 7, "processed_at": NOW - timedelta(days=1)}, False, False),
        ({}, False, False),
    ],
)
def test_which_order_answers_a_cart_and_which_one_a_mail_brought(
    order: dict[str, Any], is_purchase: bool, is_recovered: bool
) -> None:
    row = Order(shop_id=1, id=5, **{"processed_at": NOW + timedelta(hours=3), **order})
    assert rules.is_purchase(ENTERED, row) is is_purchase
    assert rules.is_recovered(ENTERED, row, [NOW + timedelta(hours=1, milliseconds=400)]) is is_recovered


def test_the_way_back_keeps_the_stores_own_key_and_names_the_campaign() -> None:
    shop = Shop(id=1, domain="s.myshopify.com", storefront_url="https://s.example")
    link = recovery_link(shop, left(recovery_url="https://s.example/checkouts/t/recover?key=k%2F1&utm_source=x"), 2)
    assert link.startswith("https://s.example/checkouts/t/recover?key=k%2F1&utm_source=regulars")
    assert link.endswith("utm_content=mail-2") and link.count("utm_source") == 1
    assert recovery_link(shop, left(), 1).startswith("https://s.example/cart?")

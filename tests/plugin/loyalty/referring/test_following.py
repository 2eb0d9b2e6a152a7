"""A referral from the claim to the reward and back, over real tables, with news in any order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace
from sqlalchemy.orm import Session

from plugin import clock
from plugin.shops.models import Shop
from tests.plugin.loyalty.ledgers import at, broken, customer
from tests.plugin.loyalty.referring.invitations import (
    ALICE,
    BOB,
    TERMS,
    buys,
    days_pass,
    find,
    gives_back,
    invite,
    open_house,
    points,
    settle,
)

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def noon(session: Session) -> None:
    at(session, NOON)


def bob(session: Session, shop: Shop) -> None:
    customer(session, shop, BOB)


def test_the_reward_comes_after_the_hold_window_and_not_before(session: Session, shop: Shop, other_shop: Shop) -> None:
    referral = invite(session, shop, open_house(session, shop), f"customer-{BOB}@example.com")
    assert (referral.state, referral.code_state) == ("claimed", "asked")
    buys(session, shop, 100, BOB)
    assert (referral.state, referral.friend_id, referral.order_id) == ("held", BOB, 100)
    days_pass(session, shop, 13)
    assert (referral.state, points(session, shop)) == ("held", 0)
    days_pass(session, shop, 1)
    assert (referral.state, referral.points, points(session, shop)) == ("rewarded", 500, 500)
    days_pass(session, shop, 100)
    assert points(session, shop) == 500 and broken(session) == []


@pytest.mark.parametrize("wait", [0, 20])
def test_a_refund_takes_it_back_whether_before_or_after(session: Session, shop: Shop, wait: int) -> None:
    referral = invite(session, shop, open_house(session, shop))
    buys(session, shop, 100, BOB, discount_codes=[referral.code])
    days_pass(session, shop, wait)
    assert points(session, shop) == (500 if wait else 0)
    gives_back(session, shop, 100)
    days_pass(session, shop, 20)
    assert referral.state == ("taken_back" if wait else "rejected")
    assert points(session, shop) == 0 and referral.points == 0 and broken(session) == []


def test_the_refund_may_come_in_before_the_order(session: Session, shop: Shop) -> None:
    referral = invite(session, shop, open_house(session, shop))
    moment = clock.now(session)
    buys(session, shop, 100, BOB, moment, discount_codes=[referral.code], financial_status="pending")
    assert referral.state == "claimed"
    buys(session, shop, 100, BOB, moment, discount_codes=[referral.code], financial_status="refunded",
         cancelled_at=moment)  # fmt: skip
    days_pass(session, shop, 20)
    assert (referral.state, referral.reason, points(session, shop)) == ("rejected", "cancelled", 0)


def test_an_earlier_order_that_comes_in_late_is_the_first(session: Session, shop: Shop) -> None:
    referral = invite(session, shop, open_house(session, shop), f"customer-{BOB}@example.com")
    buys(session, shop, 101, BOB, NOON + timedelta(days=3))
    assert referral.order_id == 101
    buys(session, shop, 100, BOB, NOON + timedelta(days=1))
    assert (referral.order_id, referral.state) == (100, "held")


def test_an_order_from_before_that_comes_in_late_makes_the_friend_a_customer(session: Session, shop: Shop) -> None:
    referral = invite(session, shop, open_house(session, shop), f"customer-{BOB}@example.com")
    buys(session, shop, 101, BOB, NOON + timedelta(days=3))
    buys(session, shop, 90, BOB, NOON - timedelta(days=300))
    assert (referral.state, referral.reason) == ("rejected", "existing_customer")
    days_pass(session, shop, 30)
    assert points(session, shop) == 0


def test_repeats_change_nothing(session: Session, shop: Shop) -> None:
    code = open_house(session, shop)
    referral = invite(session, shop, code)
    assert invite(session, shop, code).id == referral.id
    for _ in range(3):
        buys(session, shop, 100, BOB, NOON, discount_codes=[referral.code.lower()])
    days_pass(session, shop, 15)
    for _ in range(3):
        buys(session, shop, 100, BOB, NOON, discount_codes=[referral.code])
        settle(session, shop)
    assert points(session, shop) == 500


def test_a_guest_is_known_by_the_address_or_the_code(session: Session, shop: Shop) -> None:
    code = open_house(session, shop)
    by_address, by_code = invite(session, shop, code, "g.1@x.example"), invite(session, shop, code, "g.2@x.example")
    buys(session, shop, 100, None, email="g.1+shop@x.example")
    buys(session, shop, 101, None, email="else@y.example", discount_codes=[by_code.code])
    assert (by_address.order_id, by_code.order_id) == (100, 101)


def test_a_claim_that_nothing_comes_of_is_forgotten(session: Session, shop: Shop) -> None:
    code = open_house(session, shop)
    referral = invite(session, shop, code)
    days_pass(session, shop, 30)
    assert (referral.state, referral.email, referral.mailbox) == ("lapsed", None, None)
    assert invite(session, shop, code).id != referral.id


def test_an_order_below_the_least_brings_nothing(session: Session, shop: Shop) -> None:
    referral = invite(session, shop, open_house(session, shop, replace(TERMS, minimum_minor=50_01)))
    buys(session, shop, 100, BOB, discount_codes=[referral.code])
    assert (referral.state, referral.reason) == ("rejected", "below_minimum")


def test_the_terms_of_the_claim_s_own_day_count(session: Session, shop: Shop) -> None:
    referral = invite(session, shop, open_house(session, shop))
    days_pass(session, shop, 1)
    open_house(session, shop, replace(TERMS, points=9000, enabled=False))
    buys(session, shop, 100, BOB, discount_codes=[referral.code])
    days_pass(session, shop, 15)
    assert points(session, shop) == 500


def test_find_is_not_fooled_by_the_other_shop(session: Session, shop: Shop) -> None:
    assert invite(session, shop, open_house(session, shop)).advocate_id == ALICE
    assert find(session, shop, "bob@example.com").shop_id == shop.id

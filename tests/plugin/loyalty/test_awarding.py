"""Points that no order brought: a target under a key, whatever happens in between."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from plugin.db import engine as db
from plugin.loyalty import operations as loyalty
from plugin.loyalty.awarding import Award, award, award_all
from plugin.loyalty.joining import saying
from plugin.shops import queries as shops
from plugin.shops.models import Shop
from tests.plugin.loyalty.ledgers import DRAFT, account, at, broken, customer, entries, later, program, reward

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def noon(session: Session) -> None:
    at(session, NOW)


def signup(points: int, customer_id: int = 7, **said: Any) -> Award:
    return Award(customer_id, points, f"signup:{customer_id}", "actions", {"action": "signup"}, NOW, **said)


def test_the_same_key_gives_once(session: Session, shop: Shop) -> None:
    customer(session, shop, 7)
    assert [award(session, shop, signup(50)) for _ in range(3)] == [50, 0, 0]
    assert entries(session, shop, 7) == [("bonus", 50)]
    assert account(session, shop, 7) == (50, 0, 0)


def test_twice_in_one_call_is_once(session: Session, shop: Shop) -> None:
    customer(session, shop, 7)
    assert award_all(session, shop, [signup(50), signup(50)]) == [50, 0]
    assert broken(session) == []


def test_a_target_goes_up_and_down_and_comes_back(session: Session, shop: Shop) -> None:
    customer(session, shop, 7)
    moved = [award(session, shop, signup(points)) for points in (50, 80, 20, 0, 60)]
    assert moved == [50, 30, -60, -20, 60]
    assert account(session, shop, 7) == (60, 0, 0)
    assert broken(session) == []


def test_points_wait_until_their_day_and_expire_by_the_programme(session: Session, shop: Shop) -> None:
    program(session, shop, replace(DRAFT, expiry_days=30))
    customer(session, shop, 7)
    award(session, shop, signup(50, available_at=NOW + timedelta(days=10)))
    assert account(session, shop, 7) == (0, 50, 0)
    later(session, days=10)
    loyalty.settle_due(session, shop)
    assert account(session, shop, 7) == (50, 0, 0)
    later(session, days=30)
    loyalty.settle_due(session, shop)
    assert account(session, shop, 7) == (0, 0, 0)
    award(session, shop, signup(0))
    assert account(session, shop, 7) == (0, 0, 0), "what expired is not owed"
    assert broken(session) == []


def test_taken_back_after_it_was_spent_it_is_owed(session: Session, shop: Shop) -> None:
    program(session, shop)
    customer(session, shop, 7)
    award(session, shop, signup(50))
    loyalty.redeem(session, shop, 7, reward(session, shop, 50).id, "click-0001")
    assert award(session, shop, signup(0)) == -50
    assert account(session, shop, 7) == (0, 0, 50)
    assert broken(session) == []


def test_nobody_unknown_gets_points(session: Session, shop: Shop) -> None:
    assert award(session, shop, signup(50, 404)) == 0


def test_a_key_that_begins_like_another_is_another(session: Session, shop: Shop) -> None:
    customer(session, shop, 7)
    one = signup(50)._replace(key="review:1")
    assert [award(session, shop, each) for each in (one, one._replace(key="review:10"))] == [50, 50]


def test_at_once_from_many_sides_it_is_given_once(database: Engine, shop: Shop) -> None:
    with db.transaction(shop.id) as session:
        customer(session, shops.shop(session), 7)

    def give(_: int) -> int:
        with db.transaction(shop.id) as session:
            return award(session, shops.shop(session), signup(50))

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(give, range(16))) == [0] * 15 + [50]


def test_who_left_gets_nothing_more_and_can_still_be_taken_from(session: Session, shop: Shop) -> None:
    program(session, shop)
    customer(session, shop, 7)
    award(session, shop, signup(50))
    saying.say(session, shop, 7, False, "storefront", "shopper")
    assert [award(session, shop, signup(points)) for points in (80, 20)] == [0, -30]
    saying.say(session, shop, 7, True, "storefront", "shopper")
    assert award(session, shop, signup(80)) == 60

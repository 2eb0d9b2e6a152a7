"""Many at once: on real threads and real transactions, exactly one wins, and nothing is counted twice."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from plugin.db import engine as db
from plugin.effects.models import Effect
from plugin.errors import Refused
from plugin.loyalty import operations as loyalty
from plugin.loyalty.lots import NotEnoughPoints
from plugin.loyalty.models import PointEntry, Redemption
from plugin.loyalty.reward_models import RewardTally
from plugin.loyalty.rewards import RewardDraft
from plugin.loyalty.terms import Terms
from plugin.shops.models import Shop
from tests.plugin.loyalty.ledgers import account, at, broken, customer, order, program, reward, settle

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def redeemed(shop: Shop, reward_id: int, key: str) -> int | None:
    try:
        with db.transaction(shop.id) as session:
            at(session, NOW)
            return loyalty.redeem(session, shop, 7, reward_id, key).id
    except NotEnoughPoints:
        return None


def earned(shop: Shop) -> int:
    """A customer with 100 points and a reward that costs all of them."""
    with db.transaction(shop.id) as session:
        at(session, NOW)
        program(session, shop)
        customer(session, shop, 7)
        loyalty.adjust(session, shop, 7, 100, "test", "staff:1", "start")
        return reward(session, shop, 100).id


def test_sixteen_clicks_on_the_full_balance_buy_exactly_one(database: Engine, shop: Shop) -> None:
    reward_id = earned(shop)
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda number: redeemed(shop, reward_id, f"click-{number:04}"), range(16)))
    assert len([each for each in found if each is not None]) == 1
    with db.transaction(shop.id) as session:
        assert account(session, shop, 7) == (0, 0, 0) and broken(session) == []
        assert session.scalar(select(func.count()).select_from(Effect)) == 1


def test_sixteen_times_the_same_click_is_one_redemption(database: Engine, shop: Shop) -> None:
    reward_id = earned(shop)
    with ThreadPoolExecutor(16) as pool:
        found = set(pool.map(lambda _: redeemed(shop, reward_id, "click-0001"), range(16)))
    assert len(found) == 1 and None not in found
    with db.transaction(shop.id) as session:
        assert session.scalar(select(func.count()).select_from(Redemption)) == 1


def test_eight_settlers_on_the_same_hundred_orders_post_each_once(database: Engine, shop: Shop) -> None:
    with db.transaction(shop.id) as session:
        at(session, NOW)
        program(session, shop)
        for number in range(1, 101):
            order(session, shop, number, number % 10 + 1, NOW - timedelta(hours=number))

    def run(seed: int) -> None:
        ids = list(range(1, 101))
        random.Random(seed).shuffle(ids)
        for start in range(0, 100, 25):
            with db.transaction(shop.id) as session:
                at(session, NOW)
                settle(session, shop, *ids[start : start + 25])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(run, range(8)))
    with db.transaction(shop.id) as session:
        assert session.scalar(select(func.count()).select_from(PointEntry)) == 100
        assert {account(session, shop, number) for number in range(1, 11)} == {(1500, 0, 0)}
        assert broken(session) == []


def test_spending_and_settling_at_once_never_overdraws(database: Engine, shop: Shop) -> None:
    reward_id = earned(shop)
    with db.transaction(shop.id) as session:
        at(session, NOW)
        order(session, shop, 1, 7, NOW, [{"quantity": 20, "price_minor": 10_00}])

    def edit(number: int) -> None:
        with db.transaction(shop.id) as session:
            at(session, NOW)
            settle(session, shop, 1)
        redeemed(shop, reward_id, f"click-{number:04}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(edit, range(16)))
    with db.transaction(shop.id) as session:
        assert broken(session) == []
        spent = session.scalar(select(func.count()).select_from(Redemption))
        assert spent == 7 and account(session, shop, 7) == (0, 0, 0)


def test_the_look_alike_shops_redemptions_are_its_own(database: Engine, shop: Shop, other_shop: Shop) -> None:
    first, second = earned(shop), earned(other_shop)
    assert redeemed(shop, first, "click-0001") is not None
    assert redeemed(other_shop, second, "click-0001") is not None
    with Session(database) as owner:
        codes = list(owner.scalars(select(Redemption.code)))
    assert len(set(codes)) == 2
    with db.transaction(shop.id) as session:
        assert session.scalar(select(func.count()).select_from(Redemption)) == 1


def bought(shop: Shop, customer_id: int, reward_id: int, key: str) -> int | None:
    try:
        with db.transaction(shop.id) as session:
            at(session, NOW)
            return loyalty.redeem(session, shop, customer_id, reward_id, key).id
    except Refused:
        return None


def rich(shop: Shop, said: Terms, people: int = 1, points: int = 1000, cost: int = 100) -> int:
    """A reward with these terms, and people with so many points each."""
    with db.transaction(shop.id) as session:
        at(session, NOW)
        program(session, shop)
        for number in range(people):
            customer(session, shop, 100 + number)
            loyalty.adjust(session, shop, 100 + number, points, "test", "staff:1", f"start-{number}")
        return loyalty.add_reward(session, shop, "staff:1", RewardDraft("5 off", cost, 5_00, terms=said)).id


def together(shop: Shop, reward_id: int, clicks: int, people: int) -> int:
    """So many clicks at once, spread over people; how many were granted."""
    with ThreadPoolExecutor(64) as pool:
        tries = [
            pool.submit(bought, shop, 100 + number % people, reward_id, f"click-{number:04}")
            for number in range(clicks)
        ]
        return len([one for one in tries if one.result() is not None])


def taken(shop: Shop, reward_id: int) -> tuple[int, int]:
    with db.transaction(shop.id) as session:
        assert broken(session) == []
        counted = select(func.count(), func.coalesce(func.sum(Redemption.cost_minor), 0))
        count, spent = session.execute(counted.where(Redemption.reward_id == reward_id)).one()
        tally = session.get_one(RewardTally, (shop.id, reward_id))
        assert (tally.taken, tally.month_minor) == (count, spent)
        return int(count), int(spent)


def test_sixty_four_clicks_on_one_balance_buy_what_it_pays_for(database: Engine, shop: Shop) -> None:
    reward_id = rich(shop, Terms(), points=750)
    assert together(shop, reward_id, clicks=64, people=1) == 7 == taken(shop, reward_id)[0]
    with db.transaction(shop.id) as session:
        assert account(session, shop, 100) == (50, 0, 0)


@pytest.mark.parametrize(
    ("said", "granted"),
    [
        (Terms(stock=9), 9),
        (Terms(budget_minor=42_00), 8),
        (Terms(per_customer=2), 16),
        (Terms(stock=9, per_customer=1), 8),
    ],
)
def test_sixty_four_clicks_never_cross_a_limit(database: Engine, shop: Shop, said: Terms, granted: int) -> None:
    reward_id = rich(shop, said, people=8)
    assert together(shop, reward_id, clicks=64, people=8) == granted == taken(shop, reward_id)[0]


def test_returns_and_purchases_at_once_keep_the_tally_true(database: Engine, shop: Shop) -> None:
    """A place that comes back is given again, and never two for one."""
    reward_id = rich(shop, Terms(stock=4, budget_minor=20_00), people=8)

    def back_and_forth(number: int) -> None:
        for turn in range(4):
            made = bought(shop, 100 + number, reward_id, f"click-{number}-{turn}")
            if made is not None:
                with db.transaction(shop.id) as session:
                    at(session, NOW)
                    loyalty.return_redemption(session, shop, made)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(back_and_forth, range(8)))
    with db.transaction(shop.id) as session:
        tally = session.get_one(RewardTally, (shop.id, reward_id))
        assert (tally.taken, tally.month_minor) == (0, 0) and broken(session) == []
        assert {account(session, shop, 100 + number) for number in range(8)} == {(1000, 0, 0)}

"""Many at once: on real threads and real transactions, exactly one wins, and nothing is counted twice."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from plugin.db import engine as db
from plugin.effects.models import Effect
from plugin.loyalty import operations as loyalty
from plugin.loyalty.lots import NotEnoughPoints
from plugin.loyalty.models import PointEntry, Redemption
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

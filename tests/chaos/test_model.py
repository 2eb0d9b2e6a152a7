"""The model is what everything is measured against, so it is measured against numbers worked out by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.chaos import model
from tests.chaos.checker import expected_mails
from tests.chaos.searching import matches
from tests.chaos.traffic import Cart
from tests.chaos.world import World

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class Time:
    """A second passes with every look."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 11, 20, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.moment += timedelta(seconds=1)
        return self.moment


@pytest.fixture
def world() -> World:
    """A store with one customer."""
    world = World(0, Time())
    world.register()
    return world


def points(world: World) -> dict[int, int]:
    return model.accounts(world.orders.values(), world.deleted)[1]


def test_an_order_earns_by_the_tier_of_the_spend_before_it(world: World) -> None:
    for price in (20_000, 10_000, 30_000, 10_000):
        world.order(501, [(7001, price, 1)])
    # 0 spent: 3 a unit; 200.00: times 5/4; 300.00: still Silver; 600.00: times 3/2.
    assert list(points(world).values()) == [600, 375, 1125, 450]


def test_what_comes_back_counts_from_its_own_moment(world: World) -> None:
    world.order(501, [(7001, 10_000, 2)])
    world.order(501, [(7001, 10_000, 1)])
    world.refund(1001, 0, 1)
    world.order(501, [(7001, 10_000, 1)])
    # The second was bought with 200.00 behind it; the third with 100.00 and 100.00 left.
    assert list(points(world).values()) == [300, 375, 375]
    account = model.accounts(world.orders.values(), world.deleted)[0][501]
    assert (account.earned, account.tier, account.spend_minor) == (1050, "Silver", 30_000)


def test_edited_cancelled_and_deleted_orders(world: World) -> None:
    for _ in range(3):
        world.order(501, [(7001, 1_000, 3)])
    world.edit(1001, 0)
    world.cancel(1002)
    world.delete(1003)
    assert list(points(world).values()) == [60, 0, 0]


def test_a_discount_counts_less_and_yen_have_no_cents() -> None:
    world = World(4, Time())
    world.register()
    world.order(501, [(7001, 1_500, 1)], code=("BEANS-X", 300))
    assert world.orders[1001]["total_price"] == "1200"
    assert points(world) == {1001: 36}


@pytest.mark.parametrize(
    ("left_in", "ordered_in", "moves", "mails"),
    [
        (0, None, [2 * HOUR, 25 * HOUR], [1, 2]),
        (0, 0, [2 * HOUR, 25 * HOUR], []),
        (0, 1, [2 * HOUR, 25 * HOUR], [1]),
        (1, None, [2 * HOUR, 25 * HOUR], [1]),
        (1, None, [2 * HOUR, 25 * HOUR, HOUR], [1]),
        (1, None, [2 * HOUR, 25 * HOUR, 2 * HOUR, 25 * HOUR], [1, 2]),
        (0, None, [HOUR / 2], []),
    ],
)
def test_the_moves_of_the_clock_decide_about_mails(
    left_in: int, ordered_in: int | None, moves: list[timedelta], mails: list[int]
) -> None:
    assert expected_mails(Cart(0, 501, "left-1", left_in, ordered_in), moves) == mails


def test_lists_are_searched_as_the_store_does() -> None:
    node = {"id": "gid://shopify/Order/1002", "updatedAt": "2026-11-20T12:00:00+00:00"}
    assert matches(node, "") and matches(node, "id:>1001 updated_at:>='2026-11-20T12:00:00Z'")
    assert not matches(node, "id:>1002") and not matches(node, "updated_at:>'2026-11-20T12:00:00Z'")

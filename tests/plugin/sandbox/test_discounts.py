"""Discount codes: unique, personal, limited, and gone when their time is over."""

from __future__ import annotations

from datetime import timedelta

import pytest

from plugin.sandbox import discounts, pricing
from plugin.sandbox.errors import Refused
from plugin.sandbox.world import World
from tests.plugin.sandbox.conftest import buy, customer, lines


def test_a_code_can_be_made_once_whatever_its_capitals(world: World) -> None:
    discounts.create_discount(world, code="BEANS", amount_minor=500)
    with pytest.raises(Refused) as refusal:
        discounts.create_discount(world, code="beans", amount_minor=500)
    assert refusal.value.code == "TAKEN"


def test_a_personal_code_is_for_its_customer(world: World) -> None:
    owner, stranger = customer(world, 0), customer(world, 1)
    discounts.create_discount(world, code="MINE", amount_minor=500, customer_ids=[owner.id])
    assert pricing.price(world, lines(world, 1), code="MINE", customer_id=owner.id).discount_minor == 500
    refused = pricing.price(world, lines(world, 1), code="MINE", customer_id=stranger.id)
    assert (refused.discount_minor, refused.problem) == (0, "MINE isn't available to you right now")


def test_a_single_use_code_works_once(world: World) -> None:
    discounts.create_discount(world, code="ONCE", amount_minor=500, usage_limit=1)
    buy(world, 1, discount_code="ONCE")
    with pytest.raises(Refused, match="usage limit"):
        buy(world, 1, discount_code="ONCE")


def test_a_code_needs_its_smallest_order(world: World) -> None:
    discounts.create_discount(world, code="BIG", amount_minor=500, minimum_minor=5000)
    assert pricing.price(world, lines(world, 1), code="BIG").problem == "BIG needs a larger order"
    assert pricing.price(world, lines(world, 4), code="BIG").discount_minor == 500


def test_a_code_never_takes_more_than_the_goods_cost(world: World) -> None:
    discounts.create_discount(world, code="HUGE", amount_minor=99_900)
    cost = pricing.price(world, lines(world, 1), code="HUGE")
    assert (cost.discount_minor, cost.subtotal_minor) == (1450, 0)


def test_a_code_ends_when_the_clock_says_so(world: World) -> None:
    until = world.now() + timedelta(days=30)
    discounts.create_discount(world, code="MONTH", amount_minor=500, ends_at=until)
    assert pricing.price(world, lines(world, 1), code="MONTH").problem is None
    world.advance(31 * 86_400)
    assert pricing.price(world, lines(world, 1), code="MONTH").problem == "MONTH has expired"


def test_a_deactivated_code_is_refused(world: World) -> None:
    found = discounts.create_discount(world, code="GONE", amount_minor=500)
    discounts.deactivate_discount(world, found.id)
    assert pricing.price(world, lines(world, 1), code="GONE").problem == "GONE has expired"

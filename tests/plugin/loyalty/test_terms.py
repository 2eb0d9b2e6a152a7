"""What a purchase costs and gives, and when a reward can be bought: pure rules."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.errors import Invalid
from plugin.loyalty import terms
from plugin.loyalty.terms import Chosen, Limits, Offer, Stand, Terms

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_a_fixed_reward_has_one_price() -> None:
    assert terms.offer(100, 500, Terms()) == (100, 500) == terms.offer(100, 500, Terms(), 100)
    with pytest.raises(Invalid):
        terms.offer(100, 500, Terms(), 101)


@given(st.integers(1, 10_000), st.integers(1, 10**6), st.integers(1, 10**6))
def test_chosen_points_are_worth_their_share_and_never_more(cost: int, value: int, points: int) -> None:
    said = Terms(chosen=Chosen(1, 10**6))
    paid = terms.offer(cost, value, said, points)
    assert paid.points == points and paid.value_minor * cost <= points * value < (paid.value_minor + 1) * cost


@pytest.mark.parametrize("points", [9, 501, -1])
def test_points_outside_the_choice_are_refused(points: int) -> None:
    with pytest.raises(Invalid) as refused:
        terms.offer(10, 100, Terms(chosen=Chosen(10, 500)), points)
    assert refused.value.field == "points"


@pytest.mark.parametrize(
    ("kind", "said", "each", "expected"),
    [
        ("amount_off", Terms(), None, 500),
        ("gift_card", Terms(), 1, 500),
        ("free_product", Terms(), None, 500),
        ("free_product", Terms(), 210, 210),
        ("free_product", Terms(cost_minor=180), 210, 180),
        ("percent_off", Terms(percent_bp=1000), 430, 430),
        ("free_shipping", Terms(cost_minor=490), None, 490),
    ],
)
def test_what_one_is_expected_to_cost(kind: str, said: Terms, each: int | None, expected: int) -> None:
    assert terms.cost(kind, Offer(100, 500), said, each) == expected


@pytest.mark.parametrize(
    ("kind", "goods", "discounts", "expected"),
    [
        ("amount_off", 4_000, 500, 500),
        ("amount_off", 0, 300, 300),
        ("percent_off", 9_000, 1_000, 1_000),
        ("percent_off", 9_000, 3_000, 1_200),
        ("free_product", 4_000, 1_450, 210),
    ],
)
def test_what_a_used_code_cost(kind: str, goods: int, discounts: int, expected: int) -> None:
    assert terms.measured(kind, 210, 500, 1_000, (goods, discounts)) == expected


@pytest.mark.parametrize(
    ("said", "limits", "expected"),
    [
        (Terms(), Limits(), Stand.ACTIVE),
        (Terms(starts_at=NOW + timedelta(seconds=1)), Limits(), Stand.SCHEDULED),
        (Terms(starts_at=NOW), Limits(), Stand.ACTIVE),
        (Terms(ends_at=NOW), Limits(), Stand.ENDED),
        (Terms(), Limits(left=0), Stand.SOLD_OUT),
        (Terms(), Limits(left=1), Stand.ACTIVE),
        (Terms(), Limits(budget_left_minor=499), Stand.BUDGET),
        (Terms(), Limits(budget_left_minor=500), Stand.ACTIVE),
    ],
)
def test_how_a_reward_stands(said: Terms, limits: Limits, expected: Stand) -> None:
    assert terms.stand(True, False, said, limits, 500, NOW) is expected
    assert terms.stand(False, False, said, limits, 500, NOW) is Stand.PAUSED
    assert terms.stand(True, True, said, limits, 500, NOW) is Stand.ARCHIVED


def test_months_and_periods_are_those_of_the_shop() -> None:
    late = datetime(2026, 2, 28, 23, 30, tzinfo=UTC)
    assert terms.month_of(late, "Europe/Berlin") == date(2026, 3, 1)
    assert terms.month_of(late, "America/New_York") == date(2026, 2, 1)
    assert terms.since("month", late, "Europe/Berlin") == datetime(2026, 2, 28, 23, tzinfo=UTC)
    assert terms.since("week", NOW, "Europe/Berlin") == datetime(2026, 2, 22, 23, tzinfo=UTC)
    assert terms.since("year", NOW, "UTC") == datetime(2026, 1, 1, tzinfo=UTC)
    assert terms.since("ever", NOW, "UTC") is None


def test_a_period_over_the_change_of_the_clock_begins_at_its_own_midnight() -> None:
    after = datetime(2026, 3, 30, 12, tzinfo=UTC)
    assert terms.since("month", after, "Europe/Berlin") == datetime(2026, 2, 28, 23, tzinfo=UTC)
    assert terms.since("day", after, "Europe/Berlin") == datetime(2026, 3, 29, 22, tzinfo=UTC)


def test_a_document_comes_back_as_it_was() -> None:
    said = Terms(
        percent_bp=1500, chosen=Chosen(5, 50), products=(1, 2), combines=("order",), per_customer=2, per_period="month",
        stock=9, budget_minor=90_000, starts_at=NOW, comes_back=True,
    )  # fmt: skip
    assert terms.read(terms.written(said)) == said
    assert terms.written(Terms()) == {} and terms.read({}) == Terms()

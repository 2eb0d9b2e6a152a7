"""The statistics of the measured profit, on a thousand pretend shops each."""

from __future__ import annotations

import random
from dataclasses import astuple
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.insights.profit_rules import (
    CONFIDENCE,
    MOST_WEEKS,
    READINGS,
    STRICT,
    Interval,
    Lift,
    Sums,
    _student,
    lift,
    next_reading,
    verdict,
    visible,
    weeks_left,
)
from tests.plugin.insights.shops import LOOKS, Crowd, at_looks, crowd, lives, run

RUNS = 1_000
SIZES = [(2_400, 400), (1_000, 1_000)]  # a seventh held out, and half


@cache
def shop_with(effect: float) -> Crowd:
    return crowd(effect, seed=548380009)


@cache
def thousand(effect: float, programme: int, holdout: int) -> list[Lift]:
    shop, rng = shop_with(effect), random.Random(programme)
    found = [lift(*run(rng, shop, programme, holdout)) for _ in range(RUNS)]
    return [one for one in found if one is not None]


@pytest.mark.parametrize(("programme", "holdout"), SIZES)
@pytest.mark.parametrize("effect", [0.0, 0.15])
def test_the_interval_holds_the_true_lift_in_95_of_100_shops(effect: float, programme: int, holdout: int) -> None:
    held = sum(one.interval.holds(shop_with(effect).lift) for one in thousand(effect, programme, holdout))
    assert 0.93 * RUNS <= held <= 0.97 * RUNS


@pytest.mark.parametrize(("programme", "holdout"), SIZES)
def test_no_win_is_claimed_where_there_is_none(programme: int, holdout: int) -> None:
    found = thousand(0.0, programme, holdout)
    assert len(found) == RUNS
    assert sum(one.interval.low > 0 for one in found) <= 0.05 * RUNS
    assert sum(verdict(one) in ("more", "less") for one in found) <= 0.05 * RUNS


def test_looking_often_finds_wins_that_are_not_there_and_readings_do_not() -> None:
    tables, rng, shops = lives(seed=3), random.Random(3), 300
    impatient = judged = 0
    for _ in range(shops):
        pairs = zip(at_looks(rng, tables, 1_500), at_looks(rng, tables, 500), strict=True)
        found = dict(zip(LOOKS, (lift(*pair) for pair in pairs), strict=True))
        impatient += any(one is not None and not one.interval.holds(0) for one in found.values())
        judged += any(verdict(found[week]) in ("more", "less") for week in READINGS if week in found)
    assert impatient > 0.1 * shops
    assert judged <= 0.05 * shops


def test_a_large_lift_is_found() -> None:
    shop, rng = crowd(0.8, seed=7, people=20_000), random.Random(7)
    found = [lift(*run(rng, shop, 2_400, 400)) for _ in range(100)]
    assert sum(verdict(one) == "more" for one in found) >= 95
    assert sum(verdict(lift(*pair[::-1])) == "less" for pair in [run(rng, shop, 1_000, 1_000)] * 2) == 2


def test_what_was_bought_before_makes_the_interval_narrower() -> None:
    rng = random.Random(1)
    programme, holdout = run(rng, crowd(0.0, seed=1, orders=3.0, people=8_000), 2_400, 400)
    forgetful = [Sums(one.people, one.buyers, y=one.y, yy=one.yy, yyy=one.yyy) for one in (programme, holdout)]
    knowing, plain = lift(programme, holdout), lift(*forgetful)
    assert knowing and plain and knowing.interval.half < 0.8 * plain.interval.half
    assert plain.correction == (0, 0) and plain.programme == pytest.approx(programme.mean)
    assert knowing.programme == pytest.approx(programme.mean + knowing.correction[0])


@given(st.integers(1, 10**6), st.integers(0, 10**9))
def test_sums_add_up_over_any_parts(seed: int, split: int) -> None:
    rng = random.Random(seed)
    spent = [(rng.randrange(10**6), rng.randrange(10**6)) for _ in range(20)]
    whole, cut = summed(spent), split % 21
    assert astuple(summed(spent[:cut]) + summed(spent[cut:])) == pytest.approx(astuple(whole))
    theta = 0.5
    residuals = [y - theta * x for y, x in spent]
    middle = sum(residuals) / 20
    assert whole.third_moment(theta) == pytest.approx(sum((r - middle) ** 3 for r in residuals) / 20, rel=1e-6, abs=1e9)


def summed(spent: list[tuple[int, int]]) -> Sums:
    sums = Sums()
    for y, x in spent:
        sums += Sums(1, int(y > 0), y, x, y * y, x * y, x * x, y**3, x * y * y, x * x * y, x**3)
    return sums


def test_the_same_everywhere_is_no_lift() -> None:
    side = summed([(500, 100)] * 200)
    found = lift(side, side)
    assert found is not None and found.interval == Interval(0, 0) and verdict(found) == "same"
    assert verdict(lift(summed([(0, 0)] * 200), summed([(0, 0)] * 200))) == "open"


@pytest.mark.parametrize("few", [0, 1])
def test_one_customer_is_no_comparison(few: int) -> None:
    assert lift(summed([(500, 0)] * few), summed([(500, 0)] * 9)) is None
    assert verdict(None) == "open" and weeks_left(None, 4) is None


def test_few_buyers_are_not_enough_whatever_they_spent() -> None:
    found = lift(summed([(5_000, 0), (5_010, 0)] * 40), summed([(4_000, 0), (4_010, 0)] * 40))
    assert found is not None and found.strict.low > 0 and verdict(found) == "open"
    assert weeks_left(found, 4) == 4  # the next reading, when there may be more of them


def with_half(half: float, holdout: float = 100.0, enough: bool = True) -> Lift:
    around = Interval(-half, half)
    return Lift(holdout, holdout, (0.0, 0.0), half / 2.64, around, around, enough)


@pytest.mark.parametrize(
    ("half", "week", "left"),
    [
        (5.0, 4, 4),  # as narrow as a useful lift by now: the next reading will say it
        (10.0, 4, 22),  # twice too wide: four times the weeks, 16, and the reading after that is the 26th
        (10.0, 13, 39),
        (50.0, 8, None),  # a hundred times as long
    ],
)
def test_how_long_until_a_useful_lift_can_be_seen(half: float, week: int, left: int | None) -> None:
    assert weeks_left(with_half(half), week) == left


def test_what_can_be_seen_later_is_less() -> None:
    assert visible(with_half(20.0), 13, 52) == pytest.approx(0.10)
    assert visible(with_half(20.0, holdout=0.0), 13, 52) is None


def test_readings_share_what_may_go_wrong() -> None:
    assert len(READINGS) * (1 - STRICT) == pytest.approx(1 - CONFIDENCE)
    assert [next_reading(week) for week in (0, 4, 103, MOST_WEEKS)] == [4, 8, 104, None]


@pytest.mark.parametrize(("freedom", "quantile"), [(5, 2.5706), (10, 2.2281), (30, 2.0423), (1000, 1.9623)])
def test_quantiles_are_those_of_the_tables(freedom: float, quantile: float) -> None:
    assert _student(0.95, freedom) == pytest.approx(quantile, abs=5e-3)

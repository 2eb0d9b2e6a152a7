"""Tiers along time: against a simulation that goes from day to day, and for whatever order the news came in."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugin.loyalty.document import Document
from plugin.loyalty.rules import Line, OrderState, ProgramRules, Return, TierRules
from plugin.loyalty.standing import LAST, NOTHING, Dated, Grant, Histories, History, Referred
from plugin.loyalty.tiers.terms import Ladder, TierTerms

NOON = datetime(2025, 3, 1, 12, tzinfo=UTC)
DAYS = 900
BRONZE = TierRules(1, "Bronze", 100_00, 1, 1, 1, TierTerms(keep={"spend": 50_00}))
SILVER = TierRules(2, "Silver", 300_00, 5, 4, 2, TierTerms(keep={"spend": 200_00}))
FRIEND = TierRules(3, "Friend of the house", 0, 3, 2, 3, TierTerms(manual=True))
GOLD = TierRules(4, "Gold", 600_00, 2, 1, 4, TierTerms(keep={"spend": 400_00}))
TIERS = (BRONZE, SILVER, FRIEND, GOLD)


def rules(ladder: Ladder, tiers: tuple[TierRules, ...] = TIERS, **columns: Any) -> ProgramRules:
    names = (
        1,
        1,
        "Club",
        "bean",
        "beans",
        "EUR",
        1,
        100,
        14,
        None,
        365,
        "shown",
        False,
        NOON - timedelta(days=1),
        None,
    )
    return ProgramRules(*names, tiers=tiers, document=Document(tiers=ladder))._replace(**columns)


class Sale(NamedTuple):
    day: int
    minor: int
    back: int | None = None  # when it was returned


def order(number: int, sale: Sale) -> OrderState:
    lines = (Line(1, 1, 0 if sale.back is not None else 1, sale.minor, 0, 0),)
    returns = (Return(NOON + timedelta(days=sale.back), 1, 1),) if sale.back is not None else ()
    return OrderState(number, 7, day(sale.day), "EUR", "paid", False, None, None, True, lines, returns)


def day(number: int) -> datetime:
    return NOON + timedelta(days=number)


def orders(sales: list[Sale]) -> list[OrderState]:
    return [order(number, sale) for number, sale in enumerate(sales, start=1)]


def simulated(sales: list[Sale], ladder: Ladder, upto: int) -> int:
    """The rank at midnight after day `upto`, by looking at every noon; by sums taken from scratch."""

    def sum_at(today: int, window: tuple[int, int] | None = None) -> int:
        first, last = window or (today - 364, today)
        return sum(s.minor for s in sales if first <= s.day <= last and (s.back is None or s.back > today))

    def rank(minor: int, keep: bool) -> int:
        needs = [(1, 50_00, 100_00), (2, 200_00, 300_00), (4, 400_00, 600_00)]
        return max((r for r, stay, enter in needs if minor >= (stay if keep else enter)), default=0)

    def is_turn(today: int) -> bool:  # the year has turned between yesterday's noon and today's
        return day(today).year != day(today - 1).year

    def year_of(today: int) -> tuple[int, int]:
        first = (datetime(day(today).year, 1, 1, 12, tzinfo=UTC) - NOON).days
        return first, today

    held, since = 0, None
    for today in range(upto + 1):
        if ladder.window == "year" and is_turn(today):
            held, since = step(held, since, sum_at(today - 1, year_of(today - 1)), ladder, today, rank, turn=True)
        minor = sum_at(today, year_of(today) if ladder.window == "year" else None)
        held, since = step(held, since, minor, ladder, today, rank, turn=is_turn(today))
    return held


def step(
    held: int, since: int | None, minor: int, ladder: Ladder, today: int, rank: Any, turn: bool
) -> tuple[int, Any]:
    if rank(minor, False) > held:
        return rank(minor, False), None
    lower = {0: 0, 1: 0, 2: 1, 4: 2}
    while held and rank(minor, True) < held:
        since = today if since is None else since
        due = since + ladder.grace_days
        if ladder.downgrade == "year_end":
            if not (turn and today > due and day(today).year > day(due).year):
                return held, since
            return min(rank(minor, True), held), None
        if today < due:
            return held, since
        if ladder.downgrade == "at_once":
            return min(rank(minor, True), held), None
        held, since = lower[held], due
    return held, None


SALES = st.lists(
    st.builds(
        lambda when, minor, wait: Sale(when, minor, None if wait is None else when + wait),
        st.integers(0, DAYS),
        st.integers(10, 500).map(lambda units: units * 1_00),
        st.one_of(st.none(), st.integers(1, 200)),
    ),
    max_size=9,
)
LADDERS = st.one_of(
    st.builds(Ladder, grace_days=st.integers(0, 60), downgrade=st.just("at_once")),
    st.builds(Ladder, grace_days=st.integers(1, 60), downgrade=st.just("one_step")),
)


@settings(max_examples=120, deadline=None)
@given(SALES, LADDERS, st.lists(st.integers(0, DAYS + 500), min_size=1, max_size=4))
def test_the_walk_is_the_simulation(sales: list[Sale], ladder: Ladder, days: list[int]) -> None:
    history = History(orders(sales), rules(ladder))
    for number in days:
        found = history.stand((day(number) + timedelta(hours=12), LAST), "UTC")
        assert (found.state or found).held == simulated(sales, ladder, number), (sales, ladder, number)  # type: ignore[union-attr]


@settings(max_examples=60, deadline=None)
@given(SALES, st.randoms(use_true_random=False), st.sampled_from(["at_once", "year_end", "never"]))
def test_it_does_not_matter_what_is_known_first(sales: list[Sale], chance: random.Random, downgrade: Any) -> None:
    found = orders(sales)
    shuffled = list(found)
    chance.shuffle(shuffled)
    for window in ("days", "year", "lifetime"):
        program = rules(Ladder(window=window, downgrade=downgrade, grace_days=10))  # type: ignore[arg-type]
        straight, crooked = History(found, program), History(shuffled, program)
        positions = [(day(number), LAST) for number in range(0, DAYS + 400, 130)]
        expected = [straight.stand(position, "Europe/Warsaw") for position in positions]
        chance.shuffle(positions)
        for position in positions:  # asked in any order too
            assert crooked.stand(position, "Europe/Warsaw") in expected
            assert crooked.stand(position, "Europe/Warsaw") == straight.stand(position, "Europe/Warsaw")


@settings(max_examples=60, deadline=None)
@given(SALES, st.sampled_from(["days", "year", "lifetime"]), st.integers(0, DAYS + 500))
def test_without_keep_and_grace_the_numbers_alone_decide(sales: list[Sale], window: Any, number: int) -> None:
    bare = tuple(tier._replace(terms=TierTerms(manual=tier.terms.manual)) for tier in TIERS)
    plain = History(orders(sales), rules(Ladder(window=window), bare))
    walked = History(orders(sales), rules(Ladder(window=window), bare))
    position = day(number), LAST
    assert plain.stand(position, "UTC").state is None
    held = walked._walk("UTC").at(position).held
    assert held == walked.reached(walked.measures(position, "UTC"))


def standing(sales: list[Sale], ladder: Ladder, number: int, dated: Dated = NOTHING, **columns: Any) -> Any:
    return History(orders(sales), rules(ladder, **columns), dated).stand((day(number), LAST), "UTC")


def test_grace_gives_days_to_buy_and_says_until_when() -> None:
    ladder = Ladder(grace_days=30)
    lost = standing([Sale(0, 700_00)], ladder, 370)
    assert lost.tier == GOLD and lost.state.falls_at == day(395) + timedelta(microseconds=1)
    assert standing([Sale(0, 700_00)], ladder, 396).tier is None
    assert standing([Sale(0, 700_00), Sale(380, 400_00)], ladder, 396).tier == GOLD


def test_a_status_of_the_year_lasts_through_the_next() -> None:
    ladder = Ladder(window="year", downgrade="year_end")
    first_of = {year: (datetime(year, 1, 1, tzinfo=UTC) - NOON).days for year in (2026, 2027, 2028)}
    sales = [Sale(0, 700_00), Sale(first_of[2026] + 40, 250_00)]
    assert standing(sales, ladder, first_of[2027] - 1).tier == GOLD
    assert standing(sales, ladder, first_of[2027] + 2).tier == SILVER  # 250.00 of the year that ended keep Silver
    assert standing(sales, ladder, first_of[2028] + 2).tier is None


def test_never_down_but_for_what_was_sent_back() -> None:
    ladder = Ladder(downgrade="never")
    assert standing([Sale(0, 700_00)], ladder, 800).tier == GOLD
    assert standing([Sale(0, 300_00), Sale(1, 400_00, 20)], ladder, 10).tier == GOLD
    assert standing([Sale(0, 300_00), Sale(1, 400_00, 20)], ladder, 30).tier == SILVER


def test_a_tier_given_by_hand_holds_until_its_day_and_only_lifts() -> None:
    given_by_hand = Dated(grants=(Grant(1, 3, day(5), day(10)),))
    assert standing([], Ladder(), 4, given_by_hand).tier is None
    assert standing([], Ladder(), 6, given_by_hand).tier == FRIEND
    assert standing([], Ladder(), 10, given_by_hand).tier is None
    rich = standing([Sale(0, 700_00)], Ladder(), 6, given_by_hand)
    assert rich.tier == GOLD and rich.grant is None


@pytest.mark.parametrize(("match", "tier"), [("all", None), ("any", "Silver")])
def test_metrics_together(match: Any, tier: str | None) -> None:
    ladder = Ladder(metrics=("spend", "orders", "referrals"), match=match)
    silver = TierRules(2, "Silver", 300_00, 1, 1, 2, TierTerms(entry={"orders": 2, "referrals": 1}))
    program = rules(ladder, (silver,))
    history = History(orders([Sale(0, 310_00), Sale(1, 100_00, 5)]), program, Dated((), ()))
    found = history.stand((day(10), LAST), "UTC")
    assert found.measures == (310_00, 1, 0) and (found.tier.name if found.tier else None) == tier
    friends = Dated((), (Referred(day(2)), Referred(day(3), day(4))))
    sales = orders([Sale(0, 310_00), Sale(1, 100_00)])
    assert History(sales, program, friends).stand((day(10), LAST), "UTC").measures == (410_00, 2, 1)


def test_points_that_count_are_those_of_the_tier_they_were_earned_in() -> None:
    ladder = Ladder(metrics=("points",))
    silver = TierRules(2, "Silver", 0, 2, 1, 2, TierTerms(entry={"points": 100}))
    program = rules(ladder, (silver,))
    found = orders([Sale(0, 100_00), Sale(1, 50_00), Sale(2, 50_00)])
    histories = Histories(found, "UTC", (program,))
    stand = histories.history(7, program).stand((day(5), LAST), "UTC")
    assert stand.measures == (300,) and stand.tier == silver  # 100, then twice 50 × 2

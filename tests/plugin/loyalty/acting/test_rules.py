"""What one deed gives, as a table; and that no order of deeds gets past a cap or a cool-down."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.errors import Invalid
from plugin.loyalty.acting.rules import Deed, Gain, Who, anniversaries, decide, month_days
from plugin.loyalty.acting.terms import Actions, Way, check
from plugin.loyalty.terms import PERIODS, since

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
BERLIN = "Europe/Berlin"
REVIEW = Way(1, "event", 50, name="review")


def days(number: float) -> datetime:
    return NOON + timedelta(days=number)


def told(way: Way, gains: list[Gain], at: datetime = NOON, **deed: datetime) -> tuple[int, str]:
    decision = decide(Deed(way.thing, at, **deed), Actions((way,)), False, Who(), gains, BERLIN)  # type: ignore[arg-type]
    return decision.points, decision.reason


@pytest.mark.parametrize(
    ("way", "gains", "expected"),
    [
        (REVIEW, [], (50, "given")),
        (Way(1, "event", 50, name="review", most_times=2), [Gain(days(-90), 50)], (50, "given")),
        (Way(1, "event", 50, name="review", most_times=1), [Gain(days(-90), 50)], (0, "times")),
        (Way(1, "event", 50, name="review", most_times=1, period="month"), [Gain(days(-2.6), 50)], (50, "given")),
        (Way(1, "event", 50, name="review", most_times=1, period="month"), [Gain(days(-1), 50)], (0, "times")),
        (Way(1, "event", 50, name="review", most_points=120), [Gain(days(-9), 100)], (20, "given")),
        (Way(1, "event", 50, name="review", most_points=120), [Gain(days(-9), 120)], (0, "points")),
        (Way(1, "event", 50, name="review", cooldown_days=7), [Gain(days(-6), 50)], (0, "cooldown")),
        (Way(1, "event", 50, name="review", cooldown_days=7), [Gain(days(6), 50)], (0, "cooldown")),
        (Way(1, "event", 50, name="review", cooldown_days=7), [Gain(days(-7), 50)], (50, "given")),
        (Way(1, "signup", 50), [Gain(days(-900), 50)], (0, "once")),
        (Way(1, "birthday", 50), [Gain(days(-364), 50)], (0, "cooldown")),
        (Way(1, "birthday", 50), [Gain(days(-365), 50)], (50, "given")),
        (Way(1, "event", 50, name="review", active=False), [], (0, "off")),
        (Way(1, "event", 50, name="review", tiers=("Gold",)), [], (0, "conditions")),
    ],
)
def test_what_a_deed_gives(way: Way, gains: list[Gain], expected: tuple[int, str]) -> None:
    assert told(way, gains) == expected


def test_the_month_turns_at_the_shop_s_midnight() -> None:
    monthly = Way(1, "event", 50, name="review", most_times=1, period="month")
    last_of_march = datetime(2026, 3, 31, 21, 59, tzinfo=UTC)  # 23:59 in Berlin
    assert told(monthly, [Gain(NOON, 50)], at=last_of_march) == (0, "times")
    assert told(monthly, [Gain(NOON, 50)], at=last_of_march + timedelta(minutes=1)) == (50, "given")


def test_a_birthday_needs_its_notice() -> None:
    way = Way(1, "birthday", 50, notice_days=30)
    assert told(way, [], known_since=days(-29)) == (0, "short_notice")
    assert told(way, [], known_since=days(-30)) == (50, "given")


def test_conditions_pass_on_to_the_next_way_but_limits_do_not() -> None:
    gold = Way(1, "event", 90, name="review", tiers=("Gold",), most_times=1)
    both = Actions((gold, Way(2, "event", 50, name="review")))
    deed = Deed("event.review", NOON)
    assert decide(deed, both, False, Who(), [], BERLIN).points == 50
    assert decide(deed, both, False, Who(tier="Gold"), [], BERLIN).points == 90
    assert decide(deed, both, False, Who(tier="Gold"), [Gain(days(-9), 90)], BERLIN).reason == "times"


ways = st.builds(
    Way,
    id=st.just(1),
    kind=st.just("event"),
    points=st.integers(1, 100),
    name=st.just("review"),
    most_times=st.none() | st.integers(1, 4),
    most_points=st.none() | st.integers(1, 250),
    period=st.sampled_from(PERIODS),
    cooldown_days=st.integers(0, 40),
)


@given(ways, st.lists(st.integers(0, 3000), max_size=25), st.sampled_from([BERLIN, "America/Los_Angeles", "UTC"]))
def test_no_order_of_deeds_gets_past_a_limit(way: Way, quarters: list[int], zone: str) -> None:
    gains: list[Gain] = []
    for quarter in quarters:
        moment = NOON + timedelta(hours=6 * quarter)
        points = decide(Deed(way.thing, moment), Actions((way,)), False, Who(), gains, zone).points
        gains += [Gain(moment, points)] if points else []
    for period in {since(way.period, gain.occurred_at, zone) for gain in gains}:
        mine = [gain for gain in gains if since(way.period, gain.occurred_at, zone) == period]
        assert way.most_times is None or len(mine) <= way.most_times
        assert way.most_points is None or sum(gain.points for gain in mine) <= way.most_points
    local = sorted(gain.occurred_at.astimezone(ZoneInfo(zone)).date() for gain in gains)
    assert all((later - earlier).days >= way.cooldown_days for earlier, later in zip(local, local[1:], strict=False))


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2027, 2, 28), ("02-28", "02-29")),
        (date(2028, 2, 28), ("02-28",)),
        (date(2028, 2, 29), ("02-29",)),
        (date(2027, 3, 1), ("03-01",)),
    ],
)
def test_who_was_born_on_29_february_has_28_february_in_other_years(day: date, expected: tuple[str, ...]) -> None:
    assert month_days(day) == expected


@given(st.dates(date(2001, 1, 1), date(2080, 12, 31)))
def test_every_day_has_its_anniversary_once_a_year(first: date) -> None:
    year = [date(first.year + 1, 1, 1) + timedelta(days=number) for number in range(366)]
    hits = [day for day in year if day.year == first.year + 1 and first in anniversaries(day, 40)]
    assert len(hits) == 1


@pytest.mark.parametrize(
    ("way", "field"),
    [
        (Way(1, "signup", 0), "points"),
        (Way(1, "signup", -5), "points"),
        (Way(1, "signup", 10**10), "points"),
        (Way(1, "event", 5, name="Review!"), "name"),
        (Way(1, "profile_field", 5), "field"),
        (Way(1, "event", 5, name="x", most_times=0), "most_times"),
        (Way(1, "event", 5, name="x", most_points=0), "most_points"),
        (Way(1, "event", 5, name="x", cooldown_days=-1), "cooldown_days"),
        (Way(1, "birthday", 5, notice_days=9999), "notice_days"),
        (Way(1, "signup", 5, customer_tags=(" ",)), "customer_tags"),
    ],
)
def test_what_cannot_be_is_told_at_its_field(way: Way, field: str) -> None:
    with pytest.raises(Invalid) as said:
        check(Actions((Way(9, "signup", 5), way)))
    assert said.value.field == f"ways-1-{field}"

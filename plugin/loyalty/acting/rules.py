"""What one deed of one customer gives, and why not. Pure.

Deeds are decided one after the other as they become known; what was given before, in whatever order it happened, counts
for caps and cool-downs. So they hold for every subset of what is given, and a late deed can never push them over.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from plugin.loyalty.acting.terms import ONCE, YEAR_DAYS, YEARLY, Actions, Way
from plugin.loyalty.terms import since

GIVEN: Final = "given"
WITHDRAWN: Final = "withdrawn"
REASONS: Final = (
    GIVEN, WITHDRAWN, "once", "times", "points", "cooldown", "short_notice", "conditions", "excluded", "held_out",
    "not_member", "paused", "off", "unknown_customer",
)  # fmt: skip


class Who(NamedTuple):
    """What is known of a customer when a deed is decided. Tags in lower case."""

    known: bool = True
    tags: frozenset[str] = frozenset()
    tier: str | None = None
    excluded: bool = False
    held_out: bool = False
    member: bool = True


class Gain(NamedTuple):
    """What an earlier deed for the same thing gave."""

    occurred_at: datetime
    points: int


class Deed(NamedTuple):
    """`known_since`: when we were told the day, for birthdays."""

    thing: str
    occurred_at: datetime
    withdrawn: bool = False
    known_since: datetime | None = None


class Decision(NamedTuple):
    """`reason` is one of REASONS; `way` is the way that was asked, if any was."""

    points: int
    reason: str
    way: Way | None = None


def decide(
    deed: Deed, actions: Actions | None, paused: bool, who: Who, gains: Sequence[Gain], timezone: str
) -> Decision:
    """What the deed gives. `actions` are those of the version of its moment; None before the first."""
    if deed.withdrawn:
        return Decision(0, WITHDRAWN)
    if (refused := _refused(who, paused)) is not None:
        return Decision(0, refused)
    ways = actions.of(deed.thing) if actions else []
    if not ways:
        return Decision(0, "off")
    way = next((way for way in ways if _meets(way, who)), None)
    if way is None:
        return Decision(0, "conditions", ways[0])
    return _limited(deed, way, gains, ZoneInfo(timezone))


def _refused(who: Who, paused: bool) -> str | None:
    said = (
        ("unknown_customer", not who.known),
        ("paused", paused),
        ("held_out", who.held_out),
        ("not_member", not who.member),
        ("excluded", who.excluded),
    )
    return next((reason for reason, holds in said if holds), None)


def _meets(way: Way, who: Who) -> bool:
    if way.tiers and who.tier not in way.tiers:
        return False
    return not way.customer_tags or bool(who.tags & {tag.strip().lower() for tag in way.customer_tags})


def _limited(deed: Deed, way: Way, gains: Sequence[Gain], zone: ZoneInfo) -> Decision:
    day = deed.occurred_at.astimezone(zone).date()
    if way.kind in ONCE and gains:
        return Decision(0, "once", way)
    if _is_too_near(day, way, gains, zone):
        return Decision(0, "cooldown", way)
    if way.kind == "birthday" and _known_late(deed, day, way, zone):
        return Decision(0, "short_notice", way)
    begins = since(way.period, deed.occurred_at, zone.key)
    mine = [gain for gain in gains if since(way.period, gain.occurred_at, zone.key) == begins]
    if way.most_times is not None and len(mine) >= way.most_times:
        return Decision(0, "times", way)
    points = way.points
    if way.most_points is not None:
        points = min(points, way.most_points - sum(gain.points for gain in mine))
    return Decision(points, GIVEN, way) if points > 0 else Decision(0, "points", way)


def _is_too_near(day: date, way: Way, gains: Iterable[Gain], zone: ZoneInfo) -> bool:
    days = max(way.cooldown_days, YEAR_DAYS if way.kind in YEARLY else 0)
    return any(abs((day - gain.occurred_at.astimezone(zone).date()).days) < days for gain in gains)


def _known_late(deed: Deed, day: date, way: Way, zone: ZoneInfo) -> bool:
    if deed.known_since is None:
        return False
    return (day - deed.known_since.astimezone(zone).date()).days < way.notice_days


def month_days(day: date) -> tuple[str, ...]:
    """The "MM-DD" whose day is `day`: who was born on 29 February has 28 February in a year without one."""
    own = f"{day:%m-%d}"
    is_last = own == "02-28" and (day + timedelta(days=1)).month == 3
    return (own, "02-29") if is_last else (own,)


def anniversaries(day: date, years: int) -> list[date]:
    """The days of earlier years, the latest first, whose anniversary is `day`."""
    named = [tuple(map(int, each.split("-"))) for each in month_days(day)]
    return [
        date(year, month, number)
        for year in range(day.year - 1, day.year - 1 - years, -1)
        for month, number in named
        if (month, number) != (2, 29) or _is_leap(year)
    ]


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)

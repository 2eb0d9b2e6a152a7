"""Ways to earn beside orders: the part `actions` of the programme's document.

The ways stand in the order in which they are asked: of those for the same thing, the first that is on and whose
conditions hold wins. Days, months and years are those of the shop's time zone.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final, Literal

import msgspec

from plugin.errors import Invalid
from plugin.loyalty.terms import PERIODS, Period

Kind = Literal["signup", "birthday", "newsletter", "profile_field", "event", "anniversary"]
KINDS: Final[tuple[Kind, ...]] = ("signup", "birthday", "newsletter", "profile_field", "event", "anniversary")
ONCE: Final = ("signup", "newsletter", "profile_field")  # these can be done once in a life
YEARLY: Final = ("birthday", "anniversary")  # these never twice within YEAR_DAYS
YEAR_DAYS: Final = 365
Since = Literal["signup", "first_order"]

LARGEST: Final = 10**9
MOST_WAYS: Final = 100
MOST_DAYS: Final = 3650
EVENT_NAME: Final = re.compile(r"\A[a-z][a-z0-9_]{0,39}\Z")


class Way(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One way. `id` stays through all versions.

    `most_times` and `most_points` hold for one customer and `period`, over every way for the same thing. Between two
    gains lie at least `cooldown_days`. Tiers go by name; tags are compared without regard to case.
    """

    id: int
    kind: Kind
    points: int
    name: str = ""  # event: its name; "review" is one
    field: int = 0  # profile_field: its id
    since: Since = "signup"  # anniversary
    most_times: int | None = None
    most_points: int | None = None
    period: Period = "ever"
    cooldown_days: int = 0
    tiers: tuple[str, ...] = ()
    customer_tags: tuple[str, ...] = ()
    keep_days: int = 30  # newsletter: who leaves within so many days gives the points back
    notice_days: int = 30  # birthday: known so many days before it, or it counts from the next one on
    active: bool = True

    @property
    def thing(self) -> str:
        """What is done: caps and cool-downs count over it."""
        match self.kind:
            case "event":
                return f"event.{self.name}"
            case "profile_field":
                return f"profile.{self.field}"
            case "anniversary":
                return f"anniversary.{self.since}"
        return self.kind


class Actions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """All ways in their order."""

    ways: tuple[Way, ...] = ()

    def of(self, thing: str) -> list[Way]:
        """The ways for one thing that are on."""
        return [way for way in self.ways if way.active and way.thing == thing]

    def are_on(self, kind: Kind) -> bool:
        """Whether anything of a kind can be earned with."""
        return any(way.active and way.kind == kind for way in self.ways)


def check(actions: Actions) -> None:
    """Raises Invalid at the first field that cannot be used; fields of a way as `ways-<position>-<name>`."""
    if len(actions.ways) > MOST_WAYS:
        raise Invalid("A programme has at most %(most)s ways to earn.", "ways", most=MOST_WAYS)
    if len({way.id for way in actions.ways}) < len(actions.ways):
        raise Invalid("Two ways to earn have the same number. Load the page again.", "ways")
    for position, way in enumerate(actions.ways):
        try:
            check_way(way)
        except Invalid as error:
            raise Invalid.at(f"ways-{position}-{error.field}", error) from error


def check_way(way: Way) -> None:
    """Raises Invalid at the first field of a way that cannot be used."""
    if not 1 <= way.points <= LARGEST:
        raise Invalid("Enter how many points it gives, 1 or more.", "points")
    if way.kind == "event" and not EVENT_NAME.match(way.name):
        raise Invalid("Begin with a letter; use small letters, digits and _ only, 40 at most.", "name")
    if way.kind == "profile_field" and way.field < 1:
        raise Invalid("Choose a profile field.", "field")
    _check_limits(way)
    for names, field in ((way.tiers, "tiers"), (way.customer_tags, "customer_tags")):
        if len(names) > 50 or any(not name.strip() or len(name) > 100 for name in names):
            raise Invalid("Use at most 50 names, each of 1 to 100 letters.", field)


def _check_limits(way: Way) -> None:
    if way.period not in PERIODS:
        raise Invalid("Choose a period.", "period")
    if way.most_times is not None and not 1 <= way.most_times <= 100_000:
        raise Invalid("Enter between 1 and 100,000, or leave it empty.", "most_times")
    if way.most_points is not None and not 1 <= way.most_points <= LARGEST:
        raise Invalid("Enter how many points at most, 1 or more, or leave it empty.", "most_points")
    _check_days(way.cooldown_days, 0, "cooldown_days")
    _check_days(way.keep_days, 0, "keep_days")
    _check_days(way.notice_days, 0, "notice_days")


def _check_days(days: int, least: int, field: str) -> None:
    if not least <= days <= MOST_DAYS:
        raise Invalid("Enter between %(least)s and %(most)s days.", field, least=least, most=MOST_DAYS)


def next_id(ways: Collection[Way]) -> int:
    """The id of a new way."""
    return 1 + max((way.id for way in ways), default=0)

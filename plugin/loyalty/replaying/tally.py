"""What a replay found, added up so that parts can be joined in any order; its size does not grow with the shop's."""

from __future__ import annotations

from collections.abc import Iterable
from heapq import nlargest
from typing import Any, Final, NamedTuple

import msgspec

MOST_PEOPLE: Final = 10  # named winners and losers
MOST_DIFFERENCES: Final = 100  # named orders whose points differ from the ledger
NO_TIER: Final = ""


class Worth(NamedTuple):
    """One order under one side's rules: its month in the shop's time zone ("2026-03"), counted money, points."""

    month: str
    counted_minor: int
    points: int


class Person(NamedTuple):
    """Somebody whose points differ between the sides."""

    customer_id: int
    today: int
    draft: int


class Difference(NamedTuple):
    """An order of a check whose points are not those of the ledger."""

    order_id: int
    customer_id: int
    posted: int
    replayed: int


class Side(msgspec.Struct):
    """Under one programme: orders that earn, money that counts, points; by month; people by their tier at the end."""

    orders: int = 0
    counted_minor: int = 0
    points: int = 0
    people: int = 0
    months: dict[str, int] = {}
    tiers: dict[str, int] = {}

    def add(self, worths: Iterable[Worth], tier: str) -> int:
        """One customer; their points."""
        earned = 0
        for worth in worths:
            self.counted_minor += worth.counted_minor
            if worth.points:
                self.orders += 1
                earned += worth.points
                self.months[worth.month] = self.months.get(worth.month, 0) + worth.points
        self.points += earned
        self.people += earned > 0
        self.tiers[tier] = self.tiers.get(tier, 0) + 1
        return earned

    def join(self, other: Side) -> None:
        for name in ("orders", "counted_minor", "points", "people"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        _join(self.months, other.months)
        _join(self.tiers, other.tiers)


class Tally(msgspec.Struct):
    """Both sides of a replay. `moves` counts people by "tier today > tier under the draft"."""

    today: Side = msgspec.field(default_factory=Side)
    draft: Side = msgspec.field(default_factory=Side)
    moves: dict[str, int] = {}
    revenue_minor: int = 0  # what the customers' orders came to, net of refunds, whoever's rules
    winners: list[Person] = []
    losers: list[Person] = []
    checked: int = 0  # orders compared with the ledger
    differing: int = 0
    differences: list[Difference] = []

    def compare(self, customer_id: int, today: int, draft: int, tiers: tuple[str, str]) -> None:
        """One customer's points and tiers under both sides."""
        move = " > ".join(tiers)
        self.moves[move] = self.moves.get(move, 0) + 1
        if today != draft:
            (self.winners if draft > today else self.losers).append(Person(customer_id, today, draft))

    def differ(self, found: Difference) -> None:
        self.differing += 1
        if len(self.differences) < MOST_DIFFERENCES:
            self.differences.append(found)

    def join(self, other: Tally) -> None:
        """Add what another part found."""
        self.today.join(other.today)
        self.draft.join(other.draft)
        _join(self.moves, other.moves)
        for name in ("revenue_minor", "checked", "differing"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.winners = _furthest([*self.winners, *other.winners])
        self.losers = _furthest([*self.losers, *other.losers])
        self.differences = [*self.differences, *other.differences][:MOST_DIFFERENCES]

    @property
    def changed_tier(self) -> int:
        """How many people would be in another tier."""
        return sum(count for move, count in self.moves.items() if len(set(move.split(" > "))) > 1)


def _join(into: dict[str, int], more: dict[str, int]) -> None:
    for key, count in more.items():
        into[key] = into.get(key, 0) + count


def _furthest(people: list[Person]) -> list[Person]:
    return nlargest(MOST_PEOPLE, people, key=lambda person: (abs(person.draft - person.today), -person.customer_id))


def read(raw: dict[str, Any]) -> Tally:
    return msgspec.convert(raw, Tally)


def written(tally: Tally) -> dict[str, Any]:
    kept: dict[str, Any] = msgspec.to_builtins(tally)
    return kept

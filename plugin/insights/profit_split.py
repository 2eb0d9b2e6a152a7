"""The split as it has been: when it began, and between which marks people have stood on one side all along. Pure.

A split begins with the first programme version that holds anybody out after one that did not. Its share may change
while it lasts: whoever changed sides with it was in both, and is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from plugin.loyalty.holdout import PLACES

WEEK = timedelta(days=7)


class Version(NamedTuple):
    """What the split asks of a programme version."""

    valid_from: datetime
    created_at: datetime  # nobody could be kept from anything before the version was there
    percent: int
    salt: int | None

    @property
    def since(self) -> datetime:
        return max(self.valid_from, self.created_at)


class Span(NamedTuple):
    """People who came within [since, until) and have stood below `low` were always held out, from `high` on never."""

    since: datetime
    until: datetime
    low: int
    high: int


@dataclass(frozen=True)
class Split:
    """A split that goes on. `percent` is its share now."""

    started_at: datetime
    salt: int
    percent: int
    versions: tuple[Version, ...]

    def weeks(self, now: datetime) -> int:
        """Full weeks since it began."""
        return max(0, (now - self.started_at) // WEEK)

    def at(self, week: int) -> datetime:
        """When so many full weeks are over."""
        return self.started_at + week * WEEK

    def spans(self, until: datetime) -> list[Span]:
        """Who has been where up to a moment, by when they came."""
        there = [version for version in self.versions if version.since < until]
        ends = [version.since for version in there[1:]] + [until]
        spans = []
        for number, (version, end) in enumerate(zip(there, ends, strict=True)):
            shares = [later.percent * PLACES // 100 for later in there[number:]]
            spans.append(Span(version.since, end, min(shares), max(shares)))
        return spans


def split(versions: Sequence[Version], now: datetime) -> Split | None:
    """The split that goes on now, of all versions by rising `valid_from`; None while nobody is held out."""
    begun: list[Version] = []
    for version in versions:
        if version.since > now:
            break
        same = version.salt is not None and (not begun or begun[-1].salt == version.salt)
        begun = ([*begun, version] if same else [version]) if version.percent and version.salt is not None else []
    if not begun or begun[0].salt is None:
        return None
    return Split(begun[0].since, begun[0].salt, begun[-1].percent, tuple(begun))

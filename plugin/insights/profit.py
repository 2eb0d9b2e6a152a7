"""The measured profit as it is shown: the readings of the split that goes on, and what they say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.insights import profit_counting
from plugin.insights.models import ProfitReading
from plugin.insights.profit_counting import Side, Terms
from plugin.insights.profit_rules import READINGS, Lift, Sums, Verdict, lift, next_reading, verdict, visible, weeks_left
from plugin.insights.profit_split import Split
from plugin.loyalty.holdout import HOLDOUT, PROGRAMME
from plugin.shops.models import Shop


@dataclass(frozen=True)
class Reading:
    """The state after some full weeks. Money is in minor units of the shop's currency, per customer in `lift`."""

    week: int
    until: datetime
    sides: Mapping[str, Side]
    terms: Terms
    lift: Lift | None

    @property
    def judges(self) -> bool:
        """Whether it was one of the few that may give a verdict."""
        return self.week in READINGS

    @property
    def verdict(self) -> Verdict:
        return verdict(self.lift) if self.judges else "open"

    def side(self, name: str) -> Side:
        return self.sides.get(name, Side())


@dataclass(frozen=True)
class Report:
    """A split and its readings, the earliest first. `weeks_left` is None where even the last reading will not do."""

    split: Split
    readings: Sequence[Reading]

    @property
    def latest(self) -> Reading | None:
        return self.readings[-1] if self.readings else None

    @property
    def judged(self) -> Reading | None:
        """The latest reading that gave a verdict."""
        return next((one for one in reversed(self.readings) if one.verdict != "open"), None)

    @property
    def weeks_left(self) -> int | None:
        return weeks_left(self.latest.lift, self.latest.week) if self.latest else None

    @property
    def next_week(self) -> int | None:
        """The week of the next reading that may give a verdict."""
        return next_reading(self.latest.week if self.latest else 0)

    def visible(self, week: int) -> float | None:
        """The smallest lift, as a share, that a later week's reading will tell from none."""
        if self.latest is None or self.latest.lift is None or not self.latest.lift.enough:
            return None
        return visible(self.latest.lift, self.latest.week, week)


def report(session: Session, shop: Shop) -> Report | None:
    """The measured profit of the present split; None while nobody is held out."""
    going_on = profit_counting.present(session, shop)
    if going_on is None:
        return None
    mine = ProfitReading.shop_id == shop.id, ProfitReading.started_at == going_on.started_at
    finished = select(ProfitReading).where(*mine, ProfitReading.finished_at.is_not(None)).order_by(ProfitReading.week)
    return Report(going_on, [_reading(row) for row in session.scalars(finished)])


def _reading(row: ProfitReading) -> Reading:
    sides = profit_counting.read(row.sides)
    programme, holdout = (sides[name].sums if name in sides else Sums() for name in (PROGRAMME, HOLDOUT))
    return Reading(row.week, row.until, sides, Terms(**row.terms), lift(programme, holdout))

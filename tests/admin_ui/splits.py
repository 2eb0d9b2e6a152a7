"""A split and readings of it as rows: what half a year would have counted."""

from __future__ import annotations

from dataclasses import asdict

from sqlalchemy.orm import Session

from plugin import clock
from plugin.db.engine import transaction
from plugin.insights import profit_counting
from plugin.insights.models import ProfitReading
from plugin.insights.profit_counting import Side, Terms
from plugin.insights.profit_rules import Sums
from plugin.loyalty import queries
from plugin.loyalty.holding_out import hold_out
from plugin.loyalty.holdout import HOLDOUT, PROGRAMME
from plugin.shops.models import Shop


def hold(session: Session, shop: Shop) -> None:
    program = queries.latest_program(session, shop)
    assert program is not None
    hold_out(session, shop, "staff:1", 10, program.version)


def side(people: int, profit: int) -> Side:
    """Half of them bought for the profit and 10.00 more or less."""
    half = people // 2
    spent = [profit * 2 + each for each in (1_000, -1_000)] * (half // 2)
    powers = {"y": sum(spent), "yy": sum(y**2 for y in spent), "yyy": sum(y**3 for y in spent)}
    return Side(Sums(people, half, **powers), orders=sum(spent) + 500.0 * people, goods=500.0 * people)


def read(shop: Shop, lift: int, people: int = 4_000, weeks: tuple[int, ...] = (1, 2, 3, 4, 5)) -> None:
    """Readings of a split that began with the present version."""
    with transaction(shop.id) as session:
        going_on = profit_counting.present(session, shop)
        assert going_on is not None
        for week in weeks:
            sides = {PROGRAMME: asdict(side(people, 2_000 + lift)), HOLDOUT: asdict(side(people // 4, 2_000))}
            key = {"shop_id": shop.id, "started_at": going_on.started_at, "week": week}
            dates = {"until": going_on.at(week), "finished_at": clock.now(session), "after": None}
            session.add(ProfitReading(**key, **dates, sides=sides, terms=asdict(Terms(40, 50))))

"""How much of a reward is taken, and the guard that lets nobody take more: stock in all, money in a month.

The guard is the WHERE of one UPDATE: whoever waits for the row is judged by what the one before left. A tally is locked
after point accounts and never before them, so it can wait for nobody who waits for an account.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import func, or_, select, text
from sqlalchemy.orm import Session

from plugin import clock
from plugin.commerce.models import Order
from plugin.errors import Refused
from plugin.loyalty import terms
from plugin.loyalty.models import Redemption, Reward
from plugin.loyalty.reward_models import RewardTally
from plugin.loyalty.terms import WHOLE, Limits, Terms
from plugin.shops.models import Shop

MEASURED = 50  # used codes that say what the next one is expected to take off
AVERAGE_DAYS = 90
RECOUNT = timedelta(minutes=10)
STANDS = Redemption.state.not_in(("returned", "late"))
_SPENT = "CASE WHEN month >= %(month)s THEN month_minor ELSE 0 END"
TAKE = f"""
    UPDATE reward_tallies SET taken = taken + 1, month = greatest(month, %(month)s),
        month_minor = {_SPENT} + %(cost)s
    WHERE shop_id = %(tally_shop)s AND reward_id = %(tally_reward)s AND (stock IS NULL OR taken < stock)
        AND (budget_minor IS NULL OR {_SPENT} + %(cost)s <= budget_minor)
"""
_GIVE_BACK = """
    UPDATE reward_tallies SET taken = greatest(taken - 1, 0),
        month_minor = greatest(month_minor - CASE WHEN month = :month THEN :cost ELSE 0 END, 0)
    WHERE shop_id = :shop AND reward_id = :reward
"""
_LIMIT = """
    INSERT INTO reward_tallies AS t (shop_id, reward_id, stock, budget_minor, each_minor)
    VALUES (:shop, :reward, :stock, :budget, :each)
    ON CONFLICT (shop_id, reward_id) DO UPDATE SET stock = excluded.stock, budget_minor = excluded.budget_minor,
        each_minor = excluded.each_minor
"""


class RewardSoldOut(Refused):
    """All of this reward that there were are taken."""


class BudgetReached(Refused):
    """What this reward may cost in a month is spent."""


def limit(session: Session, shop: Shop, reward: Reward, said: Terms) -> None:
    """Keep what a changed reward says about its limits."""
    each = expected(session, shop, reward, said)
    values = {"stock": said.stock, "budget": said.budget_minor, "each": each}
    session.execute(text(_LIMIT), values | {"shop": shop.id, "reward": reward.id})


def asking(shop_id: int, reward_id: int, month: date, cost_minor: int) -> dict[str, Any]:
    """The values of TAKE."""
    return {"tally_shop": shop_id, "tally_reward": reward_id, "month": month, "cost": cost_minor}


def begin(session: Session, shop: Shop, reward_id: int) -> None:
    """A tally without limits, for a reward that the release before added."""
    unlimited = {"stock": None, "budget": None, "each": None}
    session.execute(text(_LIMIT), unlimited | {"shop": shop.id, "reward": reward_id})


def why_not(session: Session, shop: Shop, reward_id: int, name: str) -> Refused:
    """Why TAKE took nothing."""
    tally = session.get_one(RewardTally, (shop.id, reward_id), populate_existing=True)
    if tally.stock is not None and tally.taken >= tally.stock:
        return RewardSoldOut("“%(reward)s” is sold out.", reward=name)
    return BudgetReached("“%(reward)s” is taken up for this month. Try again next month.", reward=name)


def give_back(session: Session, shop: Shop, redemption: Redemption) -> None:
    """A redemption does not stand any more; its account is locked by now."""
    month = terms.month_of(redemption.created_at, shop.timezone)
    spent = redemption.spent_minor if redemption.spent_minor is not None else redemption.cost_minor
    values = {"month": month, "cost": spent, "shop": shop.id, "reward": redemption.reward_id}
    session.execute(text(_GIVE_BACK), values)


def limits(session: Session, shop: Shop, now: datetime, reward_ids: Collection[int] | None = None) -> dict[int, Limits]:
    """What is left of each reward now, by reward."""
    month = terms.month_of(now, shop.timezone)
    rows = select(RewardTally).where(RewardTally.shop_id == shop.id)
    if reward_ids is not None:
        rows = rows.where(RewardTally.reward_id.in_(list(reward_ids)))
    return {row.reward_id: _left(row, month) for row in session.scalars(rows, execution_options=FRESH)}


FRESH: dict[str, Any] = {"populate_existing": True}


def _left(row: RewardTally, month: date) -> Limits:
    spent = row.month_minor if row.month is not None and row.month >= month else 0
    return Limits(
        None if row.stock is None else max(row.stock - row.taken, 0),
        None if row.budget_minor is None else max(row.budget_minor - spent, 0),
        row.each_minor,
    )


def expected(session: Session, shop: Shop, reward: Reward, said: Terms) -> int | None:
    """What one of a reward is expected to cost, in minor units; None where its value says it."""
    if reward.kind != "percent_off":
        return said.cost_minor
    mine = Redemption.shop_id == shop.id, Redemption.reward_id == reward.id, Redemption.spent_minor.is_not(None)
    newest = select(Redemption.spent_minor).where(*mine, Redemption.state == "used")
    last = newest.order_by(Redemption.created_at.desc()).limit(MEASURED).subquery()
    seen = session.scalar(select(func.avg(last.c.spent_minor)))
    if seen is not None:
        return int(seen)
    since = clock.now(session) - timedelta(days=AVERAGE_DAYS)
    recent = Order.shop_id == shop.id, Order.processed_at >= since, Order.test.is_(False)
    average = session.scalar(select(func.avg(Order.subtotal_minor + Order.discount_minor)).where(*recent))
    return max(int(average or 0), reward.minimum_minor) * said.percent_bp // WHOLE


def recount(session: Session, shop: Shop) -> int:
    """Bring limited tallies to what the redemptions say, where nobody looked for ten minutes; how many.

    The row is locked before its redemptions are counted: whoever takes one commits it before letting the row go.
    """
    now = clock.now(session)
    limited = or_(RewardTally.stock.is_not(None), RewardTally.budget_minor.is_not(None))
    stale = or_(RewardTally.counted_at.is_(None), RewardTally.counted_at <= now - RECOUNT)
    due = select(RewardTally).where(RewardTally.shop_id == shop.id, limited, stale).order_by(RewardTally.reward_id)
    found = session.scalars(due.limit(20).with_for_update(skip_locked=True), execution_options=FRESH).all()
    for tally in found:
        _count(session, shop, tally, now)
    session.flush()
    return len(found)


def _count(session: Session, shop: Shop, tally: RewardTally, now: datetime) -> None:
    month = terms.month_of(now, shop.timezone)
    began = terms.since("month", now, shop.timezone)
    cost = func.coalesce(Redemption.spent_minor, Redemption.cost_minor)
    mine = Redemption.shop_id == shop.id, Redemption.reward_id == tally.reward_id, STANDS
    sums = select(func.count(), func.coalesce(func.sum(cost).filter(Redemption.created_at >= began), 0)).where(*mine)
    taken, spent = session.execute(sums).one()
    reward = session.get_one(Reward, (shop.id, tally.reward_id))
    tally.taken, tally.month, tally.month_minor, tally.counted_at = taken, month, int(spent), now
    tally.each_minor = expected(session, shop, reward, terms.read(reward.terms))

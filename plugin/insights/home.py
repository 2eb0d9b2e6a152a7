"""The figures of the home page. Money is in minor units of the shop's currency; periods are days of the shop.

Revenue is what orders are worth now, after edits and refunds, by the day they were placed; cancelled and test orders do
not count. A repeat buyer is a customer who had placed an order before that one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session, aliased

from plugin.campaigns.models import Automation, Enrollment
from plugin.commerce.models import CustomerMerge, Order
from plugin.loyalty.models import PointAccount, PointEntry, Program, Reward
from plugin.shops.models import Shop
from plugin.subscriptions.models import SubscriptionField

DAYS = 30
MONTHS = 12


@dataclass(frozen=True)
class Period:
    """A number for the last 30 days, for the 30 before, and day by day for the last 30."""

    now: int
    before: int
    series: Sequence[int]


@dataclass(frozen=True)
class Share:
    """A part of a whole, in the last 30 days and in the 30 before; the part's share per day in per mille."""

    part: int
    whole: int
    part_before: int
    whole_before: int
    series: Sequence[int]


@dataclass(frozen=True)
class Month:
    """Revenue of one month, split by who bought."""

    first_day: date
    repeat_minor: int
    first_minor: int


def members(session: Session, shop: Shop, today: datetime) -> Period:
    """Customers who have ever earned points, by the day of what first earned them: now, 30 days ago, and day by day.

    Those whom the store merged are one.
    """
    merged = (CustomerMerge.shop_id == PointEntry.shop_id) & (CustomerMerge.from_id == PointEntry.customer_id)
    joined = (
        select(func.min(PointEntry.occurred_at).label("at"))
        .outerjoin(CustomerMerge, merged)
        .where(PointEntry.shop_id == shop.id, PointEntry.points > 0)
        .group_by(func.coalesce(CustomerMerge.kept_id, PointEntry.customer_id))
        .subquery()
    )
    daily = _daily(session, shop, today, joined.c.at, func.count())
    total = session.scalar(select(func.count()).select_from(joined)) or 0
    return _running(total, daily)


def points_outstanding(session: Session, shop: Shop, today: datetime) -> Period:
    """Points that customers hold, pending ones included, less their debts; by the day of what moved them."""
    held = func.coalesce(func.sum(PointAccount.available + PointAccount.pending - PointAccount.debt), 0)
    total = int(session.scalar(select(held).where(PointAccount.shop_id == shop.id)) or 0)
    within = PointEntry.shop_id == shop.id
    return _running(total, _daily(session, shop, today, PointEntry.occurred_at, func.sum(PointEntry.points), within))


def point_worth(session: Session, shop: Shop) -> Decimal | None:
    """The most one point is worth today in minor units, by the rewards on offer; None without a reward."""
    offers = select(Reward.value_minor, Reward.cost_points).where(Reward.shop_id == shop.id, Reward.active)
    return max((Decimal(value) / Decimal(cost) for value, cost in session.execute(offers)), default=None)


def recovered(session: Session, shop: Shop, today: datetime) -> Period:
    """Money of orders that came out of a cart after a cart mail, by the day of the order."""
    joined = (Order.shop_id == Enrollment.shop_id) & (Order.id == Enrollment.order_id)
    day = _day(shop, Order.processed_at).label("day")
    statement = select(day, func.sum(Enrollment.recovered_minor)).join(Order, joined)
    mine = Enrollment.shop_id == shop.id, Order.processed_at >= today - timedelta(days=2 * DAYS - 1)
    rows = session.execute(statement.where(*mine).group_by("day"))
    days = _days(shop, today, 2 * DAYS)
    found = {day: int(total) for day, total in rows}
    values = [found.get(day, 0) for day in days]
    return Period(sum(values[DAYS:]), sum(values[:DAYS]), values[DAYS:])


def repeat_share(session: Session, shop: Shop, today: datetime) -> Share:
    """Orders of repeat buyers among all orders."""
    start = today - timedelta(days=2 * DAYS - 1)
    day = _day(shop, Order.processed_at).label("day")
    counted = select(day, func.count(), func.count().filter(_is_repeat()))
    rows = session.execute(counted.where(*_sold(shop, start)).group_by("day"))
    found = {day: (whole, part) for day, whole, part in rows}
    days = [found.get(day, (0, 0)) for day in _days(shop, today, 2 * DAYS)]
    now, before = days[DAYS:], days[:DAYS]
    return Share(
        part=sum(part for _, part in now),
        whole=sum(whole for whole, _ in now),
        part_before=sum(part for _, part in before),
        whole_before=sum(whole for whole, _ in before),
        series=[part * 1000 // whole if whole else 0 for whole, part in now],
    )


def revenue_by_month(session: Session, shop: Shop, today: datetime) -> list[Month]:
    """The last twelve months with the present one, oldest first; months without orders are zero."""
    first = _months_back(_local(shop, today), MONTHS - 1)
    month = func.date_trunc("month", func.timezone(shop.timezone, Order.processed_at)).label("month")
    repeat = _is_repeat()
    summed = select(
        month,
        func.coalesce(func.sum(Order.current_total_minor).filter(repeat), 0),
        func.coalesce(func.sum(Order.current_total_minor).filter(~repeat), 0),
    ).where(*_sold(shop, today - timedelta(days=31 * MONTHS)))
    found = {row[0].date(): (int(row[1]), int(row[2])) for row in session.execute(summed.group_by("month"))}
    months = [_months_back(first, -offset) for offset in range(MONTHS)]
    return [Month(day, *found.get(day, (0, 0))) for day in months]


@dataclass(frozen=True)
class SetUp:
    """Which parts of the product are in use."""

    programme: bool
    reward: bool
    field: bool
    campaign: bool


def set_up(session: Session, shop: Shop) -> SetUp:
    """What has been set up, by the rows that are there."""
    return SetUp(
        programme=_any(session, select(Program.id).where(Program.shop_id == shop.id)),
        reward=_any(session, select(Reward.id).where(Reward.shop_id == shop.id, Reward.active)),
        field=_any(session, select(SubscriptionField.id).where(SubscriptionField.shop_id == shop.id)),
        campaign=_any(session, select(Automation.id).where(Automation.shop_id == shop.id, Automation.state == "on")),
    )


def _sold(shop: Shop, since: datetime) -> tuple[Any, ...]:
    return (
        Order.shop_id == shop.id,
        Order.processed_at >= since,
        Order.known,
        ~Order.test,
        Order.cancelled_at.is_(None),
        Order.deleted_at.is_(None),
    )


def _is_repeat() -> ColumnElement[bool]:
    earlier = aliased(Order)
    return (
        select(earlier.id)
        .where(
            earlier.shop_id == Order.shop_id,
            earlier.customer_id == Order.customer_id,
            earlier.processed_at < Order.processed_at,
            earlier.cancelled_at.is_(None),
        )
        .correlate(Order)
        .exists()
    )


def _daily(
    session: Session, shop: Shop, today: datetime, at: Any, total: Any, *where: ColumnElement[bool]
) -> list[int]:
    """A total for each of the last 30 days, oldest first."""
    statement = select(_day(shop, at).label("day"), total).where(at >= today - timedelta(days=DAYS - 1), *where)
    found = {day: int(value) for day, value in session.execute(statement.group_by("day"))}
    return [found.get(day, 0) for day in _days(shop, today, DAYS)]


def _running(total: int, daily: Sequence[int]) -> Period:
    """A stock from its present size and its daily changes."""
    series = [total]
    for change in reversed(daily[1:]):
        series.append(series[-1] - change)
    series.reverse()
    return Period(total, total - sum(daily), series)


def _day(shop: Shop, column: Any) -> Any:
    return func.date(func.timezone(shop.timezone, column))


def _days(shop: Shop, today: datetime, count: int) -> list[date]:
    last = _local(shop, today)
    return [last - timedelta(days=offset) for offset in range(count - 1, -1, -1)]


def _local(shop: Shop, moment: datetime) -> date:
    return moment.astimezone(ZoneInfo(shop.timezone)).date()


def _months_back(day: date, months: int) -> date:
    index = day.year * 12 + day.month - 1 - months
    return date(index // 12, index % 12 + 1, 1)


def _any(session: Session, statement: Any) -> bool:
    return session.scalar(select(statement.exists())) or False

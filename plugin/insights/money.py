"""The money view: points by month to the point, and what they cost, owe and are worth.

Movements come from the days that were counted and, in the same statement, from the entries behind them: whoever looks
sees the ledger. The rest is a picture of one moment, taken once a day (`take`), because it reads all lots and orders.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session

from plugin import clock
from plugin.insights import home, point_days
from plugin.insights.models import MoneyBook, MoneyMonth
from plugin.insights.money_rules import Balance, Month, Movement, balances, months
from plugin.loyalty import catching_up
from plugin.loyalty.models import Program
from plugin.shops.models import Shop

_MOVEMENTS = text(f"""
    SELECT date_trunc('month', day)::date, kind, counter_account, sum(plus)::bigint, sum(minus)::bigint
    FROM (
        SELECT day, kind, counter_account, plus, minus FROM point_days WHERE shop_id = :shop
        UNION ALL
        SELECT {point_days.DAY}, kind, counter_account, greatest(points, 0), greatest(-points, 0)
        FROM point_entries WHERE shop_id = :shop
            AND id > (SELECT coalesce(max(through_id), 0) FROM money_books WHERE shop_id = :shop)
    ) AS every_day
    GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
""")
_TAKE = text("""
    WITH sold AS (
        SELECT date_trunc('month', processed_at AT TIME ZONE :zone)::date AS month, sum(current_total_minor) AS revenue
        FROM orders WHERE shop_id = :shop AND processed_at <= :now AND known AND NOT test
            AND cancelled_at IS NULL AND deleted_at IS NULL
        GROUP BY 1
    ), bought AS (
        SELECT date_trunc('month', created_at AT TIME ZONE :zone)::date AS month, sum(points) AS points,
            sum(CASE state WHEN 'expired' THEN 0 ELSE coalesce(spent_minor, cost_minor) END) AS cost
        FROM redemptions WHERE shop_id = :shop AND state <> 'returned' GROUP BY 1
    ), lots AS (
        SELECT date_trunc('month', available_at AT TIME ZONE :zone)::date AS month, sum(granted) AS granted,
            sum(remaining) FILTER (WHERE pending) AS pending, sum(remaining) FILTER (WHERE NOT pending) AS open,
            sum(expired) AS expired
        FROM point_lots WHERE shop_id = :shop GROUP BY 1
    )
    INSERT INTO money_months
        (shop_id, month, revenue_minor, redeemed, cost_minor, granted, pending, open, expired)
    SELECT :shop, month, coalesce(revenue, 0), coalesce(points, 0), coalesce(cost, 0), coalesce(granted, 0),
        coalesce(pending, 0), coalesce(open, 0), coalesce(expired, 0)
    FROM sold FULL JOIN bought USING (month) FULL JOIN lots USING (month) WHERE month IS NOT NULL
""")
_HELD = text("""
    UPDATE money_books SET pictured_at = :now, (available, pending, debt) = (
        SELECT coalesce(sum(available), 0), coalesce(sum(pending), 0), coalesce(sum(debt), 0)
        FROM point_accounts WHERE shop_id = :shop
    ) WHERE shop_id = :shop
""")


def movements(session: Session, shop: Shop) -> list[Movement]:
    """Everything the ledger says, by month, kind and counter account."""
    rows = session.execute(_MOVEMENTS, {"shop": shop.id, "zone": shop.timezone})
    return [Movement(*row) for row in rows]


def by_month(session: Session, shop: Shop, now: datetime) -> list[Month]:
    """Points by month up to the present one, oldest first; empty for a shop without a ledger."""
    moved = movements(session, shop)
    return months(moved, this_month(shop, now)) if moved else []


def by_account(session: Session, shop: Shop, now: datetime) -> list[Balance]:
    """Every account month by month."""
    return balances(movements(session, shop), this_month(shop, now))


def this_month(shop: Shop, now: datetime) -> date:
    """The first day of the present month of the shop."""
    return now.astimezone(ZoneInfo(shop.timezone)).date().replace(day=1)


def take(session: Session, shop: Shop) -> bool:
    """Take the picture if the last one is of an earlier day or an earlier programme; whether one was taken.

    Not while points of past orders are still being counted.
    """
    now = clock.now(session)
    book = point_days.locked_book(session, shop)
    if catching_up.history_left(session, shop) or not _is_old(session, shop, book.pictured_at, now):
        return False
    session.execute(delete(MoneyMonth).where(MoneyMonth.shop_id == shop.id))
    asked = {"shop": shop.id, "zone": shop.timezone, "now": now}
    session.execute(_TAKE, asked)
    session.execute(_HELD, asked)
    return True


def _is_old(session: Session, shop: Shop, taken_at: datetime | None, now: datetime) -> bool:
    if taken_at is None or taken_at < clock.today(now, shop.timezone):
        return True
    saved = select(Program.id).where(Program.shop_id == shop.id, Program.created_at > taken_at)
    return session.scalar(saved.limit(1)) is not None


@dataclass(frozen=True)
class Picture:
    """The shop's money as of a moment. Money in minor units of the shop's currency; months oldest first."""

    taken_at: datetime
    month: date  # the one of that moment; points may still come to later ones
    available: int
    pending: int
    debt: int
    months: Sequence[MoneyMonth]
    price: Decimal | None  # what a point has cost or, while none was spent, costs at most; minor units

    @property
    def open(self) -> int:
        """Points that somebody may still spend, in lots of any age."""
        return self.available + self.pending

    def last(self, count: int) -> Sequence[MoneyMonth]:
        """The last months with the present one."""
        return [each for each in self.months if each.month <= self.month][-count:]

    def cost(self, points: int) -> int | None:
        """What so many points cost when they are redeemed, rounded to the minor unit."""
        return int((points * self.price).to_integral_value()) if self.price is not None else None


def picture(session: Session, shop: Shop) -> Picture | None:
    """The last picture; None before the first."""
    book = session.get(MoneyBook, shop.id, populate_existing=True)
    if book is None or book.pictured_at is None:
        return None
    of_shop = select(MoneyMonth).where(MoneyMonth.shop_id == shop.id).order_by(MoneyMonth.month)
    found = session.scalars(of_shop).all()
    price = _price(found) or home.point_worth(session, shop)
    month = this_month(shop, book.pictured_at)
    return Picture(book.pictured_at, month, book.available, book.pending, book.debt, found, price)


def _price(found: Sequence[MoneyMonth]) -> Decimal | None:
    points, cost = sum(each.redeemed for each in found), sum(each.cost_minor for each in found)
    return Decimal(cost) / Decimal(points) if points and cost else None

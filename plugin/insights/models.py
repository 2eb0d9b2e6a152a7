"""Figures that are kept because counting them afresh at each look would read everything: all of them can be rebuilt.

`point_days` follows the ledger exactly; `money_months` and `profit_readings` are pictures taken at a moment that they
name.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, Date, ForeignKeyConstraint
from sqlalchemy.orm import Mapped, mapped_column

from plugin.db.base import Base, Key, OfShop


class PointDay(OfShop, Base):
    """The ledger's movements of one day of the shop, by kind and counter account, up to `money_books.through_id`."""

    __tablename__ = "point_days"
    __table_args__ = (
        ForeignKeyConstraint(["shop_id"], ["shops.id"]),
        CheckConstraint("plus >= 0 AND minus >= 0", name="two_sides"),
    )

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    kind: Mapped[Key] = mapped_column(primary_key=True)
    counter_account: Mapped[Key] = mapped_column(primary_key=True)
    plus: Mapped[int]  # points that came to customers
    minus: Mapped[int]  # points that left them
    entries: Mapped[int]


class MoneyBook(OfShop, Base):
    """How far `point_days` has read the ledger, and when the picture of `money_months` was taken."""

    __tablename__ = "money_books"
    __table_args__ = (ForeignKeyConstraint(["shop_id"], ["shops.id"]),)

    through_id: Mapped[int] = mapped_column(server_default="0")  # every entry up to it is in `point_days`
    bound_id: Mapped[int | None]  # how far it may read once no transaction before `bound_xid` runs
    bound_xid: Mapped[int | None]  # (plugin/loyalty/books/sealing.py)
    timezone: Mapped[Key] = mapped_column(server_default="")  # whose days these are; another one: counted afresh
    pictured_at: Mapped[datetime | None]  # business time
    pending: Mapped[int] = mapped_column(server_default="0")  # what accounts held at that moment
    available: Mapped[int] = mapped_column(server_default="0")
    debt: Mapped[int] = mapped_column(server_default="0")


class MoneyMonth(OfShop, Base):
    """One month as of `money_books.pictured_at`: what was sold, what rewards cost, what became of its lots.

    A lot belongs to the month from which its points could be spent; money in minor units of the shop's currency.
    """

    __tablename__ = "money_months"
    __table_args__ = (ForeignKeyConstraint(["shop_id"], ["shops.id"]),)

    month: Mapped[date] = mapped_column(Date, primary_key=True)  # its first day
    revenue_minor: Mapped[int] = mapped_column(server_default="0")
    redeemed: Mapped[int] = mapped_column(server_default="0")  # points of redemptions that stand
    cost_minor: Mapped[int] = mapped_column(
        server_default="0"
    )  # what those did cost, or will when their codes are used; expired codes nothing
    granted: Mapped[int] = mapped_column(server_default="0")
    pending: Mapped[int] = mapped_column(server_default="0")
    open: Mapped[int] = mapped_column(server_default="0")  # still to be spent
    expired: Mapped[int] = mapped_column(server_default="0")


class ProfitReading(OfShop, Base):
    """Profit with the programme and without it after some full weeks of a split; counted once and then left alone."""

    __tablename__ = "profit_readings"
    __table_args__ = (ForeignKeyConstraint(["shop_id"], ["shops.id"]),)

    started_at: Mapped[datetime] = mapped_column(primary_key=True)  # when the split began
    week: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    until: Mapped[datetime]
    after: Mapped[int | None] = mapped_column(server_default="0")  # counted up to this customer; null: everybody
    sides: Mapped[dict[str, Any]] = mapped_column(server_default="{}")  # profit_counting.Side by arm
    terms: Mapped[dict[str, Any]] = mapped_column(server_default="{}")  # profit_counting.Terms it was counted under
    finished_at: Mapped[datetime | None]  # business time

"""What stands beside a reward: its versions, and the tally that keeps it within its limits."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, Date, ForeignKeyConstraint
from sqlalchemy.orm import Mapped, mapped_column

from plugin.db.base import Base, OfShop

_REWARD = ["rewards.shop_id", "rewards.id"]


class RewardVersion(OfShop, Base):
    """A reward as somebody left it: who, when, and everything in it, so that it can be told apart and undone."""

    __tablename__ = "reward_versions"
    __table_args__ = (ForeignKeyConstraint(["shop_id", "reward_id"], _REWARD),)

    reward_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    document: Mapped[dict[str, Any]]  # plugin/loyalty/rewards.py: RewardDraft
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(server_default="")


class RewardTally(OfShop, Base):
    """What limits a reward and how much of it is taken. Changed by one guarded UPDATE, so that no limit is crossed.

    `month_minor` is what the redemptions of `month` (its first day in the shop's time zone) cost, returned ones left
    out. It is locked after point accounts, never before.
    """

    __tablename__ = "reward_tallies"
    __table_args__ = (
        ForeignKeyConstraint(["shop_id", "reward_id"], _REWARD),
        CheckConstraint("taken >= 0 AND month_minor >= 0", name="no_negative"),
    )

    reward_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    stock: Mapped[int | None]  # how many there are in all; null: as many as are wanted
    budget_minor: Mapped[int | None]  # what they may cost in a month
    each_minor: Mapped[int | None]  # what one is expected to cost; null: its value
    taken: Mapped[int] = mapped_column(server_default="0")
    month: Mapped[date | None] = mapped_column(Date)
    month_minor: Mapped[int] = mapped_column(server_default="0")
    counted_at: Mapped[datetime | None]  # when it was last counted anew from the redemptions

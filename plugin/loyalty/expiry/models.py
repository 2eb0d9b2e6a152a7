"""Changes of when points are lost, each with its way back."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import BigInteger, Date, ForeignKeyConstraint, Identity, Index
from sqlalchemy.orm import Mapped, mapped_column

from plugin.db.base import Base, Key, OfShop


class ExpiryChange(OfShop, Base):
    """Staff gave points more time, or expired points back. running → done → undoing → undone."""

    __tablename__ = "expiry_changes"
    __table_args__ = (ForeignKeyConstraint(["shop_id"], ["shops.id"]),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    kind: Mapped[Key]  # extend, reinstate
    customer_id: Mapped[int | None]  # null: everybody
    days: Mapped[int]  # extend: so much later than before; reinstate: so long from now
    since: Mapped[datetime | None]  # reinstate: what expired from then on
    reason: Mapped[str]
    actor: Mapped[str]
    state: Mapped[Key] = mapped_column(server_default="running")
    after_customer: Mapped[int] = mapped_column(server_default="0")
    lots: Mapped[int] = mapped_column(server_default="0")
    points: Mapped[int] = mapped_column(server_default="0")
    created_at: Mapped[datetime]
    undone_by: Mapped[str] = mapped_column(server_default="")


class ExpiryChangeLot(OfShop, Base):
    """What a change did to one lot, for undoing it."""

    __tablename__ = "expiry_change_lots"
    __table_args__ = (
        ForeignKeyConstraint(
            ["shop_id", "change_id"], ["expiry_changes.shop_id", "expiry_changes.id"], ondelete="CASCADE"
        ),
        ForeignKeyConstraint(["shop_id", "lot_id"], ["point_lots.shop_id", "point_lots.id"]),
        Index("ix_expiry_change_lots_customer", "shop_id", "change_id", "customer_id"),
    )

    change_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    lot_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    customer_id: Mapped[int]
    points: Mapped[int]  # given back; for an extension what the lot held
    before: Mapped[datetime]
    after: Mapped[datetime]


class StaffPoints(OfShop, Base):
    """Points a member of staff moved by hand on one day of the shop, gifts and takings added up."""

    __tablename__ = "staff_points"
    __table_args__ = (ForeignKeyConstraint(["shop_id"], ["shops.id"]),)

    actor: Mapped[Key] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    points: Mapped[int]

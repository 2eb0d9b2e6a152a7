"""Who is in the programme: what people said, each word with its day."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKeyConstraint, Identity, Index
from sqlalchemy.orm import Mapped, mapped_column

from plugin.db.base import Base, Key, OfShop


class Membership(OfShop, Base):
    """Somebody joined or left. Never changed or deleted: orders are judged by the last word before their moment."""

    __tablename__ = "memberships"
    __table_args__ = (
        ForeignKeyConstraint(["shop_id", "customer_id"], ["customers.shop_id", "customers.id"]),
        Index("ix_memberships_customer", "shop_id", "customer_id", "id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    customer_id: Mapped[int]
    joined: Mapped[bool]
    source: Mapped[Key]  # storefront, staff
    actor: Mapped[str]
    changed_at: Mapped[datetime]

"""Tiers given by hand, the history of who moved where and why, and what the store carries of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKeyConstraint, Identity, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from plugin.db.base import Base, Key, OfShop


class TierGrant(OfShop, Base):
    """A tier given by hand over [starts_at, ends_at). Never deleted: orders within it were judged by it."""

    __tablename__ = "tier_grants"
    __table_args__ = (
        ForeignKeyConstraint(["shop_id", "customer_id"], ["customers.shop_id", "customers.id"]),
        CheckConstraint("ends_at IS NULL OR ends_at >= starts_at", name="interval"),
        Index("ix_tier_grants_customer", "shop_id", "customer_id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    customer_id: Mapped[int]
    origin: Mapped[int]  # of the tier, the same in all versions
    tier_name: Mapped[str]  # as it was called
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(server_default="")  # staff's own words
    actor: Mapped[str]
    created_at: Mapped[datetime]
    ended_by: Mapped[str | None]  # who ended it before its day


class TierChange(OfShop, Base):
    """Somebody moved (`kind` tier), or is about to lose a tier (`kind` risk: `falls_at` says when)."""

    __tablename__ = "tier_changes"
    __table_args__ = (
        ForeignKeyConstraint(["shop_id", "customer_id"], ["customers.shop_id", "customers.id"]),
        Index("ix_tier_changes_customer", "shop_id", "customer_id", "id"),
        Index("ix_tier_changes_untold", "shop_id", "id", postgresql_where=text("told_at IS NULL")),
        Index(
            "uq_tier_changes_risk",
            "shop_id",
            "customer_id",
            "falls_at",
            unique=True,
            postgresql_where=text("falls_at IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    customer_id: Mapped[int]
    kind: Mapped[Key] = mapped_column(server_default="tier")
    from_origin: Mapped[int | None]
    to_origin: Mapped[int | None]
    from_name: Mapped[str | None]
    to_name: Mapped[str | None]
    program_id: Mapped[int]
    why: Mapped[dict[str, Any]]  # cause and numbers (tiers/following.py); ids alone, no words
    falls_at: Mapped[datetime | None]
    occurred_at: Mapped[datetime]
    created_at: Mapped[datetime]
    told_at: Mapped[datetime | None]  # when points, mails and the store followed


class TierMark(OfShop, Base):
    """What a customer carries in the store by our doing, at the last answer."""

    __tablename__ = "tier_marks"
    __table_args__ = (ForeignKeyConstraint(["shop_id", "customer_id"], ["customers.shop_id", "customers.id"]),)

    customer_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    tag: Mapped[str | None]
    field: Mapped[str | None]  # the value of the metafield
    written_at: Mapped[datetime]

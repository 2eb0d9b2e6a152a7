"""Automations (versioned), who is in them, and why each "no" was said."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKeyConstraint, Identity, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from plugin.db.base import Base, Key, OfShop


class Automation(OfShop, Base):
    __tablename__ = "automations"
    __table_args__ = (ForeignKeyConstraint(["shop_id"], ["shops.id"]), UniqueConstraint("shop_id", "kind"))

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    kind: Mapped[Key]  # abandoned_cart
    name: Mapped[str]
    state: Mapped[Key] = mapped_column(server_default="off")  # off, on
    version: Mapped[int] = mapped_column(server_default="1")  # the version new people enter
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]  # checkouts older than this never enter


class AutomationVersion(OfShop, Base):
    """People finish on the version they entered. Steps: [{"delay_minutes", "subject", "preheader", "mjml"}, …]."""

    __tablename__ = "automation_versions"
    __table_args__ = (
        ForeignKeyConstraint(
            ["shop_id", "automation_id"], ["automations.shop_id", "automations.id"], ondelete="CASCADE"
        ),
    )

    automation_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    steps: Mapped[list[Any]]
    created_at: Mapped[datetime]


class Enrollment(OfShop, Base):
    """One checkout on its way through one automation."""

    __tablename__ = "enrollments"
    __table_args__ = (
        ForeignKeyConstraint(
            ["shop_id", "automation_id", "version"],
            ["automation_versions.shop_id", "automation_versions.automation_id", "automation_versions.version"],
        ),
        UniqueConstraint("shop_id", "automation_id", "subject_key"),
        Index("ix_enrollments_due", "wake_at", postgresql_where=text("state = 'waiting'")),
        Index("ix_enrollments_customer", "shop_id", "customer_id"),
        Index("ix_enrollments_checkout", "shop_id", "checkout_token"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    automation_id: Mapped[int]
    version: Mapped[int]
    subject_key: Mapped[Key]  # "checkout:<token>"
    checkout_token: Mapped[Key | None]
    customer_id: Mapped[int | None]
    email: Mapped[Key]
    step: Mapped[int] = mapped_column(server_default="0")  # the next step, from 0
    state: Mapped[Key] = mapped_column(server_default="waiting")  # waiting, done, stopped
    wake_at: Mapped[datetime | None]  # business time
    entered_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    stop_reason: Mapped[Key | None]  # ordered, unsubscribed, no_consent, emptied, …
    order_id: Mapped[int | None]  # the order that recovered the cart
    recovered_minor: Mapped[int] = mapped_column(server_default="0")
    currency: Mapped[str] = mapped_column(server_default="")


class Decision(OfShop, Base):
    """Why something did not happen: the rule and the value that stopped it."""

    __tablename__ = "decisions"
    __table_args__ = (
        ForeignKeyConstraint(["shop_id"], ["shops.id"]),
        UniqueConstraint("shop_id", "key"),
        Index("ix_decisions_enrollment", "shop_id", "enrollment_id", "id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    key: Mapped[Key]
    automation_id: Mapped[int | None]
    enrollment_id: Mapped[int | None]
    customer_id: Mapped[int | None]
    rule: Mapped[Key]
    value: Mapped[dict[str, Any]]
    decided_at: Mapped[datetime]

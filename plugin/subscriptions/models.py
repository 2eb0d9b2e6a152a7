"""Subscription fields ("tell me about this") and who subscribed; never a recurring payment."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKeyConstraint, Identity, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from plugin.db.base import Base, Key, OfShop


class SubscriptionField(OfShop, Base):
    """What shoppers can ask to be told about: new products of one type or with one tag."""

    __tablename__ = "subscription_fields"
    __table_args__ = (ForeignKeyConstraint(["shop_id"], ["shops.id"]),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    label: Mapped[str]  # "Tell me about new filter coffees"
    match_kind: Mapped[Key]  # type, tag
    match_value: Mapped[Key]  # compared without case
    consent_text: Mapped[str]
    subject: Mapped[str]
    active: Mapped[bool] = mapped_column(server_default="true")
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class Subscription(OfShop, Base):
    """One person's wish, by e-mail address; ended, never deleted, so that the consent stays provable."""

    __tablename__ = "subscriptions"
    __table_args__ = (
        ForeignKeyConstraint(["shop_id", "field_id"], ["subscription_fields.shop_id", "subscription_fields.id"]),
        ForeignKeyConstraint(["shop_id", "customer_id"], ["customers.shop_id", "customers.id"]),
        UniqueConstraint("shop_id", "field_id", "email"),
        Index("ix_subscriptions_active", "shop_id", "field_id", "id", postgresql_where=text("ended_at IS NULL")),
        Index("ix_subscriptions_customer", "shop_id", "customer_id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    field_id: Mapped[int]
    customer_id: Mapped[int | None]
    merged_from: Mapped[int | None]  # whose wish it was before the store merged that customer into this one
    email: Mapped[Key]
    locale: Mapped[str] = mapped_column(server_default="en")
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None]


class ProductDebut(OfShop, Base):
    """When a product could first be bought. Written once, so that publishing an old product again is no news."""

    __tablename__ = "product_debuts"
    __table_args__ = (
        ForeignKeyConstraint(["shop_id", "product_id"], ["products.shop_id", "products.id"], ondelete="CASCADE"),
    )

    product_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    debuted_at: Mapped[datetime]

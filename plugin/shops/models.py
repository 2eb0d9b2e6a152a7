"""The tenant: one row a store that has (or had) the plugin, and the log of who changed what in its panel."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKeyConstraint, Identity, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from plugin.db.base import Base, Key, OfShop, Version


class Shop(Base):
    """A store. Tokens are encrypted (plugin.crypto.secrets) and always replaced as a pair in one UPDATE."""

    __tablename__ = "shops"
    __table_args__ = (UniqueConstraint("domain"), CheckConstraint("domain = lower(domain)", name="domain_lower"))

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    domain: Mapped[Key]
    store_id: Mapped[int | None]  # the store's own numeric id, which webhook bodies may name
    name: Mapped[str] = mapped_column(server_default="")
    email: Mapped[str] = mapped_column(server_default="")
    currency: Mapped[str] = mapped_column(server_default="EUR")
    timezone: Mapped[str] = mapped_column(server_default="UTC")
    country: Mapped[str] = mapped_column(server_default="")
    locale: Mapped[str] = mapped_column(server_default="en")
    storefront_url: Mapped[str] = mapped_column(server_default="")
    plan: Mapped[str] = mapped_column(server_default="")
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    scopes_at: Mapped[datetime | None]  # when the store says they changed: the later one wins
    settings: Mapped[dict[str, Any]] = mapped_column(server_default="{}")  # sender, address, dismissed guide steps
    version: Mapped[Version]

    access_token: Mapped[bytes | None]
    access_expires_at: Mapped[datetime | None]
    refresh_token: Mapped[bytes | None]
    refresh_expires_at: Mapped[datetime | None]
    refreshing_until: Mapped[datetime | None]  # lease of the one process that refreshes, by the database's clock
    token_serial: Mapped[int] = mapped_column(server_default="0")  # grows with every stored pair: compare-and-set

    veil_key: Mapped[bytes | None]  # sealed; what erased addresses are compared by (plugin.shops.veils)
    installed_at: Mapped[datetime | None]
    uninstalled_at: Mapped[datetime | None]
    needs_reauth: Mapped[bool] = mapped_column(server_default="false")


class AuditEntry(OfShop, Base):
    """Who changed what in the panel. Append-only; never personal data of shoppers."""

    __tablename__ = "audit_log"
    __table_args__ = (ForeignKeyConstraint(["shop_id"], ["shops.id"]),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    actor: Mapped[str]
    action: Mapped[Key]
    object: Mapped[str]
    before: Mapped[dict[str, Any] | None]
    after: Mapped[dict[str, Any] | None]
    occurred_at: Mapped[datetime]

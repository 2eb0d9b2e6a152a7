"""Requests about personal data, with their due dates."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKeyConstraint, Identity, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from plugin.db.base import Base, Key, OfShop


class PrivacyRequest(OfShop, Base):
    """customers/data_request, customers/redact or shop/redact: due 30 days after it came."""

    __tablename__ = "privacy_requests"
    __table_args__ = (ForeignKeyConstraint(["shop_id"], ["shops.id"]), UniqueConstraint("shop_id", "key"))

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    key: Mapped[Key]
    kind: Mapped[Key]
    customer_id: Mapped[int | None]
    contact: Mapped[bytes | None]  # e-mail and phone of whom it is about, encrypted; emptied when completed
    order_ids: Mapped[list[Any]] = mapped_column(server_default="[]")
    received_at: Mapped[datetime]
    due_at: Mapped[datetime]
    state: Mapped[Key] = mapped_column(server_default="open")
    completed_at: Mapped[datetime | None]

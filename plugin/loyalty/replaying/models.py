"""Replays: what was asked, how far it is, and what it found so far."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKeyConstraint, Identity
from sqlalchemy.orm import Mapped, mapped_column

from plugin.db.base import Base, Key, OfShop


class Replay(OfShop, Base):
    """One run over all customers with orders since `since`; `tally` is plugin/loyalty/replaying/tally.py's."""

    __tablename__ = "replays"
    __table_args__ = (ForeignKeyConstraint(["shop_id"], ["shops.id"]),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    kind: Mapped[Key]  # draft, check
    name: Mapped[str] = mapped_column(server_default="")
    draft: Mapped[dict[str, Any]] = mapped_column(server_default="{}")  # a ProgramDraft; empty for a check
    since: Mapped[datetime]
    until: Mapped[datetime]
    state: Mapped[Key] = mapped_column(server_default="running")  # running, done, cancelled
    after_customer: Mapped[int] = mapped_column(server_default="0")
    customers_done: Mapped[int] = mapped_column(server_default="0")
    customers_total: Mapped[int] = mapped_column(server_default="0")
    tally: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    created_by: Mapped[str] = mapped_column(server_default="")
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]

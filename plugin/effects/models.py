"""The outbox: what must happen outside, as rows; and how the destinations stand that it goes to."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKeyConstraint, Identity, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from plugin.db.base import Base, Key, OfShop


class Effect(OfShop, Base):
    """pending → claimed (lease) → calling (committed just before the call) → done | failed | unknown."""

    __tablename__ = "outbox"
    __table_args__ = (
        ForeignKeyConstraint(["shop_id"], ["shops.id"]),
        UniqueConstraint("shop_id", "kind", "key"),
        Index(
            "ix_outbox_due",
            "patient",
            "shop_id",
            text("urgent DESC"),
            "next_attempt_at",
            postgresql_where=text("state IN ('pending', 'claimed', 'calling')"),
        ),
        Index("ix_outbox_stuck", "shop_id", "id", postgresql_where=text("state IN ('failed', 'unknown')")),
        Index("ix_outbox_kind", "shop_id", "kind", "id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    kind: Mapped[Key]
    key: Mapped[Key]
    urgent: Mapped[bool] = mapped_column(server_default="false")  # somebody waits for it: goes before all others
    patient: Mapped[bool] = mapped_column(server_default="false")  # nobody waits for it: goes after all others
    payload: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    state: Mapped[Key] = mapped_column(server_default="pending")
    attempts: Mapped[int] = mapped_column(server_default="0")
    lapses: Mapped[int] = mapped_column(server_default="0")  # times whoever held it did not come back
    next_attempt_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))  # or end of the lease
    lease: Mapped[uuid.UUID | None]  # who holds it: every later step compares it
    called_at: Mapped[datetime | None]  # a call may have been made whose outcome is not known: look before repeating
    result: Mapped[dict[str, Any] | None]
    error: Mapped[str | None]
    reason: Mapped[Key | None]  # why it failed, for machines: plugin.effects.performing
    created_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))
    done_at: Mapped[datetime | None]


class _Breaker:
    """What is remembered of a destination that did not answer; no row means that it always did."""

    destination: Mapped[Key] = mapped_column(primary_key=True)  # plugin.effects.breakers
    failures: Mapped[int] = mapped_column(server_default="0")  # in a row
    opened: Mapped[int] = mapped_column(server_default="0")  # in a row
    open_until: Mapped[datetime | None]
    probing_until: Mapped[datetime | None]  # while half-open: the time of the one call that tries
    error: Mapped[str | None]
    changed_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))


class BreakerRow(_Breaker, OfShop, Base):
    """A destination of one shop."""

    __tablename__ = "breakers"
    __table_args__ = (ForeignKeyConstraint(["shop_id"], ["shops.id"]),)


class SharedBreakerRow(_Breaker, Base):
    """A destination that all shops share; holds nothing of any of them."""

    __tablename__ = "shared_breakers"

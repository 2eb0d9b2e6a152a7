"""Requests about personal data with their due dates, who must not come back, and the proof of erased shops."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKeyConstraint, Identity, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from plugin.db.base import Base, Key, OfShop, Serial


class PrivacyRequest(OfShop, Base):
    """customers/data_request, customers/redact or shop/redact: due 30 days after it came.

    open → reading (the inbox is gone through) → ready (an export waits for the merchant) → done; held: a shop that
    came back. A request that is done is its own proof: what was done to how many rows, and a digest over that.
    """

    __tablename__ = "privacy_requests"
    __table_args__ = (ForeignKeyConstraint(["shop_id"], ["shops.id"]), UniqueConstraint("shop_id", "key"))

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    key: Mapped[Key]
    kind: Mapped[Key]
    customer_id: Mapped[int | None]
    contact: Mapped[bytes | None]  # whom it is about, sealed (a Person's JSON); emptied when completed
    order_ids: Mapped[list[Any]] = mapped_column(server_default="[]")
    received_at: Mapped[datetime]
    due_at: Mapped[datetime]
    state: Mapped[Key] = mapped_column(server_default="open")
    completed_at: Mapped[datetime | None]
    read_to: Mapped[Key | None]  # the inbox is gone through up to this webhook id
    counts: Mapped[dict[str, Any]] = mapped_column(server_default="{}")  # rows erased or exported, by table
    manifest_sha256: Mapped[bytes | None]  # of the export's bytes, or of what was erased (plugin/privacy/proofs.py)
    export: Mapped[bytes | None] = mapped_column(deferred=True)  # sealed JSON; emptied at `export_until`
    export_until: Mapped[datetime | None]


class Erasure(OfShop, Base):
    """A tombstone: what names an erased person, and since when. Keys: customer:<id>, order:<id>, checkout:<token>,
    email:<veiled>, phone:<veiled>. Ids never come back; an address may, with whoever uses it after `erased_at`.
    """

    __tablename__ = "erasures"
    __table_args__ = (ForeignKeyConstraint(["shop_id"], ["shops.id"]),)

    key: Mapped[Key] = mapped_column(primary_key=True)
    erased_at: Mapped[datetime]


class ShopErasure(Base):
    """The proof that everything of one shop was deleted; the only row that outlives it. The owner's alone."""

    __tablename__ = "shop_erasures"

    id: Mapped[Serial]
    erased_shop_id: Mapped[int]
    domain_sha256: Mapped[bytes]
    received_at: Mapped[datetime]
    begun_at: Mapped[datetime]
    completed_at: Mapped[datetime | None]
    counts: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    manifest_sha256: Mapped[bytes | None]

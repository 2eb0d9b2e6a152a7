"""What watches over the ledger: seals that chain its entries, and looks that were taken at it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, Date, ForeignKeyConstraint, Identity, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from plugin.db.base import Base, Key, OfShop


class LedgerSeal(OfShop, Base):
    """All entries of a shop from behind the seal before up to `through_id`, as one digest. Append-only.

    `digest` is SHA-256 in hex over the digest before, a line feed, and by id each entry's line with a line feed
    (plugin/loyalty/books/lines.py). `marks` only find what was changed: 12 bytes an entry: id, CRC-32 of its line.
    """

    __tablename__ = "ledger_seals"
    __table_args__ = (ForeignKeyConstraint(["shop_id"], ["shops.id"]),)

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)  # 1, 2, 3 … without a gap
    day: Mapped[date] = mapped_column(Date)  # of the sealing, in the shop's time zone
    through_id: Mapped[int]
    entries: Mapped[int]
    points: Mapped[int]
    digest: Mapped[Key]
    marks: Mapped[bytes]
    sealed_at: Mapped[datetime]


class LedgerUpkeep(OfShop, Base):
    """How far the daily care of a shop's ledger is.

    `bound_id` is an id below which nothing can appear any more once no transaction older than `bound_xid` runs.
    """

    __tablename__ = "ledger_upkeep"
    __table_args__ = (ForeignKeyConstraint(["shop_id"], ["shops.id"]),)

    bound_id: Mapped[int | None]
    bound_xid: Mapped[int | None]
    sealed_on: Mapped[date | None] = mapped_column(Date)  # days in the shop's time zone
    checked_on: Mapped[date | None] = mapped_column(Date)
    warned_on: Mapped[date | None] = mapped_column(Date)


class LedgerCheck(OfShop, Base):
    """One look at the whole ledger. waiting → running → sound | broken | failed."""

    __tablename__ = "ledger_checks"
    __table_args__ = (
        ForeignKeyConstraint(["shop_id"], ["shops.id"]),
        Index(
            "uq_ledger_checks_open", "shop_id", unique=True, postgresql_where=text("state IN ('waiting', 'running')")
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    asked_by: Mapped[str] = mapped_column(server_default="")
    state: Mapped[Key] = mapped_column(server_default="waiting")
    first_seal: Mapped[int] = mapped_column(server_default="1")  # seals before it were looked at earlier
    through_seal: Mapped[int] = mapped_column(server_default="0")  # the last one looked at
    total: Mapped[int] = mapped_column(server_default="0")  # sealed entries to be read
    entries: Mapped[int] = mapped_column(server_default="0")  # of them read
    faults: Mapped[list[Any]] = mapped_column(server_default="[]")  # {"sentence", "values"}
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]

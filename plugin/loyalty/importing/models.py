"""Points that another programme gave: a file, its lines, and what became of each."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKeyConstraint, Identity, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from plugin.db.base import Base, Key, OfShop


class PointImport(OfShop, Base):
    """A file of balances or history. ready → running → done → undoing → undone; or dropped before it began."""

    __tablename__ = "point_imports"
    __table_args__ = (ForeignKeyConstraint(["shop_id"], ["shops.id"]),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    name: Mapped[str]
    state: Mapped[Key] = mapped_column(server_default="ready")
    lines: Mapped[int]
    faulty: Mapped[int]  # lines that cannot be imported
    customers: Mapped[int]
    points: Mapped[int]  # the sum of the others
    lapsed: Mapped[int]  # of it, on lines whose expiry has passed
    done: Mapped[int] = mapped_column(server_default="0")
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class PointImportRow(OfShop, Base):
    """A line of the file. `who` and `note` go once it is imported: the customer's number and the ledger stay."""

    __tablename__ = "point_import_rows"
    __table_args__ = (
        ForeignKeyConstraint(
            ["shop_id", "import_id"], ["point_imports.shop_id", "point_imports.id"], ondelete="CASCADE"
        ),
        Index("ix_point_import_rows_customer", "shop_id", "import_id", "customer_id"),
        Index(
            "ix_point_import_rows_faulty", "shop_id", "import_id", "line", postgresql_where=text("problem IS NOT NULL")
        ),
    )

    import_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    line: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)  # as a text editor counts
    who: Mapped[str] = mapped_column(server_default="")
    customer_id: Mapped[int | None]
    points: Mapped[int | None]
    occurred_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    note: Mapped[str] = mapped_column(server_default="")
    problem: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))  # {"sentence", "values"}
    applied: Mapped[bool] = mapped_column(server_default="false")

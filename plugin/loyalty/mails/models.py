"""Which mails of the programme go out and how they are written, and whose points moved since mails were last asked."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKeyConstraint
from sqlalchemy.orm import Mapped, mapped_column

from plugin.db.base import Base, Key, OfShop


class ProgramMail(OfShop, Base):
    """What the merchant changed about one kind of mail; without a row it is as kinds.py says."""

    __tablename__ = "program_mails"
    __table_args__ = (
        ForeignKeyConstraint(["shop_id"], ["shops.id"]),
        ForeignKeyConstraint(["shop_id", "digest"], ["templates.shop_id", "templates.digest"]),
    )

    kind: Mapped[Key] = mapped_column(primary_key=True)
    active: Mapped[bool]
    digest: Mapped[Key | None]  # of the template; null: the built-in one
    changed_at: Mapped[datetime]
    changed_by: Mapped[str]


class PointNews(OfShop, Base):
    """Points of this customer moved, and nobody has asked yet whether a mail follows. Gone once somebody has.

    No foreign key: the writer has just locked the account, and checking it row by row would slow down settling.
    """

    __tablename__ = "point_news"

    customer_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    noted_at: Mapped[datetime]

"""What customers did beside orders, what they told about themselves, and who may tell us of it.

A deed is recorded once under its key and decided later, one customer at a time (deciding.py); what it gave stands in
the ledger under the same key.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKeyConstraint, Identity, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from plugin.db.base import Base, Key, OfShop


class Deed(OfShop, Base):
    """Something a customer did. Undecided while `decided_at` is null; changes of the world open it again.

    Keys: `signup:<customer>`, `newsletter:<customer>`, `profile:<field>:<customer>`, `birthday:<customer>:<year>`,
    `anniversary:<since>:<customer>:<year>`, `event:<id of the sender>`. `customer_id` follows merges, the key does not.
    """

    __tablename__ = "deeds"
    __table_args__ = (
        ForeignKeyConstraint(["shop_id", "customer_id"], ["customers.shop_id", "customers.id"]),
        Index("ix_deeds_customer", "shop_id", "customer_id", "thing"),
        Index("ix_deeds_recorded", "shop_id", "recorded_at", "key"),
        Index("ix_deeds_open", "shop_id", "customer_id", postgresql_where=text("decided_at IS NULL")),
    )

    key: Mapped[Key] = mapped_column(primary_key=True)
    customer_id: Mapped[int]
    thing: Mapped[Key]  # terms.Way.thing
    occurred_at: Mapped[datetime]
    known_since: Mapped[datetime | None]  # a birthday: when its date was told
    withdrawn_at: Mapped[datetime | None]
    recorded_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    points: Mapped[int] = mapped_column(server_default="0")  # what is out for it now
    reason: Mapped[Key] = mapped_column(server_default="")  # rules.REASONS
    program_id: Mapped[int | None]  # whose rules decided
    way_id: Mapped[int | None]


class DeedSweep(OfShop, Base):
    """Up to which day of the shop birthdays and anniversaries are recorded."""

    __tablename__ = "deed_sweeps"
    __table_args__ = (ForeignKeyConstraint(["shop_id"], ["shops.id"]),)

    swept_on: Mapped[date]


class ProfileField(OfShop, Base):
    """Something the merchant would like to know. `kind`: birthday, text, choice. Never deleted once answered."""

    __tablename__ = "profile_fields"
    __table_args__ = (
        ForeignKeyConstraint(["shop_id"], ["shops.id"]),
        Index(
            "uq_profile_fields_birthday",
            "shop_id",
            unique=True,
            postgresql_where=text("kind = 'birthday' AND archived_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    label: Mapped[str]
    kind: Mapped[Key]
    choices: Mapped[list[Any]] = mapped_column(server_default="[]")
    created_at: Mapped[datetime]
    archived_at: Mapped[datetime | None]


class ProfileValue(OfShop, Base):
    """What a customer answered; a birthday as "MM-DD", without the year."""

    __tablename__ = "profile_values"
    __table_args__ = (
        ForeignKeyConstraint(["shop_id", "customer_id"], ["customers.shop_id", "customers.id"]),
        ForeignKeyConstraint(["shop_id", "field_id"], ["profile_fields.shop_id", "profile_fields.id"]),
        Index("ix_profile_values_value", "shop_id", "field_id", "value"),
    )

    customer_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    field_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    value: Mapped[Key]
    changed_at: Mapped[datetime]


class ApiToken(OfShop, Base):
    """Who may send events: the SHA-256 of a token that was shown once. After `ends_at` it opens nothing."""

    __tablename__ = "api_tokens"
    __table_args__ = (ForeignKeyConstraint(["shop_id"], ["shops.id"]),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    digest: Mapped[bytes]
    hint: Mapped[str]  # its last four letters
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    ends_at: Mapped[datetime | None]

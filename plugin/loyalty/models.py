"""Programs (versioned rules), tiers, rewards, and the append-only ledger with its lots and accounts.

The ledger is the balance: `point_accounts` and `point_lots` are projections of it, changed in the same transaction.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    ForeignKeyConstraint,
    Identity,
    Index,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from plugin.db.base import Base, Key, OfShop


class Program(OfShop, Base):
    """One version of the rules, valid over the half-open interval [valid_from, valid_to) of an order's moment."""

    __tablename__ = "programs"
    __table_args__ = (
        ForeignKeyConstraint(["shop_id"], ["shops.id"]),
        UniqueConstraint("shop_id", "version"),
        CheckConstraint("earn_points >= 0 AND earn_per_minor > 0", name="earn_rate"),
        CheckConstraint("valid_to IS NULL OR valid_to > valid_from", name="interval"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    version: Mapped[int]
    name: Mapped[str]
    points_one: Mapped[str]  # "bean"
    points_many: Mapped[str]  # "beans"
    currency: Mapped[str]
    earn_points: Mapped[int]  # earn_points per earn_per_minor of money: 3 per 100 = 3 points per 1.00
    earn_per_minor: Mapped[int]
    return_days: Mapped[int] = mapped_column(server_default="14")  # points are pending that long after the order
    expiry_days: Mapped[int | None]  # null: points never expire
    tier_days: Mapped[int] = mapped_column(server_default="365")
    tax_basis: Mapped[Key] = mapped_column(server_default="shown")  # shown, with, without: rules.TAX_BASES
    paused: Mapped[bool] = mapped_column(Boolean, server_default="false")
    rules: Mapped[dict[str, Any]] = mapped_column(server_default="{}")  # the rest: document.py reads it
    holdout_salt: Mapped[int | None]  # by which customers are split (holdout.py); every version keeps it
    valid_from: Mapped[datetime]
    valid_to: Mapped[datetime | None]
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(server_default="")
    # Long work in steps, each committed with its place (plugin/loyalty/catching_up.py).
    history_after: Mapped[int | None]  # past orders are settled up to this id; null: all are
    accounts_after: Mapped[int | None]  # today's tiers are told up to this customer; null: all are
    accounts_seen_at: Mapped[datetime | None]  # when all accounts were last told


class Tier(OfShop, Base):
    """A tier of one program version. Rate: multiplier rate_num/rate_den on the points earned."""

    __tablename__ = "tiers"
    __table_args__ = (
        ForeignKeyConstraint(["shop_id", "program_id"], ["programs.shop_id", "programs.id"], ondelete="CASCADE"),
        Index("ix_tiers_program", "shop_id", "program_id", "position"),
        CheckConstraint("threshold_minor >= 0 AND rate_num > 0 AND rate_den > 0", name="rate"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    program_id: Mapped[int]
    name: Mapped[str]
    threshold_minor: Mapped[int]  # spend within the program's tier_days, net of refunds
    rate_num: Mapped[int] = mapped_column(server_default="1")
    rate_den: Mapped[int] = mapped_column(server_default="1")
    position: Mapped[int] = mapped_column(server_default="0")  # in the ladder, the lowest first
    origin: Mapped[int | None]  # the id of the same tier in the first version that had it; null: this one
    terms: Mapped[dict[str, Any]] = mapped_column(server_default="{}")  # the rest: tiers/terms.py reads it


class Reward(OfShop, Base):
    """What points buy; `terms` holds what not every kind has (plugin/loyalty/terms.py)."""

    __tablename__ = "rewards"
    __table_args__ = (
        ForeignKeyConstraint(["shop_id"], ["shops.id"]),
        CheckConstraint("cost_points > 0 AND value_minor >= 0", name="price"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    name: Mapped[str]
    kind: Mapped[Key] = mapped_column(server_default="amount_off")  # terms.KINDS
    cost_points: Mapped[int]
    value_minor: Mapped[int]
    currency: Mapped[str]
    minimum_minor: Mapped[int] = mapped_column(server_default="0")
    valid_days: Mapped[int] = mapped_column(server_default="90")
    active: Mapped[bool] = mapped_column(server_default="true")
    terms: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    version: Mapped[int] = mapped_column(server_default="1")
    archived_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class PointAccount(OfShop, Base):
    """The projection of one customer's ledger; the row that every ledger writer locks first."""

    __tablename__ = "point_accounts"
    __table_args__ = (
        ForeignKeyConstraint(["shop_id", "customer_id"], ["customers.shop_id", "customers.id"]),
        CheckConstraint("available >= 0 AND pending >= 0 AND debt >= 0", name="no_negative"),
        CheckConstraint("available = 0 OR debt = 0", name="debt_first"),
    )

    customer_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    available: Mapped[int] = mapped_column(server_default="0")
    pending: Mapped[int] = mapped_column(server_default="0")
    debt: Mapped[int] = mapped_column(server_default="0")
    tier_id: Mapped[int | None]
    tier_name: Mapped[str | None]
    tier_since: Mapped[datetime | None]
    tier_spend_minor: Mapped[int] = mapped_column(server_default="0")  # spend in the window, at the last look
    updated_at: Mapped[datetime | None]


class PointEntry(OfShop, Base):
    """One movement: `points` on the customer's side, minus the same on `counter_account`, so both sides sum to zero.

    `program_id` and the lots' customers have no foreign key: the writer has just read and locked both, and checking
    them row by row would cost a third of the writing. Append-only: the app role cannot UPDATE or DELETE. `explanation`
    holds inputs and arithmetic, never personal data.
    """

    __tablename__ = "point_entries"
    __table_args__ = (
        ForeignKeyConstraint(["shop_id", "customer_id"], ["point_accounts.shop_id", "point_accounts.customer_id"]),
        UniqueConstraint("shop_id", "key"),
        Index("ix_point_entries_customer", "shop_id", "customer_id", "id"),
        Index("ix_point_entries_order", "shop_id", "order_id", postgresql_where=text("order_id IS NOT NULL")),
        Index("ix_point_entries_rare", "shop_id", "kind", "id", postgresql_where=text("kind <> 'earn'")),
        Index("ix_point_entries_created", "created_at", postgresql_using="brin"),
        CheckConstraint("points <> 0", name="not_empty"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    customer_id: Mapped[int]
    kind: Mapped[Key]  # earn, claw, redeem, return, expire, unexpire, adjust
    points: Mapped[int]
    counter_account: Mapped[Key]  # sales, rewards, breakage, staff
    order_id: Mapped[int | None]
    redemption_id: Mapped[int | None]
    program_id: Mapped[int | None]
    key: Mapped[Key]
    explanation: Mapped[dict[str, Any]]
    actor: Mapped[str] = mapped_column(server_default="")
    occurred_at: Mapped[datetime]  # business time of the thing that moved the points
    available_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class OrderFacts(OfShop, Base):
    """What rules ask of an order that the store may change later: pinned when the order is first settled.

    Tags and collections of its lines' products, and of its customer's tags those that any version's rules name. Lines
    that an edit adds later are pinned when they are first seen.
    """

    __tablename__ = "order_facts"
    __table_args__ = (ForeignKeyConstraint(["shop_id", "order_id"], ["orders.shop_id", "orders.id"]),)

    order_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    customer_tags: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    lines: Mapped[dict[str, Any]]  # line id → {"tags": [folded], "collections": [ids]}


class PointNote(OfShop, Base):
    """Why staff changed points by hand, in their own words: beside the ledger, so that it can be erased."""

    __tablename__ = "point_notes"
    __table_args__ = (ForeignKeyConstraint(["shop_id", "entry_id"], ["point_entries.shop_id", "point_entries.id"]),)

    entry_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    note: Mapped[str]


class PointLot(OfShop, Base):
    """Points that came together, with their own dates; spent first-in-first-out by expiry."""

    __tablename__ = "point_lots"
    __table_args__ = (
        CheckConstraint("remaining >= 0 AND remaining <= granted", name="remaining"),
        CheckConstraint("expired >= 0 AND remaining + expired <= granted", name="expired"),
        Index(
            "ix_point_lots_open", "shop_id", "customer_id", "expires_at", "id", postgresql_where=text("remaining > 0")
        ),
        UniqueConstraint("shop_id", "order_id", "customer_id"),
        Index("ix_point_lots_source", "shop_id", "source", postgresql_where=text("source IS NOT NULL")),
        Index("ix_point_lots_expired", "shop_id", "customer_id", postgresql_where=text("expired > 0")),
        Index("ix_point_lots_due", "shop_id", "available_at", postgresql_where=text("pending AND remaining > 0")),
        Index(
            "ix_point_lots_expiring",
            "shop_id",
            "expires_at",
            postgresql_where=text("NOT pending AND remaining > 0 AND expires_at IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    customer_id: Mapped[int]
    order_id: Mapped[int | None]
    source: Mapped[str | None]  # key of the entry that brought them, when no order did
    granted: Mapped[int]  # net of what was taken back from this very lot
    remaining: Mapped[int]
    expired: Mapped[int] = mapped_column(server_default="0")  # what expiry took from it
    expiries: Mapped[int] = mapped_column(server_default="0")  # how often it took: makes their keys
    pending: Mapped[bool] = mapped_column(server_default="false")
    available_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class LotUse(OfShop, Base):
    """Which lots a redemption took from, so that a return goes back to the very same ones."""

    __tablename__ = "lot_uses"
    __table_args__ = (
        ForeignKeyConstraint(["shop_id", "lot_id"], ["point_lots.shop_id", "point_lots.id"]),
        ForeignKeyConstraint(["shop_id", "redemption_id"], ["redemptions.shop_id", "redemptions.id"]),
    )

    redemption_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    lot_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    points: Mapped[int]


class Redemption(OfShop, Base):
    """One purchase of a reward. The code's name repeats for the same redemption and cannot be guessed."""

    __tablename__ = "redemptions"
    __table_args__ = (
        ForeignKeyConstraint(["shop_id", "customer_id"], ["point_accounts.shop_id", "point_accounts.customer_id"]),
        ForeignKeyConstraint(["shop_id", "reward_id"], ["rewards.shop_id", "rewards.id"]),
        UniqueConstraint("shop_id", "customer_id", "request_key"),
        UniqueConstraint("shop_id", "code"),
        Index("ix_redemptions_customer", "shop_id", "customer_id", "id"),
        Index("ix_redemptions_reward", "shop_id", "reward_id", "created_at"),
        Index("ix_redemptions_run_out", "shop_id", "expires_at", postgresql_where=text("state = 'issued'")),
        Index("ix_redemptions_late", "shop_id", "id", postgresql_where=text("state = 'late'")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    customer_id: Mapped[int]
    reward_id: Mapped[int]
    request_key: Mapped[Key]  # the shopper's click: the same click twice is one redemption
    points: Mapped[int]
    value_minor: Mapped[int]
    currency: Mapped[str]
    minimum_minor: Mapped[int] = mapped_column(server_default="0")
    code: Mapped[Key]
    state: Mapped[Key] = mapped_column(server_default="reserved")  # plugin/loyalty/returning.py draws them
    kind: Mapped[Key] = mapped_column(server_default="amount_off")
    reward_version: Mapped[int | None]
    cost_minor: Mapped[int] = mapped_column(server_default="0")  # what it is expected to cost the shop
    spent_minor: Mapped[int | None]  # what it did cost, measured from the order that used it
    comes_back: Mapped[bool] = mapped_column(server_default="false")  # points return when it runs out unused
    discount_gid: Mapped[str | None]  # of the discount, gift card or credit in the store
    used_order_id: Mapped[int | None]
    created_at: Mapped[datetime]
    issued_at: Mapped[datetime | None]
    expires_at: Mapped[datetime]

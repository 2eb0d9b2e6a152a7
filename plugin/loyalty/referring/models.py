"""Personal links, and what came of them.

A referral is one friend, once: its state is derived from orders, signals and what staff decided (rules.py), and can be
derived again at any time. `points` is what is out for it now; it is moved only by paying.py.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKeyConstraint, Identity, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from plugin.db.base import Base, Key, OfShop


class ReferralLink(OfShop, Base):
    """One customer's personal link. A merge moves it to who is kept, whose own stays beside it: both go on working."""

    __tablename__ = "referral_links"
    __table_args__ = (
        ForeignKeyConstraint(["shop_id", "customer_id"], ["customers.shop_id", "customers.id"]),
        UniqueConstraint("shop_id", "made_for"),
        Index("ix_referral_links_customer", "shop_id", "customer_id"),
    )

    code: Mapped[Key] = mapped_column(primary_key=True)
    customer_id: Mapped[int]
    made_for: Mapped[int]  # whose it was at first
    opened: Mapped[int] = mapped_column(server_default="0")  # how often its page was looked at
    created_at: Mapped[datetime]


class Referral(OfShop, Base):
    """One friend of one advocate. E-mail and mailbox go when the claim lapses or the friend is erased."""

    __tablename__ = "referrals"
    __table_args__ = (
        ForeignKeyConstraint(["shop_id", "link_code"], ["referral_links.shop_id", "referral_links.code"]),
        ForeignKeyConstraint(["shop_id", "program_id"], ["programs.shop_id", "programs.id"]),
        UniqueConstraint("shop_id", "code"),
        Index("uq_referrals_mailbox", "shop_id", "mailbox", unique=True),
        Index("ix_referrals_advocate", "shop_id", "advocate_id", "claimed_at"),
        Index("ix_referrals_friend", "shop_id", "friend_id"),
        Index("ix_referrals_order", "shop_id", "order_id"),
        Index("ix_referrals_claimed", "shop_id", "claimed_at", "id"),
        Index("ix_referrals_state", "shop_id", "state", "claimed_at", "id"),
        Index("ix_referrals_due", "shop_id", "due_at", postgresql_where=text("due_at IS NOT NULL")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    link_code: Mapped[Key]
    advocate_id: Mapped[int]
    advocate_was: Mapped[int | None]  # before a merge
    program_id: Mapped[int]  # whose terms were promised
    email: Mapped[Key | None]  # as the friend gave it, lower case
    mailbox: Mapped[Key | None]
    friend_id: Mapped[int | None]  # once the store knows them
    code: Mapped[Key]  # the friend's welcome code
    code_state: Mapped[Key] = mapped_column(server_default="none")  # none, asked, made, ended, refused
    discount_gid: Mapped[str | None]
    code_ends_at: Mapped[datetime]
    order_id: Mapped[int | None]
    ordered_at: Mapped[datetime | None]
    net_minor: Mapped[int | None]
    state: Mapped[Key] = mapped_column(server_default="claimed")
    reason: Mapped[Key] = mapped_column(server_default="")
    signals: Mapped[list[Any]] = mapped_column(server_default="[]")  # plugin.loyalty.referring.fraud.Signal.told
    verdict: Mapped[Key | None]  # what staff said: accepted, rejected
    verdict_note: Mapped[str | None]
    verdict_by: Mapped[str | None]
    verdict_at: Mapped[datetime | None]
    held_until: Mapped[datetime | None]
    points: Mapped[int] = mapped_column(server_default="0")  # out for it now
    awards: Mapped[int] = mapped_column(server_default="0")  # how often they went out: makes their keys
    rewarded_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]  # when somebody must look again
    claimed_at: Mapped[datetime]
    locale: Mapped[str] = mapped_column(server_default="en")

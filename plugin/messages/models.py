"""Every mail as a row, the permissions it stands on, and what stops it."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKeyConstraint, Identity, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from plugin.db.base import Base, Key, OfShop


class Message(OfShop, Base):
    """One logical mail for ever. queued → sending (lease) → sent | skipped | failed | unknown."""

    __tablename__ = "messages"
    __table_args__ = (
        ForeignKeyConstraint(["shop_id"], ["shops.id"]),
        UniqueConstraint("shop_id", "key"),
        Index("ix_messages_due", "shop_id", "next_attempt_at", postgresql_where=text("state IN ('queued', 'sending')")),
        Index("ix_messages_customer", "shop_id", "customer_id", "id"),
        Index("ix_messages_subject", "shop_id", "subject_kind", "subject_id", "id"),
        Index("ix_messages_stuck", "shop_id", "id", postgresql_where=text("state IN ('failed', 'unknown')")),
        Index("ix_messages_waiting", "shop_id", "email", postgresql_where=text("state = 'queued'")),
        Index(
            "ix_messages_frequency",
            "shop_id",
            "email",
            "sent_at",
            postgresql_where=text("marketing AND sent_at IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    key: Mapped[Key]  # "cart:<enrollment>:1", "announce:<field>:<product>:<subscription>"
    kind: Mapped[Key]  # cart, announcement, reward, test
    marketing: Mapped[bool]  # needs permission; sent once or listed as unknown
    scope: Mapped[Key] = mapped_column(server_default="all")  # what an unsubscribe ends: all, field:<id>
    customer_id: Mapped[int | None]
    email: Mapped[Key]  # lower case
    locale: Mapped[str] = mapped_column(server_default="en")
    subject_kind: Mapped[Key | None]  # what it is about: enrollment, product, redemption
    subject_id: Mapped[int | None]
    template: Mapped[dict[str, Any]]  # {"name": a built-in} or {"digest": one of `templates`}, and where it is from
    context: Mapped[dict[str, Any]]  # what the template is filled with
    state: Mapped[Key] = mapped_column(server_default="queued")
    reason: Mapped[Key | None]  # the rule that skipped it, or why it failed or is unknown (plugin/messages/rules.py)
    value: Mapped[dict[str, Any] | None]  # the value that rule looked at, or the mail server's words
    attempts: Mapped[int] = mapped_column(server_default="0")
    next_attempt_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))
    lease: Mapped[uuid.UUID | None]
    message_id: Mapped[str | None]  # the RFC 5322 Message-ID, derived from shop and key
    subject: Mapped[str | None]  # as sent
    html: Mapped[str | None]
    text: Mapped[str | None]
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]  # business time; also of a mail that may have been sent (unknown)


class Template(OfShop, Base):
    """A template version, named by its digest and compiled once: MJML becomes an HTML page with Liquid in it."""

    __tablename__ = "templates"
    __table_args__ = (ForeignKeyConstraint(["shop_id"], ["shops.id"]),)

    digest: Mapped[Key] = mapped_column(primary_key=True)  # hex SHA-256 of the four sources below
    subject: Mapped[str]  # Liquid
    preheader: Mapped[str]  # Liquid
    mjml: Mapped[str]
    text: Mapped[str]  # Liquid: the plain-text part
    html: Mapped[str]  # the MJML compiled, still Liquid
    created_at: Mapped[datetime]


class Suppression(OfShop, Base):
    """An address that must not be written to: for everything marketing ("all") or for one field."""

    __tablename__ = "suppressions"
    __table_args__ = (ForeignKeyConstraint(["shop_id"], ["shops.id"]),)

    email: Mapped[Key] = mapped_column(primary_key=True)
    scope: Mapped[Key] = mapped_column(primary_key=True)
    reason: Mapped[str]
    created_at: Mapped[datetime]


class Consent(OfShop, Base):
    """Permission to market given or taken back: who, when, where, by which words. Append-only."""

    __tablename__ = "consents"
    __table_args__ = (
        ForeignKeyConstraint(["shop_id"], ["shops.id"]),
        Index("ix_consents_email", "shop_id", "email", "id"),
        Index("ix_consents_no", "shop_id", "customer_id", postgresql_where=text("NOT granted")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    email: Mapped[Key]
    customer_id: Mapped[int | None]
    scope: Mapped[Key]  # all, field:<id>
    granted: Mapped[bool]
    words: Mapped[str]  # the sentence the person saw
    source: Mapped[str]  # storefront, one_click, unsubscribe_page, store, panel
    occurred_at: Mapped[datetime]

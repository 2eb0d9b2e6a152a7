"""What is known about the addresses of a batch at the moment of sending, read in a handful of statements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from plugin import clock
from plugin.commerce.models import Customer
from plugin.messages.models import Consent, Message, Suppression
from plugin.messages.rules import ALL, FREQUENCY_DAYS, Standing, Suppressed, address
from plugin.shops import veils
from plugin.shops.models import Shop


def people(session: Session, shop: Shop, messages: Sequence[Message]) -> dict[int, Customer]:
    """The customer behind each message, by its id: the one it names, else the one with its address."""
    ids = [m.customer_id for m in messages if m.customer_id]
    emails = [m.email for m in messages]
    rows = session.scalars(
        select(Customer)
        .where(
            Customer.shop_id == shop.id,
            or_(Customer.id.in_(ids), Customer.email.in_(emails)),
            Customer.deleted_at.is_(None),
        )
        .order_by(Customer.id.desc())
        .execution_options(populate_existing=True)
    ).all()
    by_id = {row.id: row for row in rows}
    by_email = {address(row.email): row for row in rows if row.email}
    found = {m.id: by_id.get(m.customer_id or 0) or by_email.get(m.email) for m in messages}
    return {message_id: customer for message_id, customer in found.items() if customer}


def standings(
    session: Session, shop: Shop, messages: Sequence[Message], customers: Mapping[int, Customer]
) -> dict[int, Standing]:
    """The standing of each message's address, by the message's id."""
    emails = sorted({m.email for m in messages})
    listed = _suppressions(session, shop, emails)
    granted = _grants(session, shop, emails)
    counts = marketing_counts(session, shop, emails)
    return {
        m.id: Standing(
            suppressions=tuple(listed.get(m.email, ())),
            consent=customers[m.id].email_consent if m.id in customers else None,
            consent_at=customers[m.id].email_consent_at if m.id in customers else None,
            granted_at=granted.get((m.email, m.scope)),
            marketing_count=counts.get(m.email, 0),
        )
        for m in messages
    }


def marketing_counts(session: Session, shop: Shop, emails: Sequence[str]) -> dict[str, int]:
    """Marketing mails that went (or may have gone) to each address in the last FREQUENCY_DAYS."""
    since = clock.now(session) - timedelta(days=FREQUENCY_DAYS)
    rows = session.execute(
        select(Message.email, func.count())
        .where(Message.shop_id == shop.id, Message.marketing, Message.email.in_(emails), Message.sent_at > since)
        .group_by(Message.email)
    )
    return dict(iter(rows))


def _suppressions(session: Session, shop: Shop, emails: Sequence[str]) -> dict[str, list[Suppressed]]:
    """By address; who was erased is listed under a veil, and a "no" said before still counts."""
    listed: dict[str, list[Suppressed]] = defaultdict(list)
    names = veils.listed_as(session, shop.id, emails)
    for line in session.scalars(
        select(Suppression)
        .where(Suppression.shop_id == shop.id, Suppression.email.in_(names))
        .execution_options(populate_existing=True)
    ):
        listed[names[line.email]].append(Suppressed(line.scope, line.reason, line.created_at))
    return listed


def _grants(session: Session, shop: Shop, emails: Sequence[str]) -> dict[tuple[str, str], datetime]:
    rows = session.execute(
        select(Consent.email, Consent.scope, func.max(Consent.occurred_at))
        .where(Consent.shop_id == shop.id, Consent.email.in_(emails), Consent.granted, Consent.scope != ALL)
        .group_by(Consent.email, Consent.scope)
    )
    return {(email, scope): at for email, scope, at in rows}

"""Reads of mail: what a customer got, what waits, what nobody knows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from plugin.errors import NotFound
from plugin.messages.models import Consent, Message, Suppression
from plugin.messages.rules import address
from plugin.shops.models import Shop


def of_customer(
    session: Session, shop: Shop, customer_id: int, *, before_id: int | None = None, limit: int = 50
) -> Sequence[Message]:
    """A customer's messages, the newest first; `before_id` is the last id of the page before."""
    wanted = select(Message).where(Message.shop_id == shop.id, Message.customer_id == customer_id)
    if before_id:
        wanted = wanted.where(Message.id < before_id)
    return session.scalars(wanted.order_by(Message.id.desc()).limit(limit)).all()


def message(session: Session, shop: Shop, message_id: int) -> Message:
    """One message with its text as sent. Raises NotFound."""
    found = session.get(Message, (shop.id, message_id))
    if found is None:
        raise NotFound("This message does not exist.")
    return found


def counts(session: Session, shop: Shop, since: datetime | None = None) -> dict[str, int]:
    """Messages by state, asked for since `since` (business time)."""
    counted = select(Message.state, func.count()).where(Message.shop_id == shop.id).group_by(Message.state)
    return dict(iter(session.execute(counted.where(Message.created_at >= since) if since else counted)))


def unsettled(session: Session, shop: Shop, limit: int = 50) -> Sequence[Message]:
    """Messages somebody should look at: failed, or nobody knows whether they were sent; the newest first."""
    stuck = select(Message).where(Message.shop_id == shop.id, Message.state.in_(("failed", "unknown")))
    return session.scalars(stuck.order_by(Message.id.desc()).limit(limit)).all()


def suppressions_of(session: Session, shop: Shop, email: str) -> Sequence[Suppression]:
    """What an address must not be written about."""
    listed = select(Suppression).where(Suppression.shop_id == shop.id, Suppression.email == address(email))
    return session.scalars(listed.order_by(Suppression.scope)).all()


def consents_of(session: Session, shop: Shop, customer_id: int | None, email: str | None) -> Sequence[Consent]:
    """Every yes and no of a person, the newest first."""
    whose = or_(Consent.customer_id == customer_id, Consent.email == address(email or ""))
    return session.scalars(select(Consent).where(Consent.shop_id == shop.id, whose).order_by(Consent.id.desc())).all()

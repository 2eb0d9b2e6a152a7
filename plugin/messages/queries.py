"""Reads of mail: what a customer got, what waits, what nobody knows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from plugin.messages.models import Message
from plugin.shops.models import Shop


def of_customer(
    session: Session, shop: Shop, customer_id: int, *, before_id: int | None = None, limit: int = 50
) -> Sequence[Message]:
    """A customer's messages, the newest first; `before_id` is the last id of the page before."""
    wanted = select(Message).where(Message.shop_id == shop.id, Message.customer_id == customer_id)
    if before_id:
        wanted = wanted.where(Message.id < before_id)
    return session.scalars(wanted.order_by(Message.id.desc()).limit(limit)).all()


def counts(session: Session, shop: Shop, since: datetime | None = None) -> dict[str, int]:
    """Messages by state, asked for since `since` (business time)."""
    counted = select(Message.state, func.count()).where(Message.shop_id == shop.id).group_by(Message.state)
    return dict(iter(session.execute(counted.where(Message.created_at >= since) if since else counted)))

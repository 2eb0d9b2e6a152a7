"""Subscription fields with what became of them: subscribers and announcements."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from plugin.errors import NotFound
from plugin.messages.models import Message
from plugin.messages.rules import field_scope
from plugin.shops.models import Shop
from plugin.subscriptions.models import Subscription, SubscriptionField


@dataclass(frozen=True)
class FieldReport:
    """A field with how many people wait for its products now, and what was announced to them."""

    field: SubscriptionField
    subscribers: int
    ended: int
    announced: int
    last_announced_at: datetime | None


def fields(session: Session, shop: Shop) -> list[FieldReport]:
    """All fields of a shop, newest first."""
    found = session.scalars(
        select(SubscriptionField)
        .where(SubscriptionField.shop_id == shop.id)
        .order_by(SubscriptionField.active.desc(), SubscriptionField.id.desc())
    ).all()
    wishes, mails = _wishes(session, shop), _mails(session, shop)
    return [
        FieldReport(field, *wishes.get(field.id, (0, 0)), *mails.get(field_scope(field.id), (0, None)))
        for field in found
    ]


def field(session: Session, shop: Shop, field_id: int) -> SubscriptionField:
    """One field. Raises NotFound."""
    found = session.get(SubscriptionField, (shop.id, field_id))
    if found is None:
        raise NotFound("This field does not exist or was removed.")
    return found


def subscribers(session: Session, shop: Shop, field_id: int, limit: int = 50) -> list[Subscription]:
    """The latest people who asked for this field, newest first."""
    statement = select(Subscription).where(Subscription.shop_id == shop.id, Subscription.field_id == field_id)
    return list(session.scalars(statement.order_by(Subscription.id.desc()).limit(limit)))


def _wishes(session: Session, shop: Shop) -> dict[int, tuple[int, int]]:
    active = func.count().filter(Subscription.ended_at.is_(None))
    ended = func.count().filter(Subscription.ended_at.is_not(None))
    statement = select(Subscription.field_id, active, ended).where(Subscription.shop_id == shop.id)
    return {row[0]: (row[1], row[2]) for row in session.execute(statement.group_by(Subscription.field_id))}


def _mails(session: Session, shop: Shop) -> dict[str, tuple[int, datetime | None]]:
    statement = (
        select(Message.scope, func.count(), func.max(Message.sent_at))
        .where(Message.shop_id == shop.id, Message.kind == "announcement", Message.state == "sent")
        .group_by(Message.scope)
    )
    return {row[0]: (row[1], row[2]) for row in session.execute(statement)}

"""What the panel shows about customers beyond the mirror: points, tier, redemptions, messages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from plugin.loyalty.models import PointAccount, PointEntry, PointLot, Program, Redemption
from plugin.messages.models import Message
from plugin.shops.models import Shop
from plugin.subscriptions.models import Subscription, SubscriptionField


def program_now(session: Session, shop: Shop, now: datetime) -> Program | None:
    """The version of the programme in force at a moment, None before the first."""
    statement = (
        select(Program)
        .where(Program.shop_id == shop.id, Program.valid_from <= now)
        .where(or_(Program.valid_to.is_(None), Program.valid_to > now))
        .order_by(Program.version.desc())
        .limit(1)
    )
    return session.scalar(statement)


def accounts(session: Session, shop: Shop, customer_ids: Sequence[int]) -> dict[int, PointAccount]:
    """Point accounts by customer; customers without any movement have none."""
    statement = select(PointAccount).where(PointAccount.shop_id == shop.id, PointAccount.customer_id.in_(customer_ids))
    return {account.customer_id: account for account in session.scalars(statement)}


def entries(
    session: Session, shop: Shop, customer_id: int, before_id: int | None = None, limit: int = 20
) -> list[PointEntry]:
    """A customer's ledger, newest first, from before an entry on."""
    statement = select(PointEntry).where(PointEntry.shop_id == shop.id, PointEntry.customer_id == customer_id)
    if before_id is not None:
        statement = statement.where(PointEntry.id < before_id)
    return list(session.scalars(statement.order_by(PointEntry.id.desc()).limit(limit)))


def next_expiry(session: Session, shop: Shop, customer_id: int) -> PointLot | None:
    """The lot that expires first, None when nothing expires."""
    statement = (
        select(PointLot)
        .where(PointLot.shop_id == shop.id, PointLot.customer_id == customer_id)
        .where(PointLot.remaining > 0, PointLot.expires_at.is_not(None))
        .order_by(PointLot.expires_at)
        .limit(1)
    )
    return session.scalar(statement)


def redemptions(session: Session, shop: Shop, customer_id: int, limit: int = 10) -> list[Redemption]:
    """A customer's redemptions, newest first."""
    statement = select(Redemption).where(Redemption.shop_id == shop.id, Redemption.customer_id == customer_id)
    return list(session.scalars(statement.order_by(Redemption.id.desc()).limit(limit)))


def messages(session: Session, shop: Shop, customer_id: int, limit: int = 20) -> list[Message]:
    """What was sent to a customer, or not sent and why, newest first."""
    statement = select(Message).where(Message.shop_id == shop.id, Message.customer_id == customer_id)
    return list(session.scalars(statement.order_by(Message.id.desc()).limit(limit)))


def subscriptions(session: Session, shop: Shop, customer_id: int) -> list[tuple[Subscription, str]]:
    """A customer's subscriptions with the label of each field, newest first."""
    statement = (
        select(Subscription, SubscriptionField.label)
        .join(
            SubscriptionField,
            (SubscriptionField.shop_id == Subscription.shop_id) & (SubscriptionField.id == Subscription.field_id),
        )
        .where(Subscription.shop_id == shop.id, Subscription.customer_id == customer_id)
        .order_by(Subscription.id.desc())
    )
    return [(row[0], row[1]) for row in session.execute(statement)]

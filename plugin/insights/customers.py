"""What the panel shows about customers beyond the mirror and the ledger."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.loyalty.models import PointAccount
from plugin.messages.models import Message
from plugin.shops.models import Shop
from plugin.subscriptions.models import Subscription, SubscriptionField


def accounts(session: Session, shop: Shop, customer_ids: Sequence[int]) -> dict[int, PointAccount]:
    """Point accounts by customer; customers without any movement have none."""
    statement = select(PointAccount).where(PointAccount.shop_id == shop.id, PointAccount.customer_id.in_(customer_ids))
    return {account.customer_id: account for account in session.scalars(statement)}


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

"""Reads of subscription fields: what is offered, by how many it is wished, and which products it is about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from plugin.commerce.models import Product
from plugin.errors import NotFound
from plugin.messages.models import Message
from plugin.messages.rules import address
from plugin.shops.models import Shop
from plugin.subscriptions import rules
from plugin.subscriptions.models import Subscription, SubscriptionField


@dataclass(frozen=True)
class FieldRow:
    """A field with its figures."""

    field: SubscriptionField
    active_count: int  # wishes that stand
    ended_count: int
    sent_count: int  # announcements sent
    last_sent_at: datetime | None


def fields(session: Session, shop: Shop) -> list[FieldRow]:
    """All fields, the newest first."""
    wishes = _wish_counts(session, shop)
    mails = _mail_counts(session, shop)
    rows = session.scalars(
        select(SubscriptionField).where(SubscriptionField.shop_id == shop.id).order_by(SubscriptionField.id.desc())
    )
    return [_field_row(row, wishes, mails) for row in rows]


def field(session: Session, shop: Shop, field_id: int) -> SubscriptionField:
    """One field. Raises NotFound."""
    found = session.get(SubscriptionField, (shop.id, field_id))
    if found is None:
        raise NotFound("This subscription field does not exist.")
    return found


def fields_for(session: Session, shop: Shop, product_id: int) -> list[SubscriptionField]:
    """The fields to show on a product's page, oldest first; none for an unknown product."""
    product = session.get(Product, (shop.id, product_id))
    if product is None or product.deleted_at is not None:
        return []
    offered = session.scalars(
        select(SubscriptionField)
        .where(SubscriptionField.shop_id == shop.id, SubscriptionField.active)
        .order_by(SubscriptionField.id)
    )
    return [each for each in offered if rules.matches(product, each)]


def subscribed_fields(session: Session, shop: Shop, email: str) -> set[int]:
    """Ids of the fields this address has wished for and not ended."""
    wishes = select(Subscription.field_id).where(
        Subscription.shop_id == shop.id, Subscription.email == address(email), Subscription.ended_at.is_(None)
    )
    return set(session.scalars(wishes))


def subscriptions(
    session: Session, shop: Shop, field_id: int, *, before_id: int | None = None, limit: int = 50
) -> Sequence[Subscription]:
    """Standing wishes of a field, the newest first; `before_id` is the last id of the page before."""
    wanted = select(Subscription).where(
        Subscription.shop_id == shop.id, Subscription.field_id == field_id, Subscription.ended_at.is_(None)
    )
    if before_id:
        wanted = wanted.where(Subscription.id < before_id)
    return session.scalars(wanted.order_by(Subscription.id.desc()).limit(limit)).all()


def of_customer(session: Session, shop: Shop, customer_id: int) -> Sequence[Subscription]:
    """A customer's wishes, standing and ended, the newest first."""
    whose = select(Subscription).where(Subscription.shop_id == shop.id, Subscription.customer_id == customer_id)
    return session.scalars(whose.order_by(Subscription.id.desc())).all()


def matching_products(
    session: Session, shop: Shop, match_kind: str, match_value: str, limit: int = 20
) -> tuple[int, list[Product]]:
    """How many available products a field is about, and the newest of them: the worked example beside the form."""
    wanted = rules.Wanted(match_kind, match_value)
    products = session.scalars(
        select(Product)
        .where(Product.shop_id == shop.id, Product.published_at.is_not(None), Product.deleted_at.is_(None))
        .order_by(Product.published_at.desc(), Product.id.desc())
    )
    matching = [product for product in products if rules.is_available(product) and rules.matches(product, wanted)]
    return len(matching), matching[:limit]


def known_values(session: Session, shop: Shop, match_kind: str) -> list[str]:
    """The product types or tags of the shop's catalogue, sorted: suggestions for the form."""
    source = Product.product_type if match_kind == "type" else func.unnest(Product.tags)
    rows = session.scalars(select(source).where(Product.shop_id == shop.id, Product.deleted_at.is_(None)).distinct())
    return sorted({value for value in rows if value}, key=str.casefold)


def _wish_counts(session: Session, shop: Shop) -> dict[int, tuple[int, int]]:
    standing = func.count().filter(Subscription.ended_at.is_(None))
    rows = session.execute(
        select(Subscription.field_id, standing, func.count())
        .where(Subscription.shop_id == shop.id)
        .group_by(Subscription.field_id)
    )
    return {field_id: (active, all_ - active) for field_id, active, all_ in rows}


def _mail_counts(session: Session, shop: Shop) -> dict[str, tuple[int, datetime | None]]:
    rows = session.execute(
        select(Message.scope, func.count(), func.max(Message.sent_at))
        .where(Message.shop_id == shop.id, Message.subject_kind == "product", Message.state == "sent")
        .group_by(Message.scope)
    )
    return {scope: (count, last) for scope, count, last in rows}


def _field_row(
    row: SubscriptionField, wishes: dict[int, tuple[int, int]], mails: dict[str, tuple[int, datetime | None]]
) -> FieldRow:
    active, ended = wishes.get(row.id, (0, 0))
    sent, last = mails.get(f"field:{row.id}", (0, None))
    return FieldRow(row, active, ended, sent, last)

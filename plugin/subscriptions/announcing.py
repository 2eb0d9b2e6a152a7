"""One new product, told to everybody who wished for such products: one statement however many they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Text, bindparam, case, cast, func, literal, or_, select
from sqlalchemy.dialects.postgresql import JSONB, distinct_on, insert
from sqlalchemy.orm import Session, aliased

from plugin import clock
from plugin.commerce.models import Product, Variant
from plugin.messages.models import Message
from plugin.messages.operations import ring_after_commit
from plugin.messages.rules import Stop
from plugin.shops.models import Shop
from plugin.subscriptions import rules
from plugin.subscriptions.models import ProductDebut, Subscription, SubscriptionField

COLUMNS = (
    "shop_id",
    "key",
    "kind",
    "marketing",
    "scope",
    "email",
    "customer_id",
    "locale",
    "subject_kind",
    "subject_id",
    "template",
    "context",
    "created_at",
)


def announce(session: Session, shop: Shop, product: Product, fields: list[SubscriptionField]) -> None:
    """Queue one mail per person for whom this product is news and who was not told of it under any field."""
    wishes = _wishes(shop, product, fields)
    told = func.concat("announce:", wishes.c.field_id, ":", product.id, ":", wishes.c.id)
    rows = select(
        literal(shop.id),
        cast(told, Text),
        literal("announcement"),
        literal(True),
        cast(func.concat("field:", wishes.c.field_id), Text),
        wishes.c.email,
        wishes.c.customer_id,
        wishes.c.locale,
        literal("product"),
        literal(product.id),
        _of_field(wishes, "template", {field.id: _template(field) for field in fields}),
        _of_field(wishes, "context", {field.id: _context(session, shop, product, field) for field in fields}),
        literal(clock.now(session)),
    )
    session.execute(insert(Message).from_select(COLUMNS, rows).on_conflict_do_nothing())
    ring_after_commit(session)


def recheck(session: Session, shop: Shop, waiting: Sequence[Message]) -> dict[int, Stop]:
    """Asked by sending, just before an announcement goes out: can the product still be bought, is the field on?"""
    products = _by_id(session, Product, shop, [message.subject_id for message in waiting])
    fields = _by_id(session, SubscriptionField, shop, [message.template.get("field_id") for message in waiting])
    stops: dict[int, Stop] = {}
    for message in waiting:
        product, field = products.get(message.subject_id), fields.get(message.template.get("field_id"))
        if product is None or not rules.is_available(product):
            stops[message.id] = Stop("unavailable", {"product_id": message.subject_id})
        elif field is None or not field.active:
            stops[message.id] = Stop("paused", {"field_id": message.template.get("field_id")})
    return stops


def _by_id(session: Session, kind: Any, shop: Shop, ids: Sequence[int | None]) -> dict[int | None, Any]:
    rows = session.scalars(
        select(kind).where(kind.shop_id == shop.id, kind.id.in_(ids)).execution_options(populate_existing=True)
    )
    return {row.id: row for row in rows}


def _wishes(shop: Shop, product: Product, fields: list[SubscriptionField]) -> Any:
    """The oldest fitting wish of each person not told of this product yet. The store stamps whole seconds."""
    told = aliased(Message)
    already = select(told.id).where(
        told.shop_id == shop.id,
        told.subject_kind == "product",
        told.subject_id == product.id,
        or_(told.email == Subscription.email, told.customer_id == Subscription.customer_id),
    )
    return (
        select(
            Subscription.id, Subscription.field_id, Subscription.email, Subscription.customer_id, Subscription.locale
        )
        .join(
            SubscriptionField,
            (SubscriptionField.shop_id == Subscription.shop_id) & (SubscriptionField.id == Subscription.field_id),
        )
        .join(ProductDebut, (ProductDebut.shop_id == Subscription.shop_id) & (ProductDebut.product_id == product.id))
        .where(
            Subscription.shop_id == shop.id,
            Subscription.field_id.in_([field.id for field in fields]),
            Subscription.ended_at.is_(None),
            ProductDebut.debuted_at >= func.date_trunc("second", Subscription.started_at),
            ProductDebut.debuted_at >= func.date_trunc("second", SubscriptionField.created_at),
            ~already.exists(),
        )
        .order_by(Subscription.email, Subscription.id)
        .ext(distinct_on(Subscription.email))
        .subquery()
    )


def _of_field(wishes: Any, name: str, values: dict[int, dict[str, Any]]) -> Any:
    """The value of a wish's field, as SQL."""
    return case(
        *(
            (wishes.c.field_id == field_id, bindparam(f"{name}_{field_id}", value, JSONB))
            for field_id, value in values.items()
        )
    )


def _template(field: SubscriptionField) -> dict[str, Any]:
    return {"name": "announcement", "subject": field.subject, "field_id": field.id}


def _context(session: Session, shop: Shop, product: Product, field: SubscriptionField) -> dict[str, Any]:
    """What the announcement is filled with; money in minor units of the shop's currency."""
    cheapest = session.scalar(
        select(func.min(Variant.price_minor)).where(Variant.shop_id == shop.id, Variant.product_id == product.id)
    )
    return {
        "field": {"label": field.label, "consent_text": field.consent_text},
        "currency": shop.currency,
        "product": {
            "title": product.title,
            "vendor": product.vendor or "",
            "type": product.product_type,
            "image_url": product.image_url or "",
            "url": f"{shop.storefront_url or 'https://' + shop.domain}/products/{product.handle}",
            "price_minor": cheapest,
        },
    }

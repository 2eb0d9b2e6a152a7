"""The verbs of "tell me about this": fields, wishes, and the announcement of a new product.

Invariants: one mail per person and product, whatever fields match (the field wished for first wins, and later matches
of the same product stay silent); a product is announced only to wishes that began before it could first be bought.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from email_validator import EmailNotValidError, validate_email
from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from plugin import clock
from plugin.commerce.models import Customer, Product
from plugin.errors import Invalid, NotFound
from plugin.messages import operations as messages
from plugin.messages import renderer
from plugin.messages import rules as permission
from plugin.shops import operations as shops
from plugin.shops.models import Shop
from plugin.subscriptions import announcing, rules
from plugin.subscriptions.models import ProductDebut, Subscription, SubscriptionField

LONGEST = 255


def create_field(session: Session, shop: Shop, *, actor: str = "panel", **values: str) -> SubscriptionField:
    """A new field from `label, match_kind, match_value, consent_text, subject`. Raises Invalid(field)."""
    now = clock.now(session)
    field = SubscriptionField(shop_id=shop.id, **_checked(values), active=True, created_at=now, updated_at=now)
    session.add(field)
    session.flush()
    _audit(session, shop, actor, "subscription_field.created", field, None)
    return field


def update_field(
    session: Session, shop: Shop, field_id: int, *, actor: str = "panel", **values: str
) -> SubscriptionField:
    """Change a field; wishes stay with it. Raises NotFound, Invalid(field)."""
    field = _field(session, shop, field_id)
    before = _picture(field)
    for name, value in _checked({**_picture(field), **values}).items():
        setattr(field, name, value)
    field.updated_at = clock.now(session)
    session.flush()
    _audit(session, shop, actor, "subscription_field.updated", field, before)
    return field


def pause_field(session: Session, shop: Shop, field_id: int, *, actor: str = "panel") -> None:
    """Stop showing and announcing; wishes are kept. Raises NotFound."""
    _switch(session, shop, field_id, False, actor)


def resume_field(session: Session, shop: Shop, field_id: int, *, actor: str = "panel") -> None:
    """Show and announce again; what appeared during the pause is announced when it next changes. Raises NotFound."""
    _switch(session, shop, field_id, True, actor)


def subscribe(
    session: Session,
    shop: Shop,
    field_id: int,
    *,
    email: str | None = None,
    customer_id: int | None = None,
    words: str,
    source: str,
    locale: str = "en",
) -> Subscription:
    """One person's wish, with the sentence they agreed to. Twice is once. Raises NotFound, Invalid("email")."""
    field = _field(session, shop, field_id)
    if not field.active:
        raise NotFound("This subscription is not offered any more.")
    customer = _customer(session, shop, customer_id)
    wished_by = _address(email or (customer.email if customer else None))
    subscription = _started(session, shop, field, wished_by, customer, locale)
    if subscription.started_at == clock.now(session):
        _granted(session, shop, subscription, words, source)
    return subscription


def unsubscribe(session: Session, shop: Shop, email: str, scope: str, *, words: str, source: str) -> None:
    """End the wishes of an address in a scope ("all" or "field:<id>"), remember the no, stop what waits."""
    ending = (
        update(Subscription)
        .where(
            Subscription.shop_id == shop.id,
            Subscription.email == permission.address(email),
            Subscription.ended_at.is_(None),
            *_of_scope(scope),
        )
        .values(ended_at=clock.now(session), ended_by=f"unsubscribed:{scope}")
    )
    session.execute(ending.execution_options(synchronize_session="fetch"))
    messages.withdraw(session, shop, email, scope, words=words, source=source)


def come_back(session: Session, shop: Shop, email: str, scope: str, *, words: str, source: str) -> None:
    """A changed mind: the wishes that the same no ended stand again. Never more than that."""
    again = (
        update(Subscription)
        .where(
            Subscription.shop_id == shop.id,
            Subscription.email == permission.address(email),
            Subscription.ended_by == f"unsubscribed:{scope}",
        )
        .values(ended_at=None, ended_by=None)
    )
    session.execute(again.execution_options(synchronize_session="fetch"))
    messages.grant(session, shop, email, scope, words=words, source=source)


def announce_products(session: Session, shop: Shop, product_ids: set[int]) -> None:
    """These products changed: queue the announcements that are due and were never asked for."""
    if not product_ids:
        return
    products = session.scalars(select(Product).where(Product.shop_id == shop.id, Product.id.in_(product_ids))).all()
    available = [product for product in products if rules.is_available(product)]
    _record_debuts(session, shop, available)
    fields = session.scalars(
        select(SubscriptionField).where(SubscriptionField.shop_id == shop.id, SubscriptionField.active)
    ).all()
    for product in available:
        matching = [field for field in fields if rules.matches(product, field)]
        if matching:
            announcing.announce(session, shop, product, matching)


def _record_debuts(session: Session, shop: Shop, available: Iterable[Product]) -> None:
    rows = [{"shop_id": shop.id, "product_id": p.id, "debuted_at": p.published_at or p.created_at} for p in available]
    if rows:
        session.execute(insert(ProductDebut).values(rows).on_conflict_do_nothing())


def _started(
    session: Session, shop: Shop, field: SubscriptionField, email: str, customer: Customer | None, locale: str
) -> Subscription:
    """The row of this wish: new, begun again, or as it was."""
    now = clock.now(session)
    row = {
        "shop_id": shop.id,
        "field_id": field.id,
        "email": email,
        "customer_id": customer.id if customer else None,
        "locale": locale or "en",
        "started_at": now,
    }
    new = insert(Subscription).values(row)
    session.execute(
        new.on_conflict_do_update(
            index_elements=["shop_id", "field_id", "email"],
            set_={"started_at": now, "ended_at": None, "ended_by": None, "locale": new.excluded.locale},
            where=Subscription.ended_at.is_not(None),
        )
    )
    wish = select(Subscription).where(
        Subscription.shop_id == shop.id, Subscription.field_id == field.id, Subscription.email == email
    )
    return session.scalars(wish.execution_options(populate_existing=True)).one()


def _granted(session: Session, shop: Shop, subscription: Subscription, words: str, source: str) -> None:
    messages.grant(
        session,
        shop,
        subscription.email,
        permission.field_scope(subscription.field_id),
        customer_id=subscription.customer_id,
        words=words,
        source=source,
    )


def _of_scope(scope: str) -> list[Any]:
    if scope == permission.ALL:
        return []
    return [func.concat("field:", Subscription.field_id) == scope]


def _address(email: str | None) -> str:
    try:
        valid = validate_email((email or "").strip(), check_deliverability=False, allow_smtputf8=False)
        return permission.address(valid.ascii_email or valid.normalized)
    except EmailNotValidError as error:
        raise Invalid("Enter an e-mail address such as name@example.com.", "email") from error


def _customer(session: Session, shop: Shop, customer_id: int | None) -> Customer | None:
    """Who is meant by this id; nobody when they are deleted or erased: a wish with an address is a stranger's then."""
    found = session.get(Customer, (shop.id, customer_id)) if customer_id else None
    return found if found and found.deleted_at is None else None


def _field(session: Session, shop: Shop, field_id: int) -> SubscriptionField:
    field = session.get(SubscriptionField, (shop.id, field_id))
    if field is None:
        raise NotFound("This subscription field does not exist.")
    return field


def _switch(session: Session, shop: Shop, field_id: int, active: bool, actor: str) -> None:
    field = _field(session, shop, field_id)
    if field.active is active:
        return
    field.active, field.updated_at = active, clock.now(session)
    verb = "resumed" if active else "paused"
    _audit(session, shop, actor, f"subscription_field.{verb}", field, {"active": not active})


def _checked(values: dict[str, str]) -> dict[str, str]:
    """The five texts of a field, trimmed. Raises Invalid at the first that cannot be used."""
    names = ("label", "match_kind", "match_value", "consent_text", "subject")
    texts = {name: (values.get(name) or "").strip() for name in names}
    if texts["match_kind"] not in rules.MATCH_KINDS:
        raise Invalid("Choose product type or product tag.", "match_kind")
    for name, text in texts.items():
        if not text:
            raise Invalid("This cannot be empty.", name)
        if len(text) > LONGEST:
            raise Invalid("Use at most %(most)s characters.", name, most=LONGEST)
    renderer.check_subject(texts["subject"])
    return texts


def _picture(field: SubscriptionField) -> dict[str, str]:
    return {
        "label": field.label,
        "match_kind": field.match_kind,
        "match_value": field.match_value,
        "consent_text": field.consent_text,
        "subject": field.subject,
    }


def _audit(
    session: Session, shop: Shop, actor: str, action: str, field: SubscriptionField, before: dict[str, Any] | None
) -> None:
    after = {**_picture(field), "active": field.active}
    shops.audit(session, shop, actor, action, f"subscription_field:{field.id}", before, after)

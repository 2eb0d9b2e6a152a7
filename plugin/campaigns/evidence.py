"""What is known about carts and their people, read for many at once: the facts the rules judge by."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from plugin.campaigns.models import Enrollment
from plugin.campaigns.rules import Entered
from plugin.commerce.models import Checkout, Order
from plugin.messages.models import Message
from plugin.shops.models import Shop


def checkouts(session: Session, shop: Shop, tokens: Iterable[str]) -> dict[str, Checkout]:
    """Checkouts by token, as they are now."""
    rows = session.scalars(
        select(Checkout)
        .where(Checkout.shop_id == shop.id, Checkout.token.in_(list(tokens)))
        .execution_options(populate_existing=True)
    )
    return {row.token: row for row in rows}


def entered(session: Session, shop: Shop, enrollments: Sequence[Enrollment]) -> dict[int, Entered]:
    """What each enrollment remembers, by its id, with the cart token of its checkout."""
    carts = checkouts(session, shop, [e.checkout_token for e in enrollments if e.checkout_token])
    return {e.id: _entered(e, carts.get(e.checkout_token or "")) for e in enrollments}


def tokens_with_orders(session: Session, shop: Shop, carts: Sequence[Checkout]) -> set[str]:
    """Tokens of those checkouts that an order came out of already."""
    if not carts:
        return set()
    tokens = [cart.token for cart in carts]
    cart_tokens = {cart.cart_token: cart.token for cart in carts if cart.cart_token}
    orders = session.execute(
        select(Order.checkout_token, Order.cart_token).where(
            Order.shop_id == shop.id, or_(Order.checkout_token.in_(tokens), Order.cart_token.in_(list(cart_tokens)))
        )
    ).all()
    direct = {checkout for checkout, _ in orders if checkout}
    return direct | {cart_tokens[cart] for _, cart in orders if cart in cart_tokens}


def orders_for(session: Session, shop: Shop, facts: Iterable[Entered]) -> list[Order]:
    """Orders that may answer these carts: of the cart, or of the person since the earliest of them entered."""
    known = list(facts)
    if not known:
        return []
    tokens = [fact.checkout_token for fact in known if fact.checkout_token]
    carts = [fact.cart_token for fact in known if fact.cart_token]
    people = [fact.customer_id for fact in known if fact.customer_id]
    emails = [fact.email for fact in known]
    since = min(fact.entered_at for fact in known)
    recent = Order.processed_at >= since
    wanted = or_(
        Order.checkout_token.in_(tokens),
        Order.cart_token.in_(carts),
        Order.customer_id.in_(people) & recent,
        Order.email.in_(emails) & recent,
    )
    return list(session.scalars(select(Order).where(Order.shop_id == shop.id, wanted)))


def sent_moments(session: Session, shop: Shop, enrollments: Sequence[Enrollment]) -> dict[int, list[datetime]]:
    """When each enrollment's mails went out (also those that may have), business time."""
    moments: dict[int, list[datetime]] = defaultdict(list)
    if not enrollments:
        return moments
    rows = session.execute(
        select(Message.subject_id, Message.sent_at).where(
            Message.shop_id == shop.id,
            Message.subject_kind == "enrollment",
            Message.subject_id.in_([e.id for e in enrollments]),
            Message.sent_at.is_not(None),
        )
    )
    for enrollment_id, sent_at in rows:
        if enrollment_id and sent_at:
            moments[enrollment_id].append(sent_at)
    return moments


def _entered(enrollment: Enrollment, cart: Checkout | None) -> Entered:
    return Entered(
        checkout_token=enrollment.checkout_token,
        cart_token=cart.cart_token if cart else None,
        customer_id=enrollment.customer_id,
        email=enrollment.email,
        entered_at=enrollment.entered_at,
    )

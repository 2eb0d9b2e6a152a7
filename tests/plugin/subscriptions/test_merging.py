"""Wishes of two people who are one: each field once, at the kept address, with the words that were agreed to."""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from plugin.commerce.models import Product
from plugin.messages.models import Consent, Message
from plugin.shops.models import Shop
from plugin.subscriptions import operations
from plugin.subscriptions.models import Subscription
from tests.plugin.merged import KEPT, OLD, change, merge
from tests.plugin.people import customer
from tests.plugin.subscriptions.test_announcing import later, make_field, publish

ANN, ANNA, CARL = "ann@example.com", "anna@example.com", "carl@example.com"


def two(session: Session, shop: Shop, kept_email: str = ANNA) -> None:
    customer(session, shop, OLD, ANN)
    customer(session, shop, KEPT, kept_email)


def wish(session: Session, shop: Shop, field_id: int, customer_id: int, email: str) -> Subscription:
    return operations.subscribe(
        session, shop, field_id, email=email, customer_id=customer_id, words="Tell me", source="storefront"
    )


def standing(session: Session) -> list[tuple[int | None, str]]:
    rows = select(Subscription.customer_id, Subscription.email).where(Subscription.ended_at.is_(None))
    return sorted(map(tuple, session.execute(rows)))


def test_a_wish_goes_to_the_kept_address_with_its_consent(session: Session, shop: Shop) -> None:
    two(session, shop)
    field = make_field(session, shop)
    wish(session, shop, field.id, OLD, ANN)
    customer(session, shop, 9, CARL)
    wish(session, shop, field.id, 9, CARL)
    for _ in range(2):
        merge(session, shop)
    assert standing(session) == [(KEPT, ANNA), (9, CARL)]
    said = session.scalars(select(Consent).where(Consent.email == ANNA, Consent.scope == f"field:{field.id}")).all()
    assert [(c.granted, c.words, c.source, c.customer_id) for c in said] == [(True, "Tell me", "merged", KEPT)]


def test_the_same_wish_of_both_is_one(session: Session, shop: Shop) -> None:
    two(session, shop)
    field = make_field(session, shop)
    moved = wish(session, shop, field.id, OLD, ANN)
    own = wish(session, shop, field.id, KEPT, ANNA)
    merge(session, shop)
    assert standing(session) == [(KEPT, ANNA)]
    session.refresh(moved)
    session.refresh(own)
    assert (moved.ended_by, own.ended_by) == ("merged", None)


def test_a_wish_that_the_kept_customer_ended_stays_ended(session: Session, shop: Shop) -> None:
    two(session, shop)
    field = make_field(session, shop)
    wish(session, shop, field.id, KEPT, ANNA)
    operations.unsubscribe(session, shop, ANNA, f"field:{field.id}", words="No", source="storefront")
    wish(session, shop, field.id, OLD, ANN)
    merge(session, shop)
    assert standing(session) == []


def test_the_wish_follows_an_address_that_is_told_later(session: Session, shop: Shop) -> None:
    customer(session, shop, OLD, ANN)
    customer(session, shop, KEPT, None)  # type: ignore[arg-type]
    wish(session, shop, make_field(session, shop).id, OLD, ANN)
    merge(session, shop)
    assert standing(session) == [(KEPT, ANN)]
    change(session, shop, KEPT, email=ANNA)
    assert standing(session) == [(KEPT, ANNA)]


def test_a_product_told_before_the_merge_is_not_told_again(session: Session, shop: Shop) -> None:
    two(session, shop)
    field = make_field(session, shop)
    wish(session, shop, field.id, OLD, ANN)
    wish(session, shop, make_field(session, shop, "tag", "new").id, KEPT, ANNA)
    publish(session, shop, 11)
    assert [m.email for m in session.scalars(select(Message))] == [ANN]
    merge(session, shop)
    session.execute(update(Product).values(tags=["new"]))
    session.expire_all()
    later(session, minutes=1)
    operations.announce_products(session, shop, {11})
    assert [(m.email, m.customer_id) for m in session.scalars(select(Message))] == [(ANN, KEPT)]

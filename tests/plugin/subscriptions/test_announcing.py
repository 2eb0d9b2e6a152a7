"""A new product is announced once to who wished before it could be bought, and never to anybody else."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin import clock
from plugin.db import engine as db
from plugin.errors import Invalid, NotFound
from plugin.messages import claiming, sending
from plugin.messages.models import Consent, Message, Suppression
from plugin.shops.models import AuditEntry, Shop
from plugin.subscriptions import announcing, operations, queries, rules
from plugin.subscriptions.models import Subscription, SubscriptionField
from tests.plugin.mailbox import Sink
from tests.plugin.people import customer, pass_time, product

ANNA = "anna@example.com"


def make_field(session: Session, shop: Shop, kind: str = "type", value: str = "filter coffee") -> SubscriptionField:
    return operations.create_field(
        session,
        shop,
        label="Tell me about new filter coffees",
        match_kind=kind,
        match_value=value,
        consent_text="Send me an e-mail when a new one arrives.",
        subject="Just arrived: {{ product.title }}",
    )


def wish(session: Session, shop: Shop, field: SubscriptionField, email: str = ANNA) -> Subscription:
    return operations.subscribe(session, shop, field.id, email=email, words="Send me", source="storefront")


def announced(session: Session) -> list[str]:
    return list(session.scalars(select(Message.key).order_by(Message.id)))


def later(session: Session, **amount: float) -> None:
    """Business time goes on within this transaction."""
    session.info["now"] = clock.now(session) + timedelta(**amount)


def publish(session: Session, shop: Shop, id: int = 11, **more: object) -> None:
    later(session, minutes=1)
    product(session, shop, id, clock.now(session), **more)
    operations.announce_products(session, shop, {id})


def test_a_new_product_of_the_type_is_announced_once(session: Session, shop: Shop) -> None:
    field = make_field(session, shop)
    wanted = wish(session, shop, field)
    publish(session, shop, product_type="Filter COFFEE ")
    operations.announce_products(session, shop, {11})
    assert announced(session) == [f"announce:{field.id}:11:{wanted.id}"]


@pytest.mark.parametrize("tags", [["New", "filter"], ["FILTER"]])
def test_tags_match_without_case(session: Session, shop: Shop, tags: list[str]) -> None:
    wish(session, shop, make_field(session, shop, "tag", "Filter"))
    publish(session, shop, tags=tags)
    assert len(announced(session)) == 1


@pytest.mark.parametrize(
    "more", [{"product_type": "Mug"}, {"status": "draft"}, {"status": "archived"}, {"known": False}]
)
def test_other_and_unavailable_products_are_not_announced(
    session: Session, shop: Shop, more: dict[str, object]
) -> None:
    wish(session, shop, make_field(session, shop))
    publish(session, shop, **more)
    assert announced(session) == []


def test_products_from_before_the_wish_are_never_announced(session: Session, shop: Shop) -> None:
    before = clock.now(session) - timedelta(days=400)
    field = make_field(session, shop)
    product(session, shop, 11, before)
    operations.announce_products(session, shop, {11})
    wish(session, shop, field)
    later(session, days=1)
    operations.announce_products(session, shop, {11})
    assert announced(session) == []


def test_an_old_product_that_is_published_again_is_no_news(session: Session, shop: Shop) -> None:
    old = product(session, shop, 11, clock.now(session) - timedelta(days=400))
    operations.announce_products(session, shop, {11})
    wish(session, shop, make_field(session, shop))
    later(session, days=1)
    old.published_at = clock.now(session)
    session.flush()
    operations.announce_products(session, shop, {11})
    assert announced(session) == []


def test_a_draft_is_announced_when_it_is_published(session: Session, shop: Shop) -> None:
    draft = product(session, shop, 11, None, status="draft", created_at=clock.now(session) - timedelta(days=90))
    operations.announce_products(session, shop, {11})
    wish(session, shop, make_field(session, shop))
    later(session, days=1)
    draft.status, draft.published_at = "active", clock.now(session)
    session.flush()
    operations.announce_products(session, shop, {11})
    assert len(announced(session)) == 1


def test_two_fields_of_one_person_send_one_mail_under_the_older_wish(session: Session, shop: Shop) -> None:
    by_type, by_tag = make_field(session, shop), make_field(session, shop, "tag", "kenya")
    wish(session, shop, by_tag)
    later(session, minutes=1)
    wish(session, shop, by_type)
    publish(session, shop, tags=["Kenya"])
    assert len(announced(session)) == 1
    assert announced(session)[0].startswith(f"announce:{by_tag.id}:")


def test_a_tag_added_later_does_not_announce_twice(session: Session, shop: Shop) -> None:
    by_type, by_tag = make_field(session, shop), make_field(session, shop, "tag", "kenya")
    wish(session, shop, by_type)
    wish(session, shop, by_tag)
    publish(session, shop)
    from plugin.commerce.models import Product

    session.get_one(Product, (shop.id, 11)).tags = ["Kenya"]
    session.flush()
    operations.announce_products(session, shop, {11})
    assert len(announced(session)) == 1


def test_paused_fields_and_ended_wishes_are_silent(session: Session, shop: Shop) -> None:
    paused, ended = make_field(session, shop), make_field(session, shop, "tag", "x")
    wish(session, shop, paused)
    wish(session, shop, ended, "b@example.com")
    operations.pause_field(session, shop, paused.id)
    operations.unsubscribe(session, shop, "b@example.com", f"field:{ended.id}", words="stop", source="one_click")
    publish(session, shop, tags=["x"])
    assert announced(session) == []


def test_a_wish_twice_is_one_wish_with_one_consent(session: Session, shop: Shop) -> None:
    field = make_field(session, shop)
    first = wish(session, shop, field)
    later(session, minutes=1)
    assert wish(session, shop, field, " Anna@Example.com").id == first.id
    assert len(session.scalars(select(Consent)).all()) == 1


def test_a_wish_after_unsubscribing_counts_again(session: Session, shop: Shop) -> None:
    field = make_field(session, shop)
    wish(session, shop, field)
    later(session, minutes=1)
    operations.unsubscribe(session, shop, ANNA, f"field:{field.id}", words="stop", source="one_click")
    later(session, minutes=1)
    wish(session, shop, field)
    assert session.scalars(select(Suppression)).all() == []
    assert list(session.scalars(select(Consent.granted).order_by(Consent.id))) == [True, False, True]
    publish(session, shop)
    assert len(announced(session)) == 1


def test_who_subscribes_is_named_by_customer_or_address(session: Session, shop: Shop) -> None:
    customer(session, shop, 7, "Anna@Example.com")
    field = make_field(session, shop)
    by_id = operations.subscribe(session, shop, field.id, customer_id=7, words="w", source="storefront")
    assert (by_id.email, by_id.customer_id) == (ANNA, 7)
    for bad in ("", "nobody", "a@b", "a b@c.de", None):
        with pytest.raises(Invalid):
            operations.subscribe(session, shop, field.id, email=bad, words="w", source="storefront")
    with pytest.raises(NotFound):
        operations.subscribe(session, shop, 999, email=ANNA, words="w", source="storefront")


def test_a_field_is_checked_and_every_change_is_logged(session: Session, shop: Shop) -> None:
    field = make_field(session, shop)
    for name, bad in (
        ("label", " "),
        ("match_kind", "colour"),
        ("match_value", ""),
        ("subject", "{{ x"),
        ("label", "x" * 256),
    ):
        with pytest.raises(Invalid) as refused:
            operations.update_field(session, shop, field.id, **{name: bad})
        assert refused.value.field == name
    operations.update_field(session, shop, field.id, label="Filter", actor="7")
    operations.pause_field(session, shop, field.id)
    operations.resume_field(session, shop, field.id)
    actions = list(session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)))
    assert actions == [f"subscription_field.{verb}" for verb in ("created", "updated", "paused", "resumed")]


def test_the_other_shop_hears_and_sees_nothing(session: Session, shop: Shop, other_shop: Shop) -> None:
    with db.transaction(other_shop.id) as there:
        theirs = make_field(there, other_shop)
        wish(there, other_shop, theirs)
    wish(session, shop, make_field(session, shop), "mine@example.com")
    publish(session, shop)
    assert list(session.scalars(select(Message.email))) == ["mine@example.com"]
    assert [field.match_value for field in queries.fields_for(session, shop, 11)] == ["filter coffee"]
    with pytest.raises(NotFound):
        operations.pause_field(session, shop, theirs.id + 1000)


def test_the_mail_arrives_with_the_fields_own_subject(shop: Shop, story_clock: None, sink: Sink) -> None:
    with db.transaction(shop.id) as session:
        customer(session, shop, 7, ANNA, "not_subscribed", first_name="Anna")
        wish(session, shop, make_field(session, shop))
    pass_time(days=1)
    with db.transaction(shop.id) as session:
        product(session, shop, 11, clock.now(session), title="Kenya Gachatha", vendor="Vector")
        operations.announce_products(session, shop, {11})
    sending.send_due()
    mail = sink.to(ANNA)[0]
    assert mail["Subject"] == "Just arrived: Kenya Gachatha"
    text = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert "Hello Anna" in text and "/products/coffee-11" in text and "€16.90" in text
    assert "Tell me about new filter coffees" in text


@pytest.mark.parametrize("between", ["unavailable", "paused"])
def test_what_is_gone_when_its_turn_comes_is_not_announced(
    shop: Shop, story_clock: None, sink: Sink, between: str
) -> None:
    claiming.use({"announcement": announcing.recheck})
    with db.transaction(shop.id) as session:
        field = make_field(session, shop)
        wish(session, shop, field)
    pass_time(days=1)
    with db.transaction(shop.id) as session:
        row = product(session, shop, 11, clock.now(session))
        operations.announce_products(session, shop, {11})
        if between == "unavailable":
            row.status = "archived"
        else:
            operations.pause_field(session, shop, field.id)
    sending.send_due()
    claiming.use({})
    assert sink.mails == []
    with db.transaction(shop.id) as session:
        assert session.scalars(select(Message.reason)).one() == between


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("type", "coffee", True),
        ("type", "COFFEE", True),
        ("type", "coffees", False),
        ("tag", "new", True),
        ("tag", "ne", False),
    ],
)
def test_matching_is_whole_words_without_case(kind: str, value: str, expected: bool) -> None:
    from plugin.commerce.models import Product

    row = Product(product_type="Coffee", tags=["New", "Kenya AA"])
    assert rules.matches(row, rules.Wanted(kind, value)) is expected

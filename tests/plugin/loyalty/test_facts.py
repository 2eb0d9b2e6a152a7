"""What rules ask of orders beside money is pinned when an order is first settled; the store may change it later."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from plugin.commerce.models import Collection, CollectionProduct, Customer, Fulfillment, Product
from plugin.loyalty import operations as loyalty
from plugin.loyalty import queries
from plugin.loyalty.document import Document, Earn, Excluded, Goods, Multiplier
from plugin.loyalty.models import OrderFacts, PointEntry
from plugin.shops.models import Shop
from tests.plugin.loyalty.ledgers import DRAFT, account, at, broken, later, order, program, refund, settle

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
TEA = {"product_id": 501, "price_minor": 10_00}
MUG = {"product_id": 502, "price_minor": 10_00}


@pytest.fixture(autouse=True)
def noon(session: Session) -> None:
    at(session, NOW)


def rules(**earn: Any) -> Any:
    return replace(DRAFT, document=Document(earn=Earn(**earn)))


def product(session: Session, shop: Shop, id: int, *tags: str) -> None:
    session.merge(Product(shop_id=shop.id, id=id, title="Tea", tags=list(tags)))
    session.flush()


TWICE_TEA = Multiplier("Tea", (2, 1), Goods(tags=("tea",)))
TWICE_SHELF = Multiplier("Shelf", (2, 1), Goods(collections=(9,)))


def test_a_tag_that_changes_later_changes_no_points(session: Session, shop: Shop) -> None:
    program(session, shop, rules(multipliers=(TWICE_TEA,)))
    product(session, shop, 501, "Tea")
    order(session, shop, 1, 7, NOW, [TEA, MUG])
    settle(session, shop, 1)
    assert account(session, shop, 7) == (90, 0, 0)
    product(session, shop, 501)
    product(session, shop, 502, "tea")
    refund(session, shop, 1, 1, NOW, {1: 1})
    settle(session, shop, 1)
    assert account(session, shop, 7) == (60, 0, 0)
    assert broken(session) == []


def test_a_line_added_later_is_pinned_when_it_comes(session: Session, shop: Shop) -> None:
    program(session, shop, rules(multipliers=(TWICE_TEA,)))
    product(session, shop, 501, "tea")
    order(session, shop, 1, 7, NOW, [MUG])
    settle(session, shop, 1)
    order(session, shop, 1, 7, NOW, [MUG, TEA])
    settle(session, shop, 1)
    product(session, shop, 501)
    settle(session, shop, 1)
    assert account(session, shop, 7) == (90, 0, 0)
    kept = session.scalars(select(OrderFacts)).one()
    assert {line["tags"][0] for line in kept.lines.values() if line["tags"]} == {"tea"}


def test_a_collection_counts_as_it_was(session: Session, shop: Shop) -> None:
    program(session, shop, rules(multipliers=(TWICE_SHELF,)))
    session.add(Collection(shop_id=shop.id, id=9, title="Shelf"))
    session.flush()
    session.add(CollectionProduct(shop_id=shop.id, collection_id=9, product_id=501))
    order(session, shop, 1, 7, NOW, [TEA])
    settle(session, shop, 1)
    session.delete(session.get_one(CollectionProduct, (shop.id, 9, 501)))
    settle(session, shop, 1)
    assert account(session, shop, 7) == (60, 0, 0)


def test_a_customer_tagged_later_keeps_the_points_of_before(session: Session, shop: Shop) -> None:
    program(session, shop, rules(excluded=Excluded(customer_tags=("Wholesale",))))
    order(session, shop, 1, 7, NOW)
    settle(session, shop, 1)
    session.execute(update(Customer).where(Customer.id == 7).values(tags=["wholesale", "vip"]))
    settle(session, shop, 1)
    order(session, shop, 2, 7, NOW + timedelta(hours=1))
    settle(session, shop, 2)
    assert account(session, shop, 7) == (150, 0, 0)
    kept = {row.order_id: row.customer_tags for row in session.scalars(select(OrderFacts))}
    assert kept == {1: [], 2: ["wholesale"]}, "words that no rule names are nobody's business"


def test_a_plain_programme_pins_nothing(session: Session, shop: Shop) -> None:
    program(session, shop)
    order(session, shop, 1, 7, NOW, [TEA])
    settle(session, shop, 1)
    assert session.scalars(select(OrderFacts)).all() == []


def fulfilled(session: Session, shop: Shop, moment: datetime) -> None:
    session.merge(Fulfillment(shop_id=shop.id, id=1, order_id=1, status="success", created_at=moment))
    order(session, shop, 1, 7, NOW, fulfillment_status="fulfilled")
    settle(session, shop, 1)


def test_points_wait_for_fulfilment_and_then_for_the_return_window(session: Session, shop: Shop) -> None:
    program(session, shop, replace(rules(available="fulfilled"), return_days=14, expiry_days=30))
    order(session, shop, 1, 7, NOW)
    settle(session, shop, 1)
    later(session, days=100)
    loyalty.settle_due(session, shop)
    waiting = queries.account(session, shop, 7, NOW + timedelta(days=100))
    assert (waiting.available, waiting.pending, waiting.pending_until) == (0, 150, None)
    fulfilled(session, shop, NOW + timedelta(days=100))
    assert account(session, shop, 7) == (0, 150, 0)
    now = later(session, days=14)
    loyalty.settle_due(session, shop)
    assert account(session, shop, 7) == (150, 0, 0)
    assert queries.account(session, shop, 7, now).expiring_at == NOW + timedelta(days=144)
    later(session, days=30)
    loyalty.settle_due(session, shop)
    assert account(session, shop, 7) == (0, 0, 0)
    assert broken(session) == []


def test_an_order_that_arrives_fulfilled_has_its_day_at_once(session: Session, shop: Shop) -> None:
    program(session, shop, replace(rules(available="fulfilled"), return_days=14))
    order(session, shop, 1, 7, NOW)
    fulfilled(session, shop, NOW + timedelta(days=2))
    assert session.scalars(select(PointEntry.available_at)).one() == NOW + timedelta(days=16)


def test_only_rules_that_name_something_ask_for_more() -> None:
    weekend = Multiplier("Weekend", (2, 1), weekdays=(5, 6))
    assert not Document(earn=Earn(multipliers=(weekend,), gift_cards=True, rounding="up")).asks_more
    for said in ({"shipping": True}, {"before_discounts": True}, {"available": "fulfilled"}):
        assert Document(earn=Earn(**said)).asks_more
    assert Document(earn=Earn(multipliers=(TWICE_TEA,))).asks_more

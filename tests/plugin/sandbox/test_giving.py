"""Gift cards, store credit, free shipping and goods' own discounts, as the app asks for them and shoppers use them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from plugin.sandbox import checkouts, discounts, gift_cards, pricing, store_credit, totals
from plugin.sandbox.errors import Refused
from plugin.sandbox.world import World
from tests.plugin.sandbox.conftest import buy, customer, lines


def test_free_shipping_takes_the_shipping_off_and_nothing_else(world: World) -> None:
    discounts.create_discount(world, code="SENT", free_shipping=True)
    cost = pricing.price(world, lines(world, 1), code="SENT")
    assert (cost.subtotal_minor, cost.shipping_minor, cost.discount_minor) == (1450, 0, pricing.SHIPPING_MINOR)
    order = buy(world, 1, discount_code="SENT")
    assert totals.total(order) == 1450 and order.applications[0].target_type == "shipping_line"


def test_a_discount_on_some_goods_leaves_the_others(world: World) -> None:
    guji, blend = list(world.products)[:2]
    discounts.create_discount(world, code="GUJI", percent_bp=5000, product_ids=[guji.id])
    discounts.create_discount(world, code="FREE", amount_minor=990, variant_ids=[blend.variants[0].id])
    assert [line.discount_minor for line in pricing.price(world, lines(world, 1, 1), code="GUJI").lines] == [725, 0]
    assert [line.discount_minor for line in pricing.price(world, lines(world, 1, 3), code="FREE").lines] == [0, 990]
    assert "isn't valid for the items" in (pricing.price(world, lines(world, 0, 1), code="GUJI").problem or "")


def test_a_gift_card_is_made_once_and_pays_until_it_is_empty(world: World) -> None:
    card = gift_cards.create_gift_card(world, code="ABCD1234EFGH", amount_minor=2000)
    with pytest.raises(Refused) as refused:
        gift_cards.create_gift_card(world, code="abcd1234efgh", amount_minor=2000)
    assert refused.value.code == "TAKEN"
    order = buy(world, 1, gift_card="ABCD1234EFGH")
    assert [(one.gateway, one.amount_minor) for one in order.transactions] == [("gift_card", 1940)]
    assert card.balance_minor == 60 and totals.outstanding(order) == 0
    gift_cards.deactivate_gift_card(world, card.id)
    with pytest.raises(Refused):
        gift_cards.usable(world, "ABCD1234EFGH")


@pytest.mark.parametrize(("code", "said"), [("short", "TOO_SHORT"), ("x" * 21, "TOO_LONG"), ("ABCD-1234", "INVALID")])
def test_a_gift_card_has_a_code_as_the_platform_wants_it(world: World, code: str, said: str) -> None:
    with pytest.raises(Refused) as refused:
        gift_cards.create_gift_card(world, code=code, amount_minor=100)
    assert refused.value.code == said


def test_the_field_for_codes_takes_a_gift_card_beside_a_discount(world: World) -> None:
    gift_cards.create_gift_card(world, code="ABCD1234EFGH", amount_minor=2000)
    discounts.create_discount(world, code="FIVE", amount_minor=500)
    begun = checkouts.save_checkout(world, lines=lines(world, 1), customer_id=customer(world).id, code="FIVE")
    checkouts.save_checkout(world, begun.id, code="ABCD1234EFGH")
    order = checkouts.complete_checkout(world, begun.id)
    assert [one.code for one in order.applications] == ["FIVE"]
    assert [(one.gateway, one.amount_minor) for one in order.transactions] == [("gift_card", 1440)]


def test_store_credit_is_given_as_often_as_it_is_asked_and_ends_in_time(world: World) -> None:
    owner, until = customer(world).id, world.now() + timedelta(days=10)
    for _ in range(2):
        store_credit.give_credit(world, owner, 500, expires_at=until)
    store_credit.give_credit(world, owner, 100)
    assert store_credit.balance(world, owner) == 1100
    order = buy(world, 1, store_credit=True)
    paid = [(one.gateway, one.amount_minor) for one in order.transactions]
    assert paid == [("shopify_store_credit", 1100), ("card", 840)] and store_credit.balance(world, owner) == 0
    store_credit.give_credit(world, owner, 500, expires_at=until)
    world.advance(11 * 86_400)
    assert store_credit.balance(world, owner) == 0


def test_store_credit_says_why_it_is_not_given(world: World) -> None:
    owner = customer(world).id
    for said, asked in (
        ("OWNER_NOT_FOUND", {"customer_id": 1, "amount_minor": 5}),
        ("NEGATIVE_OR_ZERO_AMOUNT", {"customer_id": owner, "amount_minor": 0}),
        ("UNSUPPORTED_CURRENCY", {"customer_id": owner, "amount_minor": 5, "currency": "USD"}),
        ("EXPIRES_AT_IN_PAST", {"customer_id": owner, "amount_minor": 5, "expires_at": world.now()}),
    ):
        with pytest.raises(Refused) as refused:
            store_credit.give_credit(world, **asked)  # type: ignore[arg-type]
        assert refused.value.code == said

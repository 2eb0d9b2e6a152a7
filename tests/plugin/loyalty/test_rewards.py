"""Rewards of each kind: checked, limited, versioned, and asked of the store as what they are."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from plugin.commerce.models import Product, Variant
from plugin.db import engine as db
from plugin.effects.models import Effect
from plugin.errors import Invalid
from plugin.loyalty import offers, remote, rewards, tallies
from plugin.loyalty import operations as loyalty
from plugin.loyalty.models import Redemption, Reward
from plugin.loyalty.redeeming import RewardPaused, TooOften
from plugin.loyalty.reward_models import RewardTally
from plugin.loyalty.rewards import RewardDraft
from plugin.loyalty.tallies import BudgetReached, RewardSoldOut
from plugin.loyalty.terms import Chosen, Stand, Terms
from plugin.shops.models import Shop
from tests.plugin.loyalty.ledgers import account, at, broken, customer, later, order, program

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PLAIN = RewardDraft("Reward", 100, 5_00)
NONE = Terms()


@pytest.fixture(autouse=True)
def rich(session: Session, shop: Shop) -> None:
    """Customer 7 has 1,000 points, and Guji is for sale at 14.50."""
    at(session, NOW)
    program(session, shop)
    customer(session, shop, 7)
    loyalty.adjust(session, shop, 7, 1000, "test", "staff:1", "start")
    session.add(Product(shop_id=shop.id, id=3, title="Guji"))
    session.flush()
    session.add(Variant(shop_id=shop.id, product_id=3, id=31, title="250 g", price_minor=14_50))
    session.flush()


def add(session: Session, shop: Shop, kind: str = "amount_off", said: Terms = NONE, **columns: Any) -> Reward:
    return loyalty.add_reward(session, shop, "staff:1", replace(PLAIN, kind=kind, terms=said, **columns))


def buy(session: Session, shop: Shop, reward: Reward, key: str = "click-0001", points: int | None = None) -> Redemption:
    return loyalty.redeem(session, shop, 7, reward.id, key, points)


def asked(session: Session) -> dict[str, Any]:
    payload: dict[str, Any] = session.scalars(select(Effect).order_by(Effect.id.desc())).first().payload  # type: ignore[union-attr]
    return payload


def test_a_percentage_is_asked_as_a_percentage(session: Session, shop: Shop) -> None:
    order(session, shop, 1, 8, NOW, subtotal_minor=40_00, discount_minor=10_00)
    bought = buy(session, shop, add(session, shop, "percent_off", Terms(percent_bp=1500, collections=(9,))))
    assert (bought.kind, bought.value_minor, bought.cost_minor) == ("percent_off", 0, 7_50)
    gets = remote.code_input(asked(session))["customerGets"]
    assert gets == {"items": {"collections": {"add": ["gid://shopify/Collection/9"]}}, "value": {"percentage": 0.15}}


def test_free_shipping_has_a_shape_of_its_own(session: Session, shop: Shop) -> None:
    bought = buy(session, shop, add(session, shop, "free_shipping", Terms(cost_minor=4_90)))
    wanted = remote.shipping_input(asked(session))
    assert (bought.cost_minor, wanted["destination"], wanted["usageLimit"]) == (4_90, {"all": True}, 1)
    assert "customerGets" not in wanted and "shippingDiscounts" not in wanted["combinesWith"]


def test_a_free_product_is_its_price_off_once(session: Session, shop: Shop) -> None:
    reward = add(session, shop, "free_product", Terms(product_id=3, variant_id=31))
    session.get_one(Variant, (shop.id, 3, 31)).price_minor = 15_00
    bought = buy(session, shop, reward)
    assert (reward.value_minor, bought.value_minor, bought.cost_minor) == (14_50, 15_00, 15_00)
    gets = remote.code_input(asked(session))["customerGets"]
    assert gets["items"] == {"products": {"productVariantsToAdd": ["gid://shopify/ProductVariant/31"]}}
    assert gets["value"] == {"discountAmount": {"amount": "15.00", "appliesOnEachItem": False}}


@pytest.mark.parametrize("kind", ["gift_card", "store_credit"])
def test_money_goes_through_an_effect_of_its_own(session: Session, shop: Shop, kind: str) -> None:
    bought = buy(session, shop, add(session, shop, kind))
    effect = session.scalars(select(Effect)).one()
    assert (effect.kind, effect.payload["amount"], effect.payload["currency"]) == (kind, "5.00", "EUR")
    assert bought.cost_minor == 5_00 and (kind == "store_credit" or bought.code.isalnum())


def test_credits_of_the_same_hour_end_at_different_seconds(session: Session, shop: Shop) -> None:
    credit = add(session, shop, "store_credit")
    ends = {buy(session, shop, credit, f"click-{number:04}").expires_at for number in range(5)}
    assert len(ends) == 5 and len({moment.replace(minute=0, second=0) for moment in ends}) == 1


def test_the_shopper_chooses_how_much(session: Session, shop: Shop) -> None:
    reward = add(session, shop, said=Terms(chosen=Chosen(50, 400)))
    bought = buy(session, shop, reward, points=333)
    assert (bought.points, bought.value_minor, bought.cost_minor) == (333, 16_65, 16_65)
    assert account(session, shop, 7) == (667, 0, 0) and broken(session) == []
    with pytest.raises(Invalid):
        buy(session, shop, reward, "click-0002", points=401)


def test_stock_is_given_once_and_comes_back_with_a_return(session: Session, shop: Shop) -> None:
    reward = add(session, shop, said=Terms(stock=1))
    bought = buy(session, shop, reward)
    with pytest.raises(RewardSoldOut), session.begin_nested():
        buy(session, shop, reward, "click-0002")
    assert offers.one(session, shop, reward.id, NOW).stand is Stand.SOLD_OUT
    loyalty.return_redemption(session, shop, bought.id)
    assert offers.one(session, shop, reward.id, NOW).limits.left == 1
    buy(session, shop, reward, "click-0003")


def test_a_reward_of_the_release_before_gets_its_tally_with_its_first_sale(session: Session, shop: Shop) -> None:
    reward = add(session, shop)
    session.execute(delete(RewardTally))
    buy(session, shop, reward)
    assert session.get_one(RewardTally, (shop.id, reward.id), populate_existing=True).taken == 1


def test_a_budget_is_never_crossed_and_begins_anew_each_month(session: Session, shop: Shop) -> None:
    reward = add(session, shop, said=Terms(budget_minor=12_00))
    first = buy(session, shop, reward)
    buy(session, shop, reward, "click-0002")
    with pytest.raises(BudgetReached), session.begin_nested():
        buy(session, shop, reward, "click-0003")
    assert offers.one(session, shop, reward.id, NOW).stand is Stand.BUDGET
    later(session, days=31)
    buy(session, shop, reward, "click-0004")
    loyalty.return_redemption(session, shop, first.id)
    tally = session.get_one(RewardTally, (shop.id, reward.id), populate_existing=True)
    assert (tally.taken, tally.month_minor) == (2, 5_00)


def test_the_month_is_the_shops(session: Session, shop: Shop) -> None:
    """In Berlin the last half hour of February in UTC is March already."""
    at(session, datetime(2026, 2, 28, 22, 30, tzinfo=UTC))
    reward = add(session, shop, said=Terms(budget_minor=5_00))
    buy(session, shop, reward)
    at(session, datetime(2026, 2, 28, 23, 30, tzinfo=UTC))
    buy(session, shop, reward, "click-0002")


def test_so_often_a_customer_and_no_more(session: Session, shop: Shop) -> None:
    reward = add(session, shop, said=Terms(per_customer=1, per_period="month"))
    buy(session, shop, reward)
    with pytest.raises(TooOften):
        buy(session, shop, reward, "click-0002")
    customer(session, shop, 8)
    loyalty.adjust(session, shop, 8, 100, "test", "staff:1", "other")
    loyalty.redeem(session, shop, 8, reward.id, "click-0003")
    later(session, days=31)
    buy(session, shop, reward, "click-0004")


def test_only_within_its_window(session: Session, shop: Shop) -> None:
    reward = add(session, shop, said=Terms(starts_at=NOW + timedelta(days=1), ends_at=NOW + timedelta(days=2)))
    for days, allowed in ((0, False), (1, True), (2, False)):
        at(session, NOW + timedelta(days=days))
        if allowed:
            buy(session, shop, reward)
            continue
        with pytest.raises(RewardPaused):
            buy(session, shop, reward, "click-0002")


def test_a_used_percentage_is_measured_and_the_next_ones_expect_that(session: Session, shop: Shop) -> None:
    reward = add(session, shop, "percent_off", Terms(percent_bp=1000, budget_minor=500_00))
    bought = buy(session, shop, reward)
    order(session, shop, 2, 7, NOW, discount_codes=[bought.code], subtotal_minor=90_00, discount_minor=10_00)
    loyalty.use_codes(session, shop, {2})
    assert (bought.state, bought.cost_minor, bought.spent_minor) == ("used", 0, 10_00)
    assert tallies.recount(session, shop) == 1 and tallies.recount(session, shop) == 0
    tally = session.get_one(RewardTally, (shop.id, reward.id), populate_existing=True)
    assert (tally.month_minor, tally.each_minor) == (10_00, 10_00)
    assert buy(session, shop, reward, "click-0002").cost_minor == 10_00
    assert offers.month(session, shop, NOW)[reward.id] == offers.Month(2, 200, 20_00, 1)


def test_every_change_is_a_version_with_its_author_and_can_be_undone(session: Session, shop: Shop) -> None:
    reward = add(session, shop)
    changed = replace(PLAIN, name="Other", terms=Terms(stock=5))
    loyalty.change_reward(session, shop, "staff:2", reward.id, changed)
    loyalty.change_reward(session, shop, "staff:2", reward.id, changed)
    assert [(row.version, row.created_by) for row in rewards.versions(session, shop, reward.id)] == [
        (2, "staff:2"),
        (1, "staff:1"),
    ]
    loyalty.go_back(session, shop, "staff:3", reward.id, 1)
    assert rewards.draft_of(reward) == PLAIN and reward.version == 3
    assert offers.one(session, shop, reward.id, NOW).limits.left is None


def test_an_archived_reward_is_away_until_it_is_restored(session: Session, shop: Shop) -> None:
    reward = add(session, shop)
    for _ in range(2):
        loyalty.archive_reward(session, shop, "staff:1", reward.id)
    assert offers.to_buy(session, shop, NOW) == []
    with pytest.raises(RewardPaused):
        buy(session, shop, reward)
    loyalty.archive_reward(session, shop, "staff:1", reward.id, archived=False)
    assert [offer.reward.id for offer in offers.to_buy(session, shop, NOW)] == [reward.id]


def test_what_a_kind_does_not_have_is_dropped(session: Session, shop: Shop) -> None:
    said = Terms(percent_bp=1000, chosen=Chosen(1, 5), products=(3,), product_id=3, variant_id=31, cost_minor=7)
    kept = rewards.draft_of(add(session, shop, "gift_card", replace_chosen(said), minimum_minor=9_00))
    assert kept.terms == Terms(chosen=Chosen(20, 500)) and kept.minimum_minor == 0


def replace_chosen(said: Terms) -> Terms:
    return Terms(**{name: getattr(said, name) for name in said.__struct_fields__} | {"chosen": Chosen(20, 500)})


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"kind": "free_beer"}, "kind"),
        ({"cost_points": 10**9 + 1}, "cost_points"),
        ({"kind": "percent_off"}, "percent_bp"),
        ({"kind": "percent_off", "terms": Terms(percent_bp=10_001)}, "percent_bp"),
        ({"kind": "free_product"}, "variant_id"),
        ({"kind": "free_product", "terms": Terms(product_id=3, variant_id=99)}, "variant_id"),
        ({"terms": Terms(chosen=Chosen(0, 5))}, "least"),
        ({"terms": Terms(chosen=Chosen(50, 5))}, "most"),
        ({"value_minor": 1, "terms": Terms(chosen=Chosen(50, 500))}, "least"),
        ({"terms": Terms(per_customer=0)}, "per_customer"),
        ({"terms": Terms(stock=-1)}, "stock"),
        ({"terms": Terms(budget_minor=0)}, "budget_minor"),
        ({"kind": "free_shipping", "terms": Terms(cost_minor=-1)}, "cost_minor"),
        ({"terms": Terms(starts_at=NOW, ends_at=NOW)}, "ends_at"),
        ({"terms": Terms(products=tuple(range(1, 102)))}, "products"),
    ],
)
def test_a_wrong_term_is_refused_at_its_field(session: Session, shop: Shop, wrong: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        loyalty.add_reward(session, shop, "staff:1", replace(PLAIN, **wrong))
    assert refused.value.field == field


def test_another_shops_rewards_are_not_there(session: Session, shop: Shop, other_shop: Shop) -> None:
    mine = add(session, shop, said=Terms(stock=3))
    with db.transaction(other_shop.id) as theirs:
        at(theirs, NOW)
        twin = loyalty.add_reward(theirs, other_shop, "staff:9", PLAIN).id
        assert [offer.reward.id for offer in offers.all_of(theirs, other_shop, NOW)] == [twin]
    assert [offer.reward.id for offer in offers.all_of(session, shop, NOW)] == [mine.id]
    assert twin not in tallies.limits(session, shop, NOW) and offers.month(session, shop, NOW) == {}

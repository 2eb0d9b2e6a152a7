"""Taking a reward back: ended in the store first, then the points; and what was used meanwhile stays used."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.effects.models import Effect
from plugin.errors import NotFound, Refused
from plugin.loyalty import issuing, returning
from plugin.loyalty import operations as loyalty
from plugin.loyalty.models import Redemption
from plugin.loyalty.returning import NotReturnable
from plugin.loyalty.reward_models import RewardTally
from plugin.loyalty.rewards import RewardDraft
from plugin.loyalty.terms import Terms
from plugin.shops.models import Shop
from tests.plugin.loyalty.ledgers import account, at, broken, customer, entries, later, order, program

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
GID = {"discount_gid": "gid://shopify/DiscountCodeNode/1"}


@pytest.fixture(autouse=True)
def rich(session: Session, shop: Shop) -> None:
    at(session, NOW)
    program(session, shop)
    customer(session, shop, 7)
    loyalty.adjust(session, shop, 7, 250, "test", "staff:1", "start")


def buy(session: Session, shop: Shop, kind: str = "amount_off", key: str = "click-0001", **said: Any) -> Redemption:
    draft = RewardDraft("Reward", 100, 5_00, kind=kind, terms=Terms(**said))
    reward = loyalty.add_reward(session, shop, "staff:1", draft)
    return loyalty.redeem(session, shop, 7, reward.id, key)


def issued(session: Session, shop: Shop, **said: Any) -> Redemption:
    bought = buy(session, shop, **said)
    issuing.code_made(session, shop, effect(session, "discount_code").payload, GID)
    return bought


def effect(session: Session, kind: str) -> Effect:
    return session.scalars(select(Effect).where(Effect.kind == kind)).one()


def ended(session: Session, shop: Shop, used: bool = False, order_id: int | None = None) -> None:
    returning.ended(session, shop, effect(session, "reward_end").payload, {"used": used, "order_id": order_id})


def test_points_come_back_only_when_the_store_has_ended_the_code(session: Session, shop: Shop) -> None:
    bought = issued(session, shop)
    for _ in range(2):
        loyalty.take_back(session, shop, bought.id, "staff:1")
    assert bought.state == "ending" and account(session, shop, 7) == (150, 0, 0)
    for _ in range(2):
        ended(session, shop)
    assert bought.state == "returned" and account(session, shop, 7) == (250, 0, 0) and broken(session) == []
    assert loyalty.take_back(session, shop, bought.id, "staff:1").state == "returned"


def test_a_code_that_was_used_meanwhile_stays_used(session: Session, shop: Shop) -> None:
    bought = issued(session, shop)
    loyalty.take_back(session, shop, bought.id, "staff:1")
    ended(session, shop, used=True, order_id=5)
    assert (bought.state, bought.used_order_id) == ("used", 5) and account(session, shop, 7) == (150, 0, 0)
    with pytest.raises(NotReturnable):
        loyalty.take_back(session, shop, bought.id, "staff:1")


def test_an_order_that_comes_while_the_code_ends_wins(session: Session, shop: Shop) -> None:
    bought = issued(session, shop)
    loyalty.take_back(session, shop, bought.id, "staff:1")
    order(session, shop, 5, 7, NOW, discount_codes=[bought.code])
    loyalty.use_codes(session, shop, {5})
    ended(session, shop)
    assert bought.state == "used" and account(session, shop, 7) == (150, 0, 0)


def test_an_order_found_after_the_return_takes_the_points_again(session: Session, shop: Shop) -> None:
    bought = issued(session, shop, stock=5)
    loyalty.take_back(session, shop, bought.id, "staff:1")
    ended(session, shop)
    loyalty.adjust(session, shop, 7, -190, "test", "staff:1", "less")
    order(session, shop, 5, 7, NOW, discount_codes=[bought.code])
    loyalty.use_codes(session, shop, {5})
    assert bought.state == "late" and account(session, shop, 7) == (60, 0, 0)
    while returning.keep(session, shop):
        pass
    assert bought.state == "used" and account(session, shop, 7) == (0, 0, 40) and broken(session) == []
    assert [kind for kind, _ in entries(session, shop, 7)][-2:] == ["redeem", "redeem"]
    assert session.get_one(RewardTally, (shop.id, bought.reward_id), populate_existing=True).taken == 1


def test_a_store_that_will_not_end_it_leaves_it_as_it_was(session: Session, shop: Shop) -> None:
    bought = issued(session, shop)
    loyalty.take_back(session, shop, bought.id, "staff:1")
    returning.not_ended(session, shop, effect(session, "reward_end").payload, Refused("no"))
    assert bought.state == "issued"
    loyalty.take_back(session, shop, bought.id, "staff:1")
    assert bought.state == "ending"


def test_what_is_still_being_made_is_ended_once_it_is_there(session: Session, shop: Shop) -> None:
    bought = buy(session, shop)
    loyalty.take_back(session, shop, bought.id, "staff:1")
    assert bought.state == "ending" and account(session, shop, 7) == (150, 0, 0)
    issuing.code_made(session, shop, effect(session, "discount_code").payload, GID)
    ended(session, shop)
    assert bought.state == "returned" and account(session, shop, 7) == (250, 0, 0)


def test_what_is_never_made_gives_the_points_back(session: Session, shop: Shop) -> None:
    bought = buy(session, shop)
    loyalty.take_back(session, shop, bought.id, "staff:1")
    issuing.code_refused(session, shop, effect(session, "discount_code").payload, Refused("no"))
    assert bought.state == "returned" and account(session, shop, 7) == (250, 0, 0)


@pytest.mark.parametrize(("comes_back", "state", "points"), [(True, "returned", 250), (False, "expired", 150)])
def test_a_code_that_runs_out_gives_its_points_back_or_not(
    session: Session, shop: Shop, comes_back: bool, state: str, points: int
) -> None:
    bought = issued(session, shop, comes_back=comes_back)
    at(session, bought.expires_at)
    assert returning.run_out(session, shop) == 0
    later(session, hours=2)
    assert returning.run_out(session, shop) == 1 and returning.run_out(session, shop) == 0
    if comes_back:
        ended(session, shop)
    assert bought.state == state and account(session, shop, 7) == (points, 0, 0)


def test_an_order_of_the_last_minute_still_counts(session: Session, shop: Shop) -> None:
    bought = issued(session, shop)
    later(session, days=91)
    returning.run_out(session, shop)
    order(session, shop, 5, 7, NOW, discount_codes=[bought.code])
    loyalty.use_codes(session, shop, {5})
    assert bought.state == "used"


def test_store_credit_is_the_customers_at_once(session: Session, shop: Shop) -> None:
    bought = buy(session, shop, "store_credit")
    issuing.code_made(session, shop, effect(session, "store_credit").payload, {"discount_gid": "gid://shopify/C/1"})
    assert bought.state == "used"
    with pytest.raises(NotReturnable):
        loyalty.take_back(session, shop, bought.id, "staff:1")


def test_the_shopper_gives_back_what_the_merchant_allows(session: Session, shop: Shop) -> None:
    kept = buy(session, shop, key="click-0002", keep=True)
    with pytest.raises(NotReturnable):
        loyalty.take_back_own(session, shop, 7, kept.id)
    free = buy(session, shop)
    with pytest.raises(NotFound):
        loyalty.take_back_own(session, shop, 8, free.id)
    assert loyalty.take_back_own(session, shop, 7, free.id).state == "ending"

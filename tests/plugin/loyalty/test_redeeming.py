"""Points become codes: once a click, never more than there are, and back again by the same lots."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from plugin.effects.models import Effect
from plugin.errors import Invalid, NotFound
from plugin.loyalty import issuing, queries, remote
from plugin.loyalty import operations as loyalty
from plugin.loyalty.lots import NotEnoughPoints
from plugin.loyalty.models import PointLot, Redemption
from plugin.loyalty.redeeming import RequestReused, RewardPaused
from plugin.loyalty.returning import NotReturnable
from plugin.loyalty.rewards import RewardDraft
from plugin.messages.models import Message
from plugin.shops.models import Shop
from tests.plugin.loyalty.ledgers import (
    DRAFT,
    account,
    at,
    broken,
    customer,
    entries,
    later,
    order,
    program,
    refund,
    reward,
    settle,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def noon(session: Session) -> None:
    at(session, NOW)


@pytest.fixture
def bought(session: Session, shop: Shop) -> Redemption:
    """150 points earned, 100 of them spent."""
    program(session, shop)
    order(session, shop, 1, 7, NOW)
    settle(session, shop, 1)
    return loyalty.redeem(session, shop, 7, reward(session, shop).id, "click-0001")


def test_a_redemption_takes_points_and_asks_for_a_code(session: Session, shop: Shop, bought: Redemption) -> None:
    assert account(session, shop, 7) == (50, 0, 0) and broken(session) == []
    assert bought.state == "reserved" and re.fullmatch(r"BEANS-[A-Z2-7]{12}", bought.code)
    effect = session.scalars(select(Effect)).one()
    assert (effect.kind, effect.key) == ("discount_code", str(bought.id))
    assert effect.payload["code"] == bought.code and effect.payload["amount"] == "5.00"


def test_the_same_click_twice_is_one_redemption(session: Session, shop: Shop, bought: Redemption) -> None:
    again = loyalty.redeem(session, shop, 7, bought.reward_id, "click-0001")
    assert again.id == bought.id and account(session, shop, 7) == (50, 0, 0)
    assert session.scalar(select(func.count()).select_from(Effect)) == 1


def test_the_same_click_for_another_reward_is_refused(session: Session, shop: Shop, bought: Redemption) -> None:
    with pytest.raises(RequestReused):
        loyalty.redeem(session, shop, 7, reward(session, shop, 10).id, "click-0001")


def test_the_same_key_of_another_customer_is_theirs(session: Session, shop: Shop, bought: Redemption) -> None:
    order(session, shop, 2, 8, NOW)
    settle(session, shop, 2)
    theirs = loyalty.redeem(session, shop, 8, bought.reward_id, "click-0001")
    assert theirs.id != bought.id and theirs.code != bought.code


def test_more_than_there_is_cannot_be_spent(session: Session, shop: Shop, bought: Redemption) -> None:
    with pytest.raises(NotEnoughPoints):
        loyalty.redeem(session, shop, 7, bought.reward_id, "click-0002")
    with pytest.raises(NotEnoughPoints):
        loyalty.redeem(session, shop, customer(session, shop, 99), bought.reward_id, "click-0003")
    with pytest.raises(NotEnoughPoints):
        loyalty.redeem(session, shop, 12345, bought.reward_id, "click-0004")


def test_pending_and_expired_points_cannot_be_spent(session: Session, shop: Shop) -> None:
    program(session, shop, replace(DRAFT, return_days=14, expiry_days=30))
    costs = reward(session, shop, 150)
    order(session, shop, 1, 7, NOW)
    settle(session, shop, 1)
    for days in (0, 13.99, 45):
        at(session, NOW + timedelta(days=days))
        with pytest.raises(NotEnoughPoints), session.begin_nested():
            loyalty.redeem(session, shop, 7, costs.id, "click-0001")
    at(session, NOW + timedelta(days=14))
    loyalty.redeem(session, shop, 7, costs.id, "click-0001")
    assert account(session, shop, 7) == (0, 0, 0)


def test_a_paused_reward_and_a_strangers_reward_are_refused(session: Session, shop: Shop, bought: Redemption) -> None:
    loyalty.pause_reward(session, shop, "staff:1", bought.reward_id)
    with pytest.raises(RewardPaused):
        loyalty.redeem(session, shop, 7, bought.reward_id, "click-0002")
    assert loyalty.redeem(session, shop, 7, bought.reward_id, "click-0001").id == bought.id
    with pytest.raises(NotFound):
        loyalty.redeem(session, shop, 7, 999, "click-0003")


def test_what_expires_first_is_spent_first(session: Session, shop: Shop) -> None:
    program(session, shop, replace(DRAFT, expiry_days=30))
    for number, days in ((1, 5), (2, 20), (3, 10)):
        order(session, shop, number, 7, NOW - timedelta(days=days))
    settle(session, shop, 1, 2, 3)
    loyalty.redeem(session, shop, 7, reward(session, shop, 200).id, "click-0001")
    left = session.execute(select(PointLot.order_id, PointLot.remaining).order_by(PointLot.order_id)).all()
    assert left == [(1, 150), (2, 0), (3, 100)]


def test_a_returned_redemption_goes_back_to_its_own_lots(session: Session, shop: Shop) -> None:
    program(session, shop, replace(DRAFT, expiry_days=30))
    for number, days in ((1, 5), (2, 20)):
        order(session, shop, number, 7, NOW - timedelta(days=days))
    settle(session, shop, 1, 2)
    dates = set(session.scalars(select(PointLot.expires_at)))
    spent = loyalty.redeem(session, shop, 7, reward(session, shop, 200).id, "click-0001")
    for _ in range(2):
        loyalty.return_redemption(session, shop, spent.id, "staff:1", "changed their mind")
    left = session.execute(select(PointLot.order_id, PointLot.remaining).order_by(PointLot.order_id)).all()
    assert left == [(1, 150), (2, 150)] and set(session.scalars(select(PointLot.expires_at))) == dates
    assert account(session, shop, 7) == (300, 0, 0) and broken(session) == []


def test_a_return_to_an_expired_lot_expires_again(session: Session, shop: Shop) -> None:
    program(session, shop, replace(DRAFT, expiry_days=30))
    order(session, shop, 1, 7, NOW)
    settle(session, shop, 1)
    spent = loyalty.redeem(session, shop, 7, reward(session, shop, 100).id, "click-0001")
    later(session, days=40)
    loyalty.settle_due(session, shop)
    loyalty.return_redemption(session, shop, spent.id)
    kinds = [kind for kind, _ in entries(session, shop, 7)]
    assert kinds == ["earn", "redeem", "expire", "return", "expire"]
    assert account(session, shop, 7) == (0, 0, 0) and broken(session) == []


def test_a_returned_redemption_pays_debt_first(session: Session, shop: Shop, bought: Redemption) -> None:
    refund(session, shop, 1, 1, NOW, {0: 1})
    settle(session, shop, 1)
    assert account(session, shop, 7) == (0, 0, 100)
    with pytest.raises(NotEnoughPoints), session.begin_nested():
        loyalty.redeem(session, shop, 7, reward(session, shop, 1).id, "click-0002")
    loyalty.return_redemption(session, shop, bought.id)
    assert account(session, shop, 7) == (0, 0, 0) and broken(session) == []


def test_an_order_with_the_code_uses_the_redemption(session: Session, shop: Shop, bought: Redemption) -> None:
    order(session, shop, 2, 7, NOW, discount_codes=["WELCOME", bought.code.lower()])
    for _ in range(2):
        loyalty.use_codes(session, shop, {2})
    assert (bought.state, bought.used_order_id) == ("used", 2)
    with pytest.raises(NotReturnable):
        loyalty.return_redemption(session, shop, bought.id)


def test_a_made_code_is_issued_and_mailed_once(session: Session, shop: Shop, bought: Redemption) -> None:
    payload = session.scalars(select(Effect)).one().payload
    for _ in range(2):
        issuing.code_made(session, shop, payload, {"discount_gid": "gid://shopify/DiscountCodeNode/1"})
    session.refresh(bought)
    assert bought.state == "issued"
    message = session.scalars(select(Message)).one()
    assert (message.email, message.marketing, message.context["code"]) == ("customer-7@example.com", False, bought.code)


def test_a_refused_code_gives_the_points_back(session: Session, shop: Shop, bought: Redemption) -> None:
    payload = session.scalars(select(Effect)).one().payload
    issuing.code_refused(session, shop, payload, NotFound("no such customer"))
    assert bought.state == "returned" and account(session, shop, 7) == (150, 0, 0)


def test_a_returned_redemption_ends_its_code(session: Session, shop: Shop, bought: Redemption) -> None:
    payload = session.scalars(select(Effect)).one().payload
    issuing.code_made(session, shop, payload, {"discount_gid": "gid://shopify/DiscountCodeNode/1"})
    session.refresh(bought)
    for _ in range(2):
        loyalty.return_redemption(session, shop, bought.id)
    ends = session.scalars(select(Effect).where(Effect.kind == "discount_code_end")).one()
    assert ends.payload["discount_gid"] == "gid://shopify/DiscountCodeNode/1"


def test_a_code_made_after_its_return_is_ended(session: Session, shop: Shop, bought: Redemption) -> None:
    payload = session.scalars(select(Effect)).one().payload
    loyalty.return_redemption(session, shop, bought.id)
    issuing.code_made(session, shop, payload, {"discount_gid": "gid://shopify/DiscountCodeNode/1"})
    assert session.scalars(select(Effect).where(Effect.kind == "discount_code_end")).one()
    assert session.scalars(select(Message)).all() == []


def test_the_code_is_personal_and_works_once(session: Session, shop: Shop, bought: Redemption) -> None:
    asked = remote.code_input(session.scalars(select(Effect)).one().payload)
    assert asked["usageLimit"] == 1 and asked["context"] == {"customers": {"add": ["gid://shopify/Customer/7"]}}
    assert asked["customerGets"]["value"]["discountAmount"] == {"amount": "5.00", "appliesOnEachItem": False}
    assert "minimumRequirement" not in asked
    with_minimum = remote.code_input(session.scalars(select(Effect)).one().payload | {"minimum": "30.00"})
    assert with_minimum["minimumRequirement"]["subtotal"]["greaterThanOrEqualToSubtotal"] == "30.00"


def test_points_by_hand_have_a_reason_and_a_way_back(session: Session, shop: Shop) -> None:
    program(session, shop)
    customer(session, shop, 7)
    given = loyalty.adjust(session, shop, 7, 40, "late parcel", "staff:1", "form-1")
    assert loyalty.adjust(session, shop, 7, 40, "late parcel", "staff:1", "form-1") == given
    assert queries.entry(session, shop, given).explanation == {"points": 40}
    assert queries.notes(session, shop, [given]) == {given: "late parcel"}
    for _ in range(2):
        loyalty.undo_adjust(session, shop, given, "staff:2")
    assert entries(session, shop, 7) == [("adjust", 40), ("adjust", -40)] and account(session, shop, 7) == (0, 0, 0)


def test_undoing_points_that_are_spent_leaves_a_debt(session: Session, shop: Shop) -> None:
    program(session, shop)
    customer(session, shop, 7)
    given = loyalty.adjust(session, shop, 7, 40, "late parcel", "staff:1", "form-1")
    loyalty.redeem(session, shop, 7, reward(session, shop, 30).id, "click-0001")
    loyalty.undo_adjust(session, shop, given, "staff:1")
    assert account(session, shop, 7) == (0, 0, 30) and broken(session) == []


@pytest.mark.parametrize(
    ("points", "reason", "field"), [(0, "x", "points"), (5, " ", "reason"), (10**9, "x", "points")]
)
def test_points_by_hand_need_a_number_and_a_reason(
    session: Session, shop: Shop, points: int, reason: str, field: str
) -> None:
    customer(session, shop, 7)
    with pytest.raises(Invalid) as refused:
        loyalty.adjust(session, shop, 7, points, reason, "staff:1", "form-1")
    assert refused.value.field == field


def test_staff_cannot_take_more_than_there_is(session: Session, shop: Shop, bought: Redemption) -> None:
    with pytest.raises(NotEnoughPoints), session.begin_nested():
        loyalty.adjust(session, shop, 7, -51, "mistake", "staff:1", "form-1")
    loyalty.adjust(session, shop, 7, -50, "mistake", "staff:1", "form-2")
    assert account(session, shop, 7) == (0, 0, 0)


def test_a_strangers_redemption_is_not_found(session: Session, shop: Shop, bought: Redemption) -> None:
    assert queries.redemption(session, shop, bought.id, 7).id == bought.id
    with pytest.raises(NotFound):
        queries.redemption(session, shop, bought.id, 8)


REWARD: dict[str, Any] = {"name": "5 off", "cost_points": 100, "value_minor": 500}


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"name": " "}, "name"),
        ({"cost_points": 0}, "cost_points"),
        ({"value_minor": -1}, "value_minor"),
        ({"minimum_minor": -1}, "minimum_minor"),
        ({"valid_days": 0}, "valid_days"),
    ],
)
def test_a_wrong_reward_is_refused_at_its_field(
    session: Session, shop: Shop, wrong: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        loyalty.add_reward(session, shop, "staff:1", RewardDraft(**(REWARD | wrong)))
    assert refused.value.field == field

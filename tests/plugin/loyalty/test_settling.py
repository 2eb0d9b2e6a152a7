"""Orders become points, and every later piece of news about them moves exactly the difference."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from plugin.commerce.models import Order
from plugin.loyalty import operations as loyalty
from plugin.loyalty import queries
from plugin.loyalty.models import PointAccount, PointEntry, PointLot
from plugin.shops.models import Shop
from tests.plugin.loyalty.ledgers import (
    DRAFT,
    LADDER,
    account,
    at,
    broken,
    entries,
    later,
    order,
    program,
    refund,
    reward,
    settle,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
WITH_RETURNS = replace(DRAFT, return_days=14)
WITH_TIERS = replace(DRAFT, tiers=LADDER)


@pytest.fixture(autouse=True)
def noon(session: Session) -> None:
    at(session, NOW)


def test_a_paid_order_earns_by_the_rate(session: Session, shop: Shop) -> None:
    program(session, shop)
    order(session, shop, 1, 7, NOW, [{"price_minor": 42_50}])
    settle(session, shop, 1)
    assert account(session, shop, 7) == (127, 0, 0)
    assert broken(session) == []


def test_settling_again_changes_nothing(session: Session, shop: Shop) -> None:
    program(session, shop)
    order(session, shop, 1, 7, NOW)
    for _ in range(3):
        settle(session, shop, 1)
    assert entries(session, shop, 7) == [("earn", 150)]


def test_nobody_earns_without_a_program(session: Session, shop: Shop) -> None:
    order(session, shop, 1, 7, NOW)
    settle(session, shop, 1)
    assert session.scalar(select(PointAccount.customer_id)) is None


@pytest.mark.parametrize(
    "columns",
    [{"financial_status": "pending"}, {"test": True}, {"currency": "USD"}, {"cancelled_at": NOW}, {"deleted_at": NOW}],
)
def test_what_does_not_count_earns_nothing(session: Session, shop: Shop, columns: dict[str, Any]) -> None:
    program(session, shop)
    order(session, shop, 1, 7, NOW, **columns)
    order(session, shop, 2, None, NOW)
    settle(session, shop, 1, 2)
    assert entries(session, shop, 7) == []


def test_an_order_from_before_the_program_earns_nothing(session: Session, shop: Shop) -> None:
    program(session, shop, starts_at=NOW)
    order(session, shop, 1, 7, NOW - timedelta(seconds=1))
    order(session, shop, 2, 7, NOW)
    settle(session, shop, 1, 2)
    assert entries(session, shop, 7) == [("earn", 150)]


def test_a_refund_takes_back_exactly_what_its_units_earned(session: Session, shop: Shop) -> None:
    program(session, shop)
    order(session, shop, 1, 7, NOW, [{"quantity": 3, "price_minor": 10_01, "discount_minor": 1_00}])
    settle(session, shop, 1)
    for number in (1, 2, 3):
        refund(session, shop, number, 1, NOW, {0: 1})
        settle(session, shop, 1)
    moved = entries(session, shop, 7)
    assert [kind for kind, _ in moved] == ["earn", "claw", "claw", "claw"]
    assert sum(points for _, points in moved) == 0 and account(session, shop, 7) == (0, 0, 0)


def test_a_refund_known_before_its_order_counts_once(session: Session, shop: Shop) -> None:
    program(session, shop)
    order(session, shop, 1, 7, NOW, [{"quantity": 2}])
    refund(session, shop, 1, 1, NOW, {0: 1})
    settle(session, shop, 1)
    order(session, shop, 1, 7, NOW, [{"quantity": 2, "current_quantity": 1}], financial_status="partially_refunded")
    settle(session, shop, 1)
    assert entries(session, shop, 7) == [("earn", 150)]


def test_edits_up_and_down_follow_the_order(session: Session, shop: Shop) -> None:
    program(session, shop)
    for quantity in (1, 3, 2, 5, 1, 4):
        order(session, shop, 1, 7, NOW, [{"quantity": 5, "current_quantity": quantity}])
        settle(session, shop, 1)
        assert account(session, shop, 7) == (150 * quantity, 0, 0)
    assert broken(session) == []


def test_a_cancelled_order_gives_all_back_and_a_reopened_one_earns_again(session: Session, shop: Shop) -> None:
    program(session, shop)
    for cancelled_at, points in ((None, 150), (NOW, 0), (None, 150)):
        order(session, shop, 1, 7, NOW, cancelled_at=cancelled_at)
        settle(session, shop, 1)
        assert account(session, shop, 7) == (points, 0, 0)


def test_a_deleted_order_gives_all_back_and_later_ones_earn_at_the_tier_without_it(
    session: Session, shop: Shop
) -> None:
    program(session, shop, replace(DRAFT, tiers=LADDER))
    for id in (1, 2, 3):
        order(session, shop, id, 7, NOW - timedelta(days=9 - id))
        settle(session, shop, id)
    assert account(session, shop, 7) == (150 + 150 + 187, 0, 0)
    # What a deletion leaves of the order.
    emptied = {"customer_id": None, "processed_at": None, "deleted_at": NOW}
    session.execute(update(Order).where(Order.shop_id == shop.id, Order.id == 1).values(emptied))
    settle(session, shop, 1)
    assert account(session, shop, 7) == (150 + 150, 0, 0)
    assert broken(session) == []


def test_points_move_with_an_order_to_another_customer(session: Session, shop: Shop) -> None:
    program(session, shop)
    order(session, shop, 1, 7, NOW)
    settle(session, shop, 1)
    order(session, shop, 1, 8, NOW)
    settle(session, shop, 1)
    assert account(session, shop, 7) == (0, 0, 0) and account(session, shop, 8) == (150, 0, 0)
    order(session, shop, 1, 7, NOW)
    settle(session, shop, 1)
    assert account(session, shop, 7) == (150, 0, 0) and account(session, shop, 8) == (0, 0, 0)
    assert broken(session) == []


def test_a_refund_follows_the_rules_of_its_orders_own_day(session: Session, shop: Shop) -> None:
    program(session, shop)
    order(session, shop, 1, 7, NOW, [{"quantity": 2}])
    settle(session, shop, 1)
    later(session, days=1)
    program(session, shop, replace(DRAFT, earn_points=30, paused=True))
    refund(session, shop, 1, 1, NOW + timedelta(days=1), {0: 1})
    settle(session, shop, 1)
    assert entries(session, shop, 7) == [("earn", 300), ("claw", -150)]


def test_an_entry_explains_its_arithmetic(session: Session, shop: Shop) -> None:
    program(session, shop, WITH_TIERS)
    order(session, shop, 1, 7, NOW - timedelta(days=5), [{"price_minor": 120_00}])
    order(session, shop, 2, 7, NOW, [{"price_minor": 10_01}, {"price_minor": 99_00, "gift_card": True}])
    settle(session, shop, 1, 2)
    told = queries.entries(session, shop, 7)[0].explanation
    assert told == {
        "posted": 0,
        "target": 37,
        "points": 37,
        "program": 1,
        "currency": "EUR",
        "tax": "shown",
        "goods_minor": 10_01,
        "returned_minor": 0,
        "money_back_minor": 0,
        "gift_cards_minor": 99_00,
        "counted_minor": 10_01,
        "earn": [3, 100],
        "tier": {"name": "Silver", "rate": [5, 4]},
        "spend_minor": 120_00,
        "window_days": 365,
        "exact": [15015, 400],
    }


def test_points_are_pending_until_the_return_window_closes(session: Session, shop: Shop) -> None:
    program(session, shop, WITH_RETURNS)
    order(session, shop, 1, 7, NOW)
    settle(session, shop, 1)
    assert account(session, shop, 7) == (0, 150, 0)
    later(session, days=14, seconds=-1)
    assert loyalty.settle_due(session, shop) == 0
    later(session, seconds=1)
    assert queries.account(session, shop, 7, NOW + timedelta(days=14)).available == 150  # before any sweep
    assert loyalty.settle_due(session, shop) == 1
    assert account(session, shop, 7) == (150, 0, 0) and entries(session, shop, 7) == [("earn", 150)]


def test_a_refund_in_the_return_window_takes_pending_points(session: Session, shop: Shop) -> None:
    program(session, shop, WITH_RETURNS)
    order(session, shop, 1, 7, NOW - timedelta(days=20))
    order(session, shop, 2, 7, NOW)
    settle(session, shop, 1, 2)
    refund(session, shop, 1, 2, NOW, {0: 1})
    settle(session, shop, 2)
    assert account(session, shop, 7) == (150, 0, 0)


def test_points_expire_at_the_very_second(session: Session, shop: Shop) -> None:
    program(session, shop, replace(DRAFT, expiry_days=30))
    order(session, shop, 1, 7, NOW)
    settle(session, shop, 1)
    moment = session.scalars(select(PointLot.expires_at)).one()
    assert moment == datetime(2026, 3, 31, 11, tzinfo=UTC)  # noon UTC was 13:00 in Berlin, and still is in summer time
    at(session, moment - timedelta(seconds=1))
    assert loyalty.settle_due(session, shop) == 0
    at(session, moment)
    assert loyalty.settle_due(session, shop) == 1
    assert entries(session, shop, 7) == [("earn", 150), ("expire", -150)] and account(session, shop, 7) == (0, 0, 0)


def test_a_claw_of_expired_points_reverses_their_expiry(session: Session, shop: Shop) -> None:
    program(session, shop, replace(DRAFT, expiry_days=30))
    order(session, shop, 1, 7, NOW, [{"quantity": 2}])
    settle(session, shop, 1)
    later(session, days=40)
    loyalty.settle_due(session, shop)
    refund(session, shop, 1, 1, NOW + timedelta(days=40), {0: 1})
    settle(session, shop, 1)
    moved = entries(session, shop, 7)
    assert moved == [("earn", 300), ("expire", -300), ("unexpire", 150), ("claw", -150)]
    assert account(session, shop, 7) == (0, 0, 0) and broken(session) == []


def test_points_of_long_ago_expire_as_they_arrive(session: Session, shop: Shop) -> None:
    program(session, shop, replace(DRAFT, expiry_days=30))
    order(session, shop, 1, 7, NOW - timedelta(days=100))
    settle(session, shop, 1)
    order(session, shop, 1, 7, NOW - timedelta(days=100), [{"quantity": 2}])
    settle(session, shop, 1)
    assert [kind for kind, _ in entries(session, shop, 7)] == ["earn", "expire", "earn", "expire"]
    assert account(session, shop, 7) == (0, 0, 0) and broken(session) == []


def test_a_target_raised_later_keeps_the_original_dates(session: Session, shop: Shop) -> None:
    program(session, shop, replace(WITH_RETURNS, expiry_days=30))
    order(session, shop, 1, 7, NOW, [{"quantity": 5, "current_quantity": 1}])
    settle(session, shop, 1)
    dates = session.execute(select(PointLot.available_at, PointLot.expires_at)).one()
    later(session, days=10)
    order(session, shop, 1, 7, NOW, [{"quantity": 5, "current_quantity": 4}])
    settle(session, shop, 1)
    assert session.execute(select(PointLot.available_at, PointLot.expires_at)).one() == dates
    assert account(session, shop, 7) == (0, 600, 0)


def test_a_refund_of_spent_points_becomes_debt_that_the_next_order_pays(session: Session, shop: Shop) -> None:
    program(session, shop)
    cheap = reward(session, shop, 150)
    order(session, shop, 1, 7, NOW)
    settle(session, shop, 1)
    loyalty.redeem(session, shop, 7, cheap.id, "click-0001")
    refund(session, shop, 1, 1, NOW, {0: 1})
    settle(session, shop, 1)
    assert account(session, shop, 7) == (0, 0, 150)
    order(session, shop, 2, 7, NOW, [{"price_minor": 70_00}])
    settle(session, shop, 2)
    assert account(session, shop, 7) == (60, 0, 0) and broken(session) == []


def test_a_claw_takes_its_own_lot_before_others(session: Session, shop: Shop) -> None:
    program(session, shop, replace(DRAFT, expiry_days=30))
    order(session, shop, 1, 7, NOW - timedelta(days=5))
    order(session, shop, 2, 7, NOW)
    settle(session, shop, 1, 2)
    refund(session, shop, 1, 2, NOW, {0: 1})
    settle(session, shop, 2)
    lots = session.execute(select(PointLot.order_id, PointLot.remaining).order_by(PointLot.order_id)).all()
    assert lots == [(1, 150), (2, 0)]


def test_the_tier_of_an_order_is_that_of_the_spend_before_it(session: Session, shop: Shop) -> None:
    program(session, shop, WITH_TIERS)
    for number, days in enumerate((30, 20, 10), 1):
        order(session, shop, number, 7, NOW - timedelta(days=days), [{"price_minor": 150_00}])
    settle(session, shop, 1, 2, 3)
    assert entries(session, shop, 7) == [("earn", 450), ("earn", 562), ("earn", 675)]
    stored = session.get(PointAccount, (shop.id, 7))
    assert stored and (stored.tier_name, stored.tier_spend_minor) == ("Gold", 450_00)


def test_an_order_that_arrives_late_raises_the_later_ones(session: Session, shop: Shop) -> None:
    program(session, shop, WITH_TIERS)
    order(session, shop, 2, 7, NOW - timedelta(days=10), [{"price_minor": 100_00}])
    settle(session, shop, 2)
    order(session, shop, 1, 7, NOW - timedelta(days=20), [{"price_minor": 300_00}])
    settle(session, shop, 1)
    assert sorted(entries(session, shop, 7)) == [("earn", 150), ("earn", 300), ("earn", 900)]


def test_the_refund_of_an_old_order_does_not_look_back(session: Session, shop: Shop) -> None:
    program(session, shop, WITH_TIERS)
    order(session, shop, 1, 7, NOW - timedelta(days=20), [{"price_minor": 100_00}])
    order(session, shop, 2, 7, NOW - timedelta(days=10), [{"price_minor": 100_00}])
    settle(session, shop, 1, 2)
    refund(session, shop, 1, 1, NOW, {0: 1})
    settle(session, shop, 1)
    assert entries(session, shop, 7) == [("earn", 300), ("earn", 375), ("claw", -300)]
    stored = session.get(PointAccount, (shop.id, 7), populate_existing=True)
    assert stored and stored.tier_name == "Silver"  # the 100.00 of the second order are left
    order(session, shop, 3, 7, NOW + timedelta(days=1), [{"price_minor": 100_00}])
    settle(session, shop, 3)
    assert entries(session, shop, 7)[-1] == ("earn", 375)


def test_any_order_of_the_news_ends_in_the_same_points(session: Session, shop: Shop) -> None:
    program(session, shop, replace(WITH_TIERS, return_days=14, expiry_days=60))
    chance = random.Random(7)
    totals = set()
    for customer_id in range(1, 7):
        base = customer_id * 100
        news = [("order", base + n) for n in range(6)] + [("refund", base + n) for n in (1, 3)]
        chance.shuffle(news)
        told: set[tuple[str, int]] = set()
        for event in [*news, *chance.sample(news, 4)]:
            told.add(event)
            _arrive(session, shop, customer_id, *event, told)
        totals.add(sum(p for k, p in entries(session, shop, customer_id) if k in ("earn", "claw")))
    assert len(totals) == 1 and broken(session) == []


def _arrive(session: Session, shop: Shop, customer_id: int, kind: str, number: int, told: set[tuple[str, int]]) -> None:
    place = number % 100
    if ("order", number) in told:
        moment = NOW - timedelta(days=90 - 10 * place)
        order(session, shop, number, customer_id, moment, [{"quantity": 2, "price_minor": 33_33 + place}])
    if kind == "refund" or ("refund", number) in told:
        if ("order", number) not in told:
            return
        refund(session, shop, number, number, NOW - timedelta(days=5), {0: 1})
    settle(session, shop, number)


def test_the_ledger_cannot_be_rewritten(session: Session, shop: Shop) -> None:
    program(session, shop)
    order(session, shop, 1, 7, NOW)
    settle(session, shop, 1)
    for statement in ("UPDATE point_entries SET points = 1", "DELETE FROM point_entries"):
        with pytest.raises(DBAPIError, match="permission denied"), session.begin_nested():
            session.execute(text(statement))


def test_the_look_alike_shop_keeps_its_own_points(
    database: Engine, session: Session, shop: Shop, other_shop: Shop
) -> None:
    with Session(database) as owner, owner.begin():
        at(owner, NOW)
        program(owner, other_shop)
        order(owner, other_shop, 1, 7, NOW)
        settle(owner, other_shop, 1)
    program(session, shop)
    order(session, shop, 1, 7, NOW, [{"quantity": 2}])
    settle(session, shop, 1)
    assert account(session, shop, 7) == (300, 0, 0)
    assert {entry.shop_id for entry in session.scalars(select(PointEntry))} == {shop.id}
    figures = queries.figures(session, shop, NOW - timedelta(days=1), NOW + timedelta(days=1))
    assert (figures.members, figures.outstanding, figures.earned) == (1, 300, 300)


def test_an_order_of_the_very_moment_of_a_change_follows_the_new_version(session: Session, shop: Shop) -> None:
    program(session, shop)
    order(session, shop, 1, 7, NOW)
    settle(session, shop, 1)
    program(session, shop, replace(DRAFT, earn_points=9))
    assert entries(session, shop, 7) == [("earn", 150), ("earn", 300)]
    settle(session, shop, 1)
    assert account(session, shop, 7) == (450, 0, 0)


def test_past_orders_are_settled_in_steps_after_the_launch(session: Session, shop: Shop) -> None:
    for number in range(1, 4):
        order(session, shop, number, 7, NOW - timedelta(days=number))
    loyalty.save_program(session, shop, "staff:1", DRAFT, NOW - timedelta(days=2))
    assert entries(session, shop, 7) == []
    while loyalty.catch_up(session, shop):
        pass
    assert account(session, shop, 7) == (300, 0, 0)


def test_a_tier_is_lost_when_its_window_has_passed(session: Session, shop: Shop) -> None:
    program(session, shop, WITH_TIERS)
    order(session, shop, 1, 7, NOW, [{"price_minor": 100_00}])
    settle(session, shop, 1)
    stored = session.get(PointAccount, (shop.id, 7), populate_existing=True)
    assert stored and (stored.tier_name, stored.tier_since) == ("Silver", NOW)
    lost = later(session, days=366)
    while loyalty.catch_up(session, shop):
        pass
    session.refresh(stored)
    assert (stored.tier_name, stored.tier_spend_minor, stored.tier_since) == ("Bronze", 0, lost)

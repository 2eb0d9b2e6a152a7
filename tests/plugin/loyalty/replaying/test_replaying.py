"""A draft over the shop's history: the sums are those the ledger would have, and nothing is written."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from plugin.errors import Invalid, Refused
from plugin.loyalty import operations as loyalty
from plugin.loyalty.document import Document, Earn, Goods, Multiplier
from plugin.loyalty.models import OrderFacts, PointEntry
from plugin.loyalty.replaying import running, saving
from plugin.loyalty.replaying.models import Replay
from plugin.loyalty.replaying.tally import Difference, Person
from plugin.shops.models import Shop
from tests.plugin.loyalty.ledgers import DRAFT, LADDER, at, order, program, refund, reward, settle

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SINCE = datetime(2025, 6, 1, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def noon(session: Session) -> None:
    at(session, NOW)


def run(session: Session, shop: Shop, replay: Replay) -> Replay:
    while running.step(session, shop):
        pass
    return saving.get(session, shop, replay.id)


def history(session: Session, shop: Shop) -> None:
    """Three people: one buys every month, one once, one gives half of it back."""
    for number in range(1, 7):
        order(session, shop, number, 7, NOW - 30 * number * DAY, [{"price_minor": 60_00}])
    order(session, shop, 20, 8, NOW - 40 * DAY, [{"price_minor": 10_00}])
    order(session, shop, 30, 9, NOW - 20 * DAY, [{"price_minor": 20_00, "quantity": 2}])
    refund(session, shop, 1, 30, NOW - 10 * DAY, {0: 1})
    settle(session, shop, *range(1, 7), 20, 30)


def test_a_draft_stands_beside_today(session: Session, shop: Shop) -> None:
    program(session, shop)
    history(session, shop)
    draft = replace(DRAFT, earn_points=6, tiers=LADDER)
    found = saving.found(run(session, shop, saving.start(session, shop, "staff:1", draft, SINCE)))
    assert found.today.points == 3 * (360 + 10 + 20) == found.revenue_minor * 3 // 100
    posted = session.scalar(select(func.sum(PointEntry.points)))
    assert found.today.points == posted
    assert found.draft.points == 6 * (60 + 60 + 60 * 5 // 4 * 3 + 60 * 3 // 2 + 10 + 20)
    assert found.draft.tiers == {"Gold": 1, "Bronze": 2} and found.today.tiers == {"": 3}
    assert found.changed_tier == 3
    assert sum(found.draft.months.values()) == found.draft.points and len(found.today.months) == 6
    assert found.winners[0] == Person(7, 1080, found.draft.points - 180) and found.losers == []


def test_nothing_is_written(session: Session, shop: Shop) -> None:
    program(session, shop)
    history(session, shop)
    before = _everything(session)
    rules = Document(earn=Earn(multipliers=(Multiplier("Tea", (2, 1), Goods(tags=("tea",))),)))
    run(session, shop, saving.start(session, shop, "staff:1", replace(DRAFT, document=rules), SINCE))
    assert _everything(session) == before
    assert session.scalars(select(OrderFacts)).all() == []


def _everything(session: Session) -> list[object]:
    tables = ("point_entries", "point_lots", "point_accounts", "programs", "tiers", "redemptions", "messages", "outbox")
    return [
        session.execute(text(f"SELECT count(*), md5(string_agg(t::text, '' ORDER BY t::text)) FROM {t} t")).one()
        for t in tables
    ]


def test_today_replayed_is_the_ledger(session: Session, shop: Shop) -> None:
    program(session, shop, replace(DRAFT, tiers=LADDER))
    history(session, shop)
    at(session, NOW + DAY)
    loyalty.save_program(session, shop, "staff:1", replace(DRAFT, earn_points=1))
    order(session, shop, 40, 8, NOW + DAY, [{"price_minor": 10_00}])
    settle(session, shop, 40)
    at(session, NOW + 2 * DAY)
    found = saving.found(run(session, shop, saving.start(session, shop, "staff:1", None, SINCE)))
    assert (found.checked, found.differing) == (9, 0)


def test_a_check_finds_what_differs(session: Session, shop: Shop) -> None:
    program(session, shop)
    history(session, shop)
    order(session, shop, 20, 8, NOW - 40 * DAY, [{"price_minor": 11_00}])  # news that nobody settled
    found = saving.found(run(session, shop, saving.start(session, shop, "staff:1", None, SINCE)))
    assert (found.differing, found.differences) == (1, [Difference(20, 8, 30, 33)])


def test_steps_join_to_the_same(session: Session, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    program(session, shop)
    history(session, shop)
    draft = replace(DRAFT, earn_points=6, tiers=LADDER)
    whole = saving.found(run(session, shop, saving.start(session, shop, "staff:1", draft, SINCE)))
    monkeypatch.setattr(running, "CUSTOMERS", 1)
    replay = run(session, shop, saving.start(session, shop, "staff:1", draft, SINCE))
    assert saving.found(replay) == whole
    assert (replay.state, replay.customers_done, replay.customers_total) == ("done", 3, 3)


def test_the_look_alike_shop_is_not_counted(session: Session, shop: Shop, other_shop: Shop) -> None:
    program(session, shop)
    found = saving.found(run(session, shop, saving.start(session, shop, "staff:1", DRAFT, SINCE)))
    assert (found.today.points, found.draft.points, found.revenue_minor) == (0, 0, 0)


def test_what_it_would_cost(session: Session, shop: Shop) -> None:
    program(session, shop)
    history(session, shop)
    reward(session, shop, 100)  # 5.00 for 100 points
    value = saving.point_value(session, shop)
    found = saving.found(run(session, shop, saving.start(session, shop, "staff:1", DRAFT, SINCE)))
    costs = saving.costs(found.draft, value, found.revenue_minor)
    assert value == 5
    assert [cost.minor for cost in costs] == [1462, 2925, 4388, 5850]
    assert costs[-1].share == Fraction(15, 100)


def test_some_can_wait_and_each_can_be_stopped(session: Session, shop: Shop) -> None:
    program(session, shop)
    waiting = [saving.start(session, shop, "staff:1", DRAFT, SINCE).id for _ in range(saving.MOST_WAITING)]
    with pytest.raises(Refused):
        saving.start(session, shop, "staff:1", DRAFT, SINCE)
    assert [saving.stop(session, shop, "staff:1", each).state for each in waiting] == ["cancelled"] * len(waiting)
    assert running.step(session, shop) is False
    with pytest.raises(Invalid):
        saving.start(session, shop, "staff:1", DRAFT, NOW + DAY)
    with pytest.raises(Invalid):
        saving.start(session, shop, "staff:1", replace(DRAFT, earn_points=-1), SINCE)


def test_a_draft_comes_back_as_it_was(session: Session, shop: Shop) -> None:
    rules = Document(earn=Earn(rounding="up", multipliers=(Multiplier("Tea", (2, 1), Goods(tags=("tea",))),)))
    draft = replace(DRAFT, tiers=LADDER, document=rules)
    assert saving.draft_of(saving.start(session, shop, "staff:1", draft, SINCE)) == draft

"""More time, points given back, and expiry by inactivity; each undone, none twice, and next door nothing moves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.db import engine as db
from plugin.errors import Invalid, NotFound, Refused
from plugin.loyalty import operations as loyalty
from plugin.loyalty.books import verifying
from plugin.loyalty.document import Document, Expiry
from plugin.loyalty.expiry import changing
from plugin.loyalty.expiry.models import ExpiryChange
from plugin.loyalty.models import PointEntry, PointLot
from plugin.loyalty.rules import days_later
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
    reward,
    settle,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ZONE = "Europe/Berlin"
HUNDRED = replace(DRAFT, expiry_days=100)
IDLE = replace(HUNDRED, document=Document(expiry=Expiry(by="inactivity")))


@pytest.fixture
def session(shop: Shop, other_shop: Shop) -> Iterator[Session]:
    """Two customers with 150 points each, here and next door; rolled back."""
    with Session(db.engine(), expire_on_commit=False) as session:
        session.begin()
        for each in (other_shop, shop):
            db.enter_shop(session, each.id)
            at(session, NOON)
            program(session, each, HUNDRED)
            for number in (1, 2):
                order(session, each, number, number, NOON)
            settle(session, each, 1, 2)
        yield session
        assert broken(session) == [] and verifying.unbalanced(session, shop) == []
        db.enter_shop(session, other_shop.id)
        assert set(dates(session).values()) == {days(100)}, "next door nothing moved"


def days(number: int, since: datetime = NOON) -> datetime:
    """The same time on the shop's clocks, which go forward on the way."""
    return days_later(since, number, ZONE)


def dates(session: Session) -> dict[int, datetime | None]:
    """Customer → when their points expire."""
    rows = session.execute(select(PointLot.customer_id, PointLot.expires_at).where(PointLot.order_id.in_((1, 2))))
    return dict(iter(rows))


def finish(session: Session, shop: Shop) -> None:
    while changing.step(session, shop):
        pass


def test_everybody_or_one_gets_more_time_and_it_can_be_undone(session: Session, shop: Shop) -> None:
    one = changing.extend(session, shop, 10, "sorry", "staff:1", customer_id=1)
    assert (one.state, one.lots, one.points, dates(session)) == ("done", 1, 150, {1: days(110), 2: days(100)})
    everybody = changing.extend(session, shop, 5, "a gift", "staff:1")
    finish(session, shop)
    assert (everybody.lots, dates(session)) == (2, {1: days(115), 2: days(105)})
    changing.undo(session, shop, everybody.id, "staff:2")
    finish(session, shop)
    assert dates(session) == {1: days(110), 2: days(100)} and everybody.state == "undone"
    with pytest.raises(Refused):
        changing.undo(session, shop, everybody.id, "staff:2")


def test_a_date_that_moved_again_since_is_left_alone(session: Session, shop: Shop) -> None:
    first = changing.extend(session, shop, 10, "first", "staff:1", customer_id=1)
    changing.extend(session, shop, 10, "second", "staff:1", customer_id=1)
    changing.undo(session, shop, first.id, "staff:1")
    assert dates(session)[1] == days(120)


def test_undoing_an_extension_after_the_old_date_lets_the_points_expire(session: Session, shop: Shop) -> None:
    change = changing.extend(session, shop, 30, "sorry", "staff:1", customer_id=1)
    later(session, days=110)
    changing.undo(session, shop, change.id, "staff:1")
    assert account(session, shop, 1) == (0, 0, 0) and entries(session, shop, 1)[-1] == ("expire", -150)


def test_expired_points_come_back_and_go_again(session: Session, shop: Shop) -> None:
    later(session, days=120)
    loyalty.settle_due(session, shop)
    assert account(session, shop, 1) == account(session, shop, 2) == (0, 0, 0)
    change = changing.reinstate(session, shop, 30, "holidays", "staff:1", 30)
    finish(session, shop)
    assert account(session, shop, 1) == (150, 0, 0) and dates(session)[1] == NOON + timedelta(days=150)
    assert (change.lots, change.points, change.state) == (2, 300, "done")
    again = changing.reinstate(session, shop, 30, "twice", "staff:1", 30)
    finish(session, shop)
    assert again.lots == 0
    loyalty.adjust(session, shop, 1, -100, "spent", "staff:1", "spent")
    changing.undo(session, shop, change.id, "staff:1")
    finish(session, shop)
    assert account(session, shop, 1) == account(session, shop, 2) == (0, 0, 0)
    assert entries(session, shop, 1)[-3:] == [("unexpire", 150), ("adjust", -100), ("expire", -50)]


def test_what_expired_too_long_ago_stays_gone(session: Session, shop: Shop) -> None:
    later(session, days=140)
    loyalty.settle_due(session, shop)
    assert changing.reinstate(session, shop, 30, "holidays", "staff:1", 30, customer_id=1).lots == 0


def test_a_debt_is_paid_first(session: Session, shop: Shop) -> None:
    given = loyalty.adjust(session, shop, 1, 40, "gift", "staff:1", "gift")
    loyalty.adjust(session, shop, 1, -190, "spent", "staff:1", "all")
    loyalty.undo_adjust(session, shop, given, "staff:1")
    assert account(session, shop, 1) == (0, 0, 40)
    order(session, shop, 3, 1, NOON - timedelta(days=200))
    settle(session, shop, 3)  # pays the debt, and what is left of it has expired
    assert account(session, shop, 1) == (0, 0, 0)


@pytest.mark.parametrize(("number", "reason", "field"), [(0, "x", "days"), (9999, "x", "days"), (5, " ", "reason")])
def test_what_cannot_be_is_told_at_its_field(
    session: Session, shop: Shop, number: int, reason: str, field: str
) -> None:
    with pytest.raises(Invalid) as error:
        changing.extend(session, shop, number, reason, "staff:1")
    assert error.value.field == field


def test_unknown_customers_and_changes_are_told(session: Session, shop: Shop) -> None:
    with pytest.raises(NotFound):
        changing.extend(session, shop, 5, "x", "staff:1", customer_id=99)
    with pytest.raises(NotFound):
        changing.undo(session, shop, 99, "staff:1")


def test_many_customers_are_done_in_steps(session: Session, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changing, "STEP", 1)
    change = changing.extend(session, shop, 10, "sorry", "staff:1")
    assert changing.step(session, shop) and dates(session) == {1: days(110), 2: days(100)}
    changing.undo(session, shop, change.id, "staff:1")  # half done, and taken back as a whole
    finish(session, shop)
    assert dates(session) == {1: days(100), 2: days(100)} and session.get(ExpiryChange, (shop.id, change.id))


@pytest.fixture
def idle(session: Session, shop: Shop) -> Session:
    """The programme goes by inactivity from now on."""
    later(session, seconds=1)
    program(session, shop, IDLE)
    later(session, seconds=1)
    return session


def test_earning_and_spending_give_all_points_the_whole_time_again(idle: Session, shop: Shop) -> None:
    moment = later(idle, days=50)
    order(idle, shop, 3, 1, moment)
    settle(idle, shop, 3)
    assert dates(idle) == {1: days(100, moment), 2: days(100)}
    settle(idle, shop, 3)
    assert dates(idle)[1] == days(100, moment)


def test_spending_gives_what_is_left_the_whole_time_again(idle: Session, shop: Shop) -> None:
    bought = reward(idle, shop, 25).id
    moment = later(idle, days=60)
    loyalty.redeem(idle, shop, 1, bought, "click-00001")
    assert dates(idle) == {1: days(100, moment), 2: days(100)} and account(idle, shop, 1) == (125, 0, 0)


def test_an_order_that_is_told_late_brings_points_back(idle: Session, shop: Shop) -> None:
    bought = later(idle, days=90)
    later(idle, days=20)
    loyalty.settle_due(idle, shop)
    assert account(idle, shop, 1) == (0, 0, 0)
    order(idle, shop, 3, 1, bought)
    settle(idle, shop, 3)
    assert account(idle, shop, 1) == (300, 0, 0) and dates(idle)[1] == days(100, bought)
    assert ("unexpire", 150) in entries(idle, shop, 1)
    settle(idle, shop, 3)
    assert account(idle, shop, 1) == (300, 0, 0)


def test_an_order_after_the_last_day_brings_nothing_back(idle: Session, shop: Shop) -> None:
    later(idle, days=110)
    loyalty.settle_due(idle, shop)
    order(idle, shop, 3, 1, later(idle, days=1))
    settle(idle, shop, 3)
    assert account(idle, shop, 1) == (150, 0, 0)
    assert idle.scalar(select(PointEntry.id).where(PointEntry.kind == "unexpire")) is None


def test_in_a_programme_by_date_nothing_moves(session: Session, shop: Shop) -> None:
    order(session, shop, 3, 1, later(session, days=50))
    settle(session, shop, 3)
    assert dates(session) == {1: days(100), 2: days(100)}
    customer(session, shop, 1)

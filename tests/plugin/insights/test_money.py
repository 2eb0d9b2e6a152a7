"""The money view reconciles to the ledger to the point: on random ledgers, while they are being counted and written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from plugin.db import engine as db
from plugin.insights import money, point_days
from plugin.insights.models import MoneyBook, PointDay
from plugin.insights.money_rules import CUSTOMERS, Balance, Month, Movement, balances, later, months
from plugin.loyalty import operations as loyalty
from plugin.loyalty.models import PointEntry
from plugin.shops.models import Shop
from tests.plugin.insights.ledger_rows import KINDS, START, accounts, entry, scatter
from tests.plugin.loyalty import ledgers as ledgers_of
from tests.plugin.loyalty.ledgers import at

NOW = START + timedelta(days=181)
JUNE = date(2026, 6, 1)
ONE_WRONG = """
    UPDATE point_days SET plus = plus + 1
    WHERE kind = 'earn' AND day = (SELECT min(day) FROM point_days WHERE kind = 'earn')
"""


@pytest.fixture
def ledgers(shop: Shop, other_shop: Shop) -> None:
    for tenant, seed in ((shop, 1), (other_shop, 2)):
        accounts(tenant, 1)
        scatter(tenant, seed, 300)


def count_all(shop: Shop) -> None:
    more = True
    while more:
        with db.transaction(shop.id) as session:
            more = point_days.count_step(session, shop)


@contextmanager
def looking(shop: Shop) -> Iterator[Session]:
    with db.transaction(shop.id) as session:
        at(session, NOW)
        yield session


def seen(shop: Shop) -> tuple[list[Month], list[Balance]]:
    with looking(shop) as session:
        return money.by_month(session, shop, NOW), money.by_account(session, shop, NOW)


def in_ledger(session: Session, shop: Shop, before: date) -> int:
    """The sum of everything up to the end of a month in Berlin, asked of the ledger itself."""
    day = func.date(func.timezone("Europe/Berlin", func.least(PointEntry.occurred_at, PointEntry.created_at)))
    summed = select(func.coalesce(func.sum(PointEntry.points), 0)).where(PointEntry.shop_id == shop.id, day < before)
    return int(session.scalar(summed) or 0)


def test_every_month_closes_at_what_the_ledger_says(shop: Shop, ledgers: None) -> None:
    count_all(shop)
    found, _ = seen(shop)
    assert [month.first_day.month for month in found] == [11, 12, 1, 2, 3, 4, 5]
    with looking(shop) as session:
        for month, after in zip(found, [*(each.first_day for each in found[1:]), JUNE], strict=True):
            assert month.closing == in_ledger(session, shop, after)
    assert [month.opening for month in found] == [0, *(month.closing for month in found[:-1])]


def test_every_account_adds_up_and_all_of_them_to_zero(shop: Shop, ledgers: None) -> None:
    count_all(shop)
    found, accounts = seen(shop)
    assert {each.account for each in accounts} == {account for account, _ in KINDS.values()} | {CUSTOMERS}
    for month in found:
        of_month = [each for each in accounts if each.month == month.first_day]
        assert sum(each.closing for each in of_month) == sum(each.opening for each in of_month) == 0
        own = next(each for each in of_month if each.account == CUSTOMERS)
        assert (own.opening, own.closing) == (month.opening, month.closing)


def test_days_and_the_entries_behind_them_are_one(shop: Shop, ledgers: None, monkeypatch: pytest.MonkeyPatch) -> None:
    uncounted = seen(shop)
    monkeypatch.setattr(point_days, "STEP", 70)
    with db.transaction(shop.id) as session:
        assert point_days.count_step(session, shop)
    half = seen(shop)
    count_all(shop)
    with db.transaction(shop.id) as session:
        assert session.scalar(select(func.sum(PointDay.entries))) == 300
        assert point_days.differences(session, shop) == 0
    assert uncounted == half == seen(shop)


def test_what_comes_later_is_added_once(shop: Shop, ledgers: None) -> None:
    count_all(shop)
    scatter(shop, 3, 50)
    fresh = seen(shop)
    count_all(shop)
    count_all(shop)
    assert seen(shop) == fresh
    with db.transaction(shop.id) as session:
        assert session.scalar(select(func.sum(PointDay.entries))) == 350


def test_an_entry_that_appears_late_is_not_passed_over(shop: Shop) -> None:
    accounts(shop, 1, 2)
    with Session(db.engine()) as slow:
        db.enter_shop(slow, shop.id)
        slow.execute(text("SELECT FROM point_accounts WHERE customer_id = 1 FOR UPDATE"))
        entry(slow, shop, 1, "earn", 10, START, "sales")
        with db.transaction(shop.id) as quick:
            entry(quick, shop, 2, "earn", 5, START, "sales", whose=2)
        count_all(shop)
        assert seen(shop)[0][-1].closing == 5
        slow.commit()
    assert seen(shop)[0][-1].closing == 15
    count_all(shop)
    assert seen(shop)[0][-1].closing == 15
    with db.transaction(shop.id) as session:
        assert session.scalar(select(func.sum(PointDay.plus))) == 15


def test_another_time_zone_counts_afresh(shop: Shop, ledgers: None) -> None:
    count_all(shop)
    shop.timezone = "Pacific/Kiritimati"
    count_all(shop)
    count_all(shop)
    with db.transaction(shop.id) as session:
        assert point_days.differences(session, shop) == 0
        assert session.scalar(select(func.sum(PointDay.entries))) == 300


def test_a_wrong_day_is_found_and_rebuilt(shop: Shop, ledgers: None) -> None:
    count_all(shop)
    with db.transaction(shop.id) as session:
        session.execute(text(ONE_WRONG))
        assert point_days.differences(session, shop) == 1
        point_days.rebuild(session, shop)
        right = money.by_month(session, shop, NOW)
    count_all(shop)
    with db.transaction(shop.id) as session:
        assert point_days.differences(session, shop) == 0
    assert seen(shop)[0] == right


def test_a_shop_without_a_ledger_has_no_months(shop: Shop) -> None:
    count_all(shop)
    assert seen(shop) == ([], [])
    with db.transaction(shop.id) as session:
        book = session.get(MoneyBook, shop.id)
        assert book is not None and book.through_id == 0


moved = st.builds(
    Movement,
    st.integers(0, 30).map(lambda count: later(date(2024, 5, 1), count)),
    st.sampled_from([*KINDS, "transfer"]),
    st.sampled_from(["sales", "rewards", "staff"]),
    st.integers(0, 10**9),
    st.integers(0, 10**9),
)


@given(st.lists(moved, max_size=30))
def test_months_add_up_whatever_moved(movements: list[Movement]) -> None:
    last = date(2026, 11, 1)
    found = months(movements, last)
    assert found[-1].first_day == last and found[-1].closing == sum(each.net for each in movements)
    assert all(one.closing == other.opening for one, other in zip(found, found[1:], strict=False))
    for month in found:
        own = [each for each in movements if each.month == month.first_day]
        assert month.closing - month.opening == sum(each.net for each in own)
    for account in balances(movements, last):
        if account.month == last and account.account != CUSTOMERS:
            assert account.closing == -sum(each.net for each in movements if each.counter_account == account.account)


def test_the_picture_agrees_with_accounts_and_lots(session: Session, shop: Shop, other_shop: Shop) -> None:
    now = at(session, ledgers_of.START + timedelta(days=100))
    ledgers_of.program(session, shop, replace(ledgers_of.DRAFT, return_days=14, expiry_days=30))
    bought = ledgers_of.reward(session, shop, 100)
    ledgers_of.order(session, shop, 1, 1, now - timedelta(days=90), current_total_minor=50_00)  # 150 points, expired
    ledgers_of.order(session, shop, 2, 1, now - timedelta(days=20), current_total_minor=50_00)  # 150, to be spent
    ledgers_of.order(session, shop, 3, 1, now - timedelta(days=1), current_total_minor=50_00)  # 150, pending
    ledgers_of.order(session, shop, 4, 1, now - timedelta(days=1), current_total_minor=9_00, test=True)
    ledgers_of.settle(session, shop, 1, 2, 3)
    loyalty.redeem(session, shop, 1, bought.id, "click-000001")
    assert money.picture(session, shop) is None
    assert money.take(session, shop) and not money.take(session, shop)
    taken = money.picture(session, shop)
    assert taken is not None and (taken.available, taken.pending, taken.debt) == (50, 150, 0)
    assert [(m.month.month, m.revenue_minor, m.granted, m.pending, m.open, m.expired) for m in taken.months] == [
        (1, 50_00, 150, 0, 0, 150),
        (3, 50_00, 0, 0, 0, 0),
        (4, 50_00, 300, 150, 50, 0),
    ]
    assert sum(m.pending + m.open for m in taken.months) == taken.open
    assert (taken.months[-1].redeemed, taken.months[-1].cost_minor) == (100, 5_00)
    assert taken.cost(taken.open) == 10_00
    at(session, now + timedelta(days=1))
    assert money.take(session, shop)


def test_a_new_programme_is_pictured_the_same_day_once_its_past_orders_are_counted(
    session: Session, shop: Shop
) -> None:
    at(session, NOW)
    assert money.take(session, shop)
    at(session, NOW + timedelta(minutes=1))
    saved = ledgers_of.program(session, shop)
    saved.history_after = 0
    session.flush()
    at(session, NOW + timedelta(minutes=2))
    assert not money.take(session, shop)
    saved.history_after = None
    session.flush()
    assert money.take(session, shop) and not money.take(session, shop)

"""Everybody at once, by one statement, is what the rules say one by one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from plugin.loyalty import ledger, queries
from plugin.loyalty import operations as loyalty
from plugin.loyalty.document import Document
from plugin.loyalty.models import PointAccount, Tier
from plugin.loyalty.programs import ProgramDraft, TierDraft
from plugin.loyalty.tiers import evaluating, granting
from plugin.loyalty.tiers.models import TierChange
from plugin.loyalty.tiers.terms import Ladder, TierTerms
from plugin.shops.models import Shop
from tests.plugin.loyalty.ledgers import at, customer, order, program, refund

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
BY_SPEND = (TierDraft("Bronze", 0), TierDraft("Silver", 100_00, 5, 4), TierDraft("Gold", 300_00, 3, 2))
BY_ORDERS = tuple(TierDraft(name, 0, terms=TierTerms(entry={"orders": n})) for name, n in (("One", 1), ("Three", 3)))


def draft(ladder: Ladder, tiers: tuple[TierDraft, ...] = BY_SPEND, **columns: Any) -> ProgramDraft:
    known: dict[str, Any] = {"earn_points": 1, "earn_per_minor": 100, "return_days": 0}
    return ProgramDraft("Club", "bean", "beans", **(known | columns), tiers=tiers, document=Document(tiers=ladder))


@pytest.fixture(autouse=True)
def noon(session: Session) -> None:
    at(session, NOW)


def accounts(session: Session) -> dict[int, tuple[str | None, int]]:
    session.expire_all()
    return {row.customer_id: (row.tier_name, row.tier_spend_minor) for row in session.scalars(select(PointAccount))}


def everybody(session: Session, shop: Shop) -> int:
    rules = queries.program(session, shop, NOW)
    assert rules is not None and evaluating.can(rules)
    return evaluating.follow(session, shop, rules, 0, NOW)[1]


PURCHASES = st.lists(
    st.tuples(
        st.integers(1, 4),  # customer
        st.integers(0, 800),  # days ago
        st.sampled_from([{}, {"test": True}, {"currency": "USD"}, {"financial_status": "pending"}, {"known": False},
                         {"taxes_included": False}, {"cancelled_at": NOW}, {"deleted_at": NOW}]),  # fmt: skip
        st.lists(
            st.tuples(st.integers(0, 3), st.sampled_from([0, 1_00, 99_99, 150_00]), st.sampled_from([0, 50, 200_00]),
                      st.sampled_from([0, 7_77]), st.booleans(), st.booleans()),
            min_size=1, max_size=2,
        ),
        st.booleans(),  # the first line goes back
    ),
    max_size=7,
)  # fmt: skip


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    PURCHASES,
    st.sampled_from(["days", "year", "lifetime"]),
    st.sampled_from(["shown", "with", "without"]),
    st.booleans(),
)
def test_one_statement_says_what_the_rules_say(
    session: Session, shop: Shop, found: list[Any], window: Any, tax_basis: str, by_orders: bool
) -> None:
    ladder = Ladder(window=window, metrics=("orders",) if by_orders else ("spend",))
    with session.begin_nested() as undone:
        program(session, shop, draft(ladder, BY_ORDERS if by_orders else BY_SPEND, tax_basis=tax_basis))
        for number, (who, days, columns, lines, back) in enumerate(found, start=1):
            said = [
                {"quantity": q, "price_minor": p, "discount_minor": d, "tax_minor": t, "gift_card": gift}
                | ({"current_quantity": 0} if edited else {})
                for q, p, d, t, gift, edited in lines
            ]
            order(session, shop, number, who, NOW - timedelta(days=days), said, **columns)
            if back:
                refund(session, shop, number, number, NOW - timedelta(days=days // 2), {0: 1}, 3_00)
        for who in range(1, 5):
            customer(session, shop, who)
        ledger.lock(session, shop.id, [1, 2, 3, 4])
        everybody(session, shop)
        at_once = accounts(session)
        loyalty.follow_tiers(session, shop, [1, 2, 3, 4])
        assert at_once == accounts(session)
        assert everybody(session, shop) == 0
        session.expunge_all()
        undone.rollback()


def test_only_what_changes_is_written_and_grants_are_kept(session: Session, shop: Shop, other_shop: Shop) -> None:
    program(session, shop, draft(Ladder()))
    for who in (1, 2, 3):
        order(session, shop, who, who, NOW - timedelta(days=300), [{"price_minor": 150_00}])
        loyalty.settle_orders(session, shop, {who})
    gold = session.scalars(select(Tier.id).where(Tier.name == "Gold")).one()
    granting.grant(session, shop, "staff:1", 3, gold, None, "a friend")
    session.execute(update(PointAccount).where(PointAccount.customer_id == 2).values(tier_spend_minor=1, tier_id=None))
    session.flush()
    assert everybody(session, shop) == 1
    assert accounts(session) == {1: ("Silver", 150_00), 2: ("Silver", 150_00), 3: ("Gold", 150_00)}
    assert session.scalars(select(TierChange.shop_id)).all() == [shop.id] * 5


def test_an_account_with_newer_news_is_left_alone(
    session: Session, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(session, shop, draft(Ladder()))
    order(session, shop, 1, 1, NOW - timedelta(days=300), [{"price_minor": 150_00}])
    loyalty.settle_orders(session, shop, {1})
    monkeypatch.setattr(evaluating, "look", lambda *_: [(1, None, 7, 0, 0, False, None)])
    assert everybody(session, shop) == 0 and accounts(session) == {1: ("Silver", 150_00)}


def test_ladders_that_need_more_are_left_to_the_rules(session: Session, shop: Shop) -> None:
    for ladder in (Ladder(grace_days=3), Ladder(metrics=("spend", "orders")), Ladder(metrics=("points",))):
        at(session, NOW + timedelta(hours=1 + ladder.grace_days + len(ladder.metrics) + len(ladder.metrics[0])))
        tiers = (TierDraft("Silver", 1_00, terms=TierTerms(entry={"points": 1, "orders": 1})),)
        loyalty.save_program(session, shop, "staff:1", draft(ladder, tiers))
        assert not evaluating.can(queries.programs(session, shop)[-1])

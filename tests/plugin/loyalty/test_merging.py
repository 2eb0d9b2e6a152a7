"""Two customers become one: points go over lot by lot, in whichever order the news comes, and the sum stays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select, text, update
from sqlalchemy.orm import Session

from plugin.commerce.models import CustomerMerge, Order
from plugin.db import engine as db
from plugin.effects.models import Effect
from plugin.errors import Refused
from plugin.loyalty import issuing, queries
from plugin.loyalty import operations as loyalty
from plugin.loyalty.models import PointAccount, PointEntry, PointLot, Redemption
from plugin.shops.models import AuditEntry, Shop
from tests.plugin.loyalty.ledgers import (
    DRAFT,
    LADDER,
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
EXPIRING = replace(DRAFT, return_days=10, expiry_days=40)
OLD, KEPT = 7, 8


@pytest.fixture(autouse=True)
def noon(request: pytest.FixtureRequest) -> None:
    if "session" in request.fixturenames:
        at(request.getfixturevalue("session"), NOW)


def merge(session: Session, shop: Shop, from_id: int = OLD, into_id: int = KEPT, repoint: bool = True) -> None:
    """What the way in leaves: the row, the orders under their new name; then what follows from it."""
    customer(session, shop, from_id)
    customer(session, shop, into_id)
    session.merge(CustomerMerge(shop_id=shop.id, from_id=from_id, into_id=into_id, kept_id=into_id, merged_at=NOW))
    session.flush()
    chain = CustomerMerge.shop_id == shop.id, CustomerMerge.kept_id == from_id
    session.execute(update(CustomerMerge).where(*chain).values(kept_id=into_id))
    orders = move_orders(session, shop, from_id, into_id) if repoint else []
    loyalty.follow_merges(session, shop, {from_id}, orders)
    settle(session, shop, *orders)
    loyalty.follow_tiers_of_merges(session, shop, {from_id})


def move_orders(session: Session, shop: Shop, from_id: int, into_id: int) -> list[int]:
    mine = Order.shop_id == shop.id, Order.customer_id == from_id
    moved = update(Order).where(*mine).values(customer_id=into_id).returning(Order.id)
    return list(session.scalars(moved, execution_options={"synchronize_session": False}))


def lots(session: Session, shop: Shop, customer_id: int) -> list[tuple[Any, ...]]:
    """What a customer has in lots, as far as anybody can see."""
    columns = PointLot.order_id, PointLot.source, PointLot.remaining, PointLot.available_at, PointLot.expires_at
    mine = PointLot.shop_id == shop.id, PointLot.customer_id == customer_id, PointLot.remaining > 0
    return sorted(map(tuple, session.execute(select(*columns).where(*mine))), key=repr)


def posted(session: Session, *customer_ids: int) -> int:
    mine = PointEntry.customer_id.in_(customer_ids)
    return sum(session.scalars(select(PointEntry.points).where(mine)))


def test_the_kept_customer_has_the_points_of_both(session: Session, shop: Shop) -> None:
    program(session, shop)
    order(session, shop, 1, OLD, NOW)
    order(session, shop, 2, KEPT, NOW)
    settle(session, shop, 1, 2)
    merge(session, shop)
    assert account(session, shop, OLD) == (0, 0, 0)
    assert account(session, shop, KEPT) == (300, 0, 0)
    assert entries(session, shop, KEPT) == [("earn", 150), ("transfer", 150)]
    assert entries(session, shop, OLD) == [("earn", 150), ("transfer", -150)]
    assert broken(session) == []


def test_a_merge_told_again_changes_nothing(session: Session, shop: Shop) -> None:
    program(session, shop)
    order(session, shop, 1, OLD, NOW)
    settle(session, shop, 1)
    for _ in range(3):
        merge(session, shop)
        settle(session, shop, 1)
    assert entries(session, shop, KEPT) == [("transfer", 150)]
    audited = session.scalars(select(AuditEntry).where(AuditEntry.action == "points.merge")).all()
    assert [row.after and row.after["points"] for row in audited] == [150]


def test_lots_keep_their_dates_and_points_by_hand_go_too(session: Session, shop: Shop) -> None:
    program(session, shop, EXPIRING)
    order(session, shop, 1, OLD, NOW)
    settle(session, shop, 1)
    loyalty.adjust(session, shop, OLD, 40, "sorry", "staff:1", "k1")
    before = lots(session, shop, OLD)
    later(session, days=3)
    merge(session, shop)
    assert lots(session, shop, KEPT) == before and len(before) == 2
    assert account(session, shop, KEPT) == (40, 150, 0)
    assert broken(session) == []


def test_a_debt_goes_over_and_is_paid_from_what_the_kept_customer_has(session: Session, shop: Shop) -> None:
    program(session, shop)
    reward(session, shop)
    order(session, shop, 1, OLD, NOW, [{"quantity": 1}])
    order(session, shop, 2, KEPT, NOW)
    settle(session, shop, 1, 2)
    _redeem(session, shop, OLD, "click")
    refund(session, shop, 1, 1, NOW, {0: 1})
    settle(session, shop, 1)
    assert account(session, shop, OLD) == (0, 0, 100)
    merge(session, shop)
    assert account(session, shop, OLD) == (0, 0, 0)
    assert account(session, shop, KEPT) == (50, 0, 0)
    assert broken(session) == []


def _redeem(session: Session, shop: Shop, customer_id: int, key: str) -> Redemption:
    reward_id = session.scalar(text("SELECT min(id) FROM rewards"))
    assert reward_id is not None
    return loyalty.redeem(session, shop, customer_id, reward_id, key)


def test_a_refund_after_the_merge_is_taken_from_the_kept_customer(session: Session, shop: Shop) -> None:
    program(session, shop)
    order(session, shop, 1, OLD, NOW, [{"quantity": 2}])
    settle(session, shop, 1)
    merge(session, shop)
    refund(session, shop, 1, 1, NOW, {0: 1})
    settle(session, shop, 1)
    assert account(session, shop, KEPT) == (150, 0, 0)
    assert account(session, shop, OLD) == (0, 0, 0)
    assert broken(session) == []


def test_an_order_deleted_after_the_merge_is_taken_from_the_kept_customer(session: Session, shop: Shop) -> None:
    program(session, shop)
    order(session, shop, 1, OLD, NOW)
    settle(session, shop, 1)
    merge(session, shop)
    emptied = {"customer_id": None, "processed_at": None, "deleted_at": NOW}
    session.execute(update(Order).where(Order.id == 1).values(emptied))
    settle(session, shop, 1)
    assert account(session, shop, KEPT) == (0, 0, 0)
    assert account(session, shop, OLD) == (0, 0, 0)
    assert broken(session) == []


def test_a_redemption_can_be_returned_by_the_kept_customer_to_its_own_lots(session: Session, shop: Shop) -> None:
    program(session, shop, EXPIRING)
    reward(session, shop)
    order(session, shop, 1, OLD, NOW - timedelta(days=20))
    settle(session, shop, 1)
    before = lots(session, shop, OLD)
    bought = _redeem(session, shop, OLD, "same-click")
    order(session, shop, 2, KEPT, NOW - timedelta(days=20))
    settle(session, shop, 2)
    other = _redeem(session, shop, KEPT, "same-click")
    merge(session, shop)
    keys = set(session.scalars(select(Redemption.request_key).where(Redemption.customer_id == KEPT)))
    assert keys == {"same-click", f"same-click:{OLD}"}
    loyalty.return_redemption(session, shop, bought.id)
    loyalty.return_redemption(session, shop, other.id)
    assert [lot for lot in lots(session, shop, KEPT) if lot[0] == 1] == before
    assert account(session, shop, KEPT) == (300, 0, 0)
    assert broken(session) == []


def test_a_code_still_to_be_made_is_made_for_the_kept_customer_and_a_made_one_changes_hands(
    session: Session, shop: Shop
) -> None:
    program(session, shop)
    reward(session, shop, 50)
    order(session, shop, 1, OLD, NOW)
    settle(session, shop, 1)
    waiting = _redeem(session, shop, OLD, "one")
    made = _redeem(session, shop, OLD, "two")
    loyalty.issue(session, shop, made.id, "gid://shopify/DiscountCodeNode/9")
    merge(session, shop)
    told = {
        (e.kind, e.key): e.payload for e in session.scalars(select(Effect).execution_options(populate_existing=True))
    }
    assert told["discount_code", str(waiting.id)]["customer_id"] == KEPT
    assert told["discount_code_owner", f"{made.id}:{KEPT}"] == {"code": made.code, "customer_id": KEPT}


def test_the_tier_counts_the_orders_of_both(session: Session, shop: Shop) -> None:
    program(session, shop, replace(DRAFT, tiers=LADDER))
    order(session, shop, 1, OLD, NOW - timedelta(days=3), [{"price_minor": 80_00}])
    order(session, shop, 2, KEPT, NOW - timedelta(days=2), [{"price_minor": 80_00}])
    order(session, shop, 3, KEPT, NOW - timedelta(days=1), [{"price_minor": 80_00}])
    settle(session, shop, 1, 2, 3)
    assert account(session, shop, KEPT) == (240 + 300 - 60, 0, 0)
    merge(session, shop)
    row = session.get(PointAccount, (shop.id, KEPT), populate_existing=True)
    assert row is not None and (row.tier_name, row.tier_spend_minor) == ("Silver", 240_00)
    assert account(session, shop, KEPT) == (240 + 240 + 300, 0, 0)
    assert broken(session) == []


def test_a_chain_of_merges_ends_with_the_last_whatever_came_first(session: Session, shop: Shop) -> None:
    program(session, shop)
    for number, whose in enumerate((5, 6, 7), 1):
        order(session, shop, number, whose, NOW)
    settle(session, shop, 1, 2, 3)
    merge(session, shop, 5, 6)
    merge(session, shop, 6, 7)
    assert account(session, shop, 7) == (450, 0, 0)
    assert account(session, shop, 5) == account(session, shop, 6) == (0, 0, 0)
    settle(session, shop, 1, 2, 3)
    assert posted(session, 5) == posted(session, 6) == 0
    assert broken(session) == []


def test_points_by_hand_for_a_merged_customer_are_the_kept_ones(session: Session, shop: Shop) -> None:
    program(session, shop)
    customer(session, shop, OLD)
    given_id = loyalty.adjust(session, shop, OLD, 40, "sorry", "staff:1", "k1")
    merge(session, shop)
    loyalty.adjust(session, shop, OLD, 5, "late", "staff:1", "k2")
    assert account(session, shop, KEPT) == (45, 0, 0)
    loyalty.undo_adjust(session, shop, given_id, "staff:1")
    assert account(session, shop, KEPT) == (5, 0, 0)
    assert account(session, shop, OLD) == (0, 0, 0)
    with pytest.raises(Refused):
        reward(session, shop)
        _redeem(session, shop, OLD, "click")


def test_the_two_count_as_one_member(session: Session, shop: Shop) -> None:
    program(session, shop, replace(DRAFT, tiers=LADDER))
    for number, whose in enumerate((OLD, KEPT), 1):
        order(session, shop, number, whose, NOW)
    settle(session, shop, 1, 2)
    assert queries.figures(session, shop, NOW, NOW).members == 2
    merge(session, shop)
    assert queries.figures(session, shop, NOW, NOW).members == 1
    assert sum(queries.tier_counts(session, shop).values()) == 1


def test_a_code_made_or_refused_under_the_old_name_finds_who_is_kept(session: Session, shop: Shop) -> None:
    program(session, shop)
    reward(session, shop, 50)
    order(session, shop, 1, OLD, NOW)
    settle(session, shop, 1)
    made, refused = _redeem(session, shop, OLD, "one"), _redeem(session, shop, OLD, "two")
    merge(session, shop)
    session.execute(update(Effect).values(state="failed"))
    called = {"customer_id": OLD, "title": "5 off"}
    issuing.code_made(session, shop, called | {"redemption_id": made.id}, {"discount_gid": "gid://shopify/D/1"})
    issuing.code_refused(session, shop, called | {"redemption_id": refused.id}, Refused("Customer does not exist"))
    effects = {(e.kind, e.key): e for e in session.scalars(select(Effect).execution_options(populate_existing=True))}
    assert effects["discount_code_owner", f"{made.id}:{KEPT}"].payload["customer_id"] == KEPT
    again = effects["discount_code", str(refused.id)]
    assert (again.state, again.payload["customer_id"]) == ("pending", KEPT)
    session.refresh(refused)
    assert (refused.state, refused.customer_id) == ("reserved", KEPT)


def test_nobody_else_is_touched(session: Session, shop: Shop) -> None:
    program(session, shop)
    for number, whose in enumerate((OLD, KEPT, 9), 1):
        order(session, shop, number, whose, NOW)
    settle(session, shop, 1, 2, 3)
    before = entries(session, shop, 9), account(session, shop, 9)
    merge(session, shop)
    assert (entries(session, shop, 9), account(session, shop, 9)) == before


# -- whichever came first: the merge, or the orders under their new name

Step = Callable[["Story"], None]
WHO = st.sampled_from((OLD, OLD, KEPT))
STEPS = st.one_of(
    st.tuples(st.just("buy"), WHO, st.integers(1, 3)),
    st.tuples(st.just("refund"), st.integers(0, 5), st.just(0)),
    st.tuples(st.just("redeem"), WHO, st.just(0)),
    st.tuples(st.just("return"), st.integers(0, 3), st.just(0)),
    st.tuples(st.just("adjust"), WHO, st.sampled_from((-30, 20, 60))),
    st.tuples(st.just("wait"), st.sampled_from((2, 11, 30)), st.just(0)),
)


class Story:
    """What happened to two people before they became one."""

    def __init__(self, session: Session, shop: Shop) -> None:
        self.session, self.shop = session, shop
        self.orders: list[tuple[int, int]] = []
        self.bought: list[int] = []
        self.count = 0
        self.spent = self.owed = False
        program(session, shop, EXPIRING)
        self.reward_id = reward(session, shop, 60).id
        for each in (OLD, KEPT):
            customer(session, shop, each)

    def step(self, what: str, one: int, two: int) -> None:
        self.count += 1
        try:
            getattr(self, what)(one, two)
        except Refused:
            self.session.expire_all()

    def buy(self, whose: int, quantity: int) -> None:
        moment = self.session.info["now"] - timedelta(days=6)
        order(self.session, self.shop, self.count, whose, moment, [{"quantity": quantity, "price_minor": 25_00}])
        self.orders.append((self.count, quantity))
        settle(self.session, self.shop, self.count)

    def refund(self, which: int, _: int) -> None:
        if which < len(self.orders) and self.orders[which][1]:
            number, left = self.orders[which]
            self.orders[which] = number, left - 1
            self.owed |= self.spent
            refund(self.session, self.shop, self.count, number, self.session.info["now"], {0: 1})
            settle(self.session, self.shop, number)

    def redeem(self, whose: int, _: int) -> None:
        made = loyalty.redeem(self.session, self.shop, whose, self.reward_id, f"click-{self.count}")
        self.bought.append(made.id)
        self.spent = True

    def __getattr__(self, name: str) -> Any:
        return {"return": self.give_back}[name]

    def give_back(self, which: int, _: int) -> None:
        if which < len(self.bought):
            loyalty.return_redemption(self.session, self.shop, self.bought[which])

    def adjust(self, whose: int, points: int) -> None:
        loyalty.adjust(self.session, self.shop, whose, points, "why", "staff:1", f"hand-{self.count}")
        self.spent |= points < 0

    def wait(self, days: int, _: int) -> None:
        later(self.session, days=days)


def ending(story: Story, *, orders_first: tuple[int, ...] | None) -> tuple[Any, ...]:
    """How it stands after the merge; thrown away again."""
    session, shop = story.session, story.shop
    with session.begin_nested() as savepoint:
        loyalty.settle_due(session, shop)
        before = posted(session, OLD, KEPT)
        for place in orders_first or ():
            if place < len(story.orders):
                number = story.orders[place][0]
                session.execute(update(Order).where(Order.id == number).values(customer_id=KEPT))
                settle(session, shop, number)
        merge(session, shop)
        loyalty.settle_due(session, shop)
        assert broken(session) == []
        assert account(session, shop, OLD) == (0, 0, 0)
        assert posted(session, OLD) == 0
        assert posted(session, KEPT) == before
        found = account(session, shop, KEPT), lots(session, shop, KEPT)
        for redemption_id in story.bought:
            loyalty.return_redemption(session, shop, redemption_id)
        assert broken(session) == []
        returned = account(session, shop, KEPT), lots(session, shop, KEPT)
        session.expunge_all()
        savepoint.rollback()
    session.expire_all()
    return found, returned


@pytest.fixture
def fresh(database: Engine, shop: Shop) -> Iterator[Callable[[], Session]]:
    """A session for each example, thrown away."""
    opened: list[Session] = []

    def open_one() -> Session:
        for session in opened:
            session.rollback()
            session.close()
        opened[:] = [Session(db.engine(), expire_on_commit=False)]
        opened[0].begin()
        db.enter_shop(opened[0], shop.id)
        at(opened[0], NOW)
        return opened[0]

    yield open_one
    for session in opened:
        session.rollback()
        session.close()


OPENINGS = (
    [("buy", OLD, 2), ("wait", 11, 0), ("redeem", OLD, 0), ("adjust", OLD, 20)],
    [("buy", OLD, 1), ("wait", 30, 0), ("redeem", OLD, 0), ("wait", 30, 0), ("buy", OLD, 1)],
    [("adjust", OLD, 60), ("buy", OLD, 1), ("buy", OLD, 1), ("wait", 11, 0), ("redeem", OLD, 0), ("redeem", OLD, 0)],
    [("buy", OLD, 1), ("buy", KEPT, 2), ("wait", 11, 0), ("redeem", OLD, 0), ("refund", 0, 0)],
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    opening=st.sampled_from(OPENINGS),
    steps=st.lists(STEPS, max_size=8),
    first=st.permutations(range(3)),
    how_many=st.integers(1, 3),
)
def test_the_sum_stays_and_the_order_of_news_does_not_matter(
    fresh: Callable[[], Session],
    shop: Shop,
    opening: list[tuple[str, int, int]],
    steps: list[tuple[str, int, int]],
    first: list[int],
    how_many: int,
) -> None:
    story = Story(fresh(), shop)
    for step in (*opening, *steps):
        story.step(*step)
    together = ending(story, orders_first=None)
    apart = ending(story, orders_first=tuple(first[:how_many]))
    assert [points for points, _ in apart] == [points for points, _ in together]
    if not story.owed:  # which lot has paid for spent points that were refunded cannot be told afterwards
        assert apart == together

"""A shop's life as a state machine over the real tables, and twelve things that must hold after every step.

The numbers in the names are those of the reference's list: (1) sums, (2) bounds, (3) debt first, (4) an order's points
are what its rules say, (5) replays, (6) first in first out, (7) returns, (8) expired points, (9) paid before bought,
(10) tiers, (11) history only grows, (12) other shops.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from psycopg.pq import TransactionStatus
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from plugin.db import engine as db
from plugin.errors import Refused
from plugin.loyalty import ledger, queries
from plugin.loyalty import operations as loyalty
from plugin.loyalty.programs import TierDraft
from plugin.shops.models import Shop
from tests.plugin.loyalty.ledgers import DRAFT, at, customer, order, program, refund, reward, settle
from tests.plugin.loyalty.model import DISCOUNT, LADDER, PRICE, Bought, rate, spend, worth

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
BEGAN = START - timedelta(days=100)
CUSTOMERS = (1, 1, 2)
COST = 25
TIERS = tuple(TierDraft(f"from {at_least}", at_least, num, den) for at_least, num, den in reversed(LADDER))
RULES = replace(DRAFT, return_days=10, expiry_days=40, tiers=TIERS)

TOUCHED = (
    "audit_log", "customers", "order_lines", "orders", "outbox", "point_accounts", "point_entries", "point_lots",
    "point_notes", "programs", "redemptions", "refund_lines", "refunds", "rewards", "tiers",
)  # fmt: skip
_ENTRIES = """
    SELECT id, customer_id, kind, points, counter_account, order_id, key FROM point_entries
    WHERE shop_id = %s ORDER BY id
"""
_LOTS = """
    SELECT id, customer_id, granted, remaining, expired, pending, expires_at, available_at FROM point_lots
    WHERE shop_id = %s ORDER BY id
"""
_ACCOUNTS = "SELECT customer_id, available, pending, debt, tier_name FROM point_accounts WHERE shop_id = %s"
_BOUGHT = """
    SELECT (SELECT count(*) FROM redemptions WHERE shop_id = %(shop)s),
        (SELECT count(*) FROM outbox WHERE shop_id = %(shop)s AND kind = 'discount_code'),
        (SELECT count(*) FROM point_entries WHERE shop_id = %(shop)s AND kind = 'redeem')
"""


class Entry(NamedTuple):
    id: int
    customer_id: int
    kind: str
    points: int
    counter_account: str
    order_id: int | None
    key: str


class Lot(NamedTuple):
    id: int
    customer_id: int
    granted: int
    remaining: int
    expired: int
    pending: bool
    expires_at: datetime | None
    available_at: datetime


class Account(NamedTuple):
    customer_id: int
    available: int
    pending: int
    debt: int
    tier_name: str | None


class Life(RuleBasedStateMachine):
    """One shop in one transaction that is thrown away."""

    shop: Shop
    other: Shop
    engine: Engine
    owner: Engine

    def __init__(self) -> None:
        super().__init__()
        self.session = Session(self.engine, expire_on_commit=False)
        self.session.begin()
        self.theirs = self._theirs()
        db.enter_shop(self.session, self.shop.id)
        self.now = at(self.session, START)
        self.orders: list[Bought] = []
        self.redemptions: list[int] = []
        self.versions = [(BEGAN, RULES.earn_points)]
        self.seen: list[Entry] = []
        self.clicks = self.refunds = 0
        program(self.session, self.shop, RULES, BEGAN)
        self.reward_id = reward(self.session, self.shop, COST).id
        for each in CUSTOMERS:
            customer(self.session, self.shop, each)

    def teardown(self) -> None:
        try:
            if not self._is_broken():
                self.tiers_follow_from_the_orders()
                self.replay_everything()
                self._others_are_untouched()
        finally:
            self.session.rollback()
            self.session.close()
            self._sweep()

    @initialize()
    def orders_with_which_something_can_be_done(self) -> None:
        for whose, days, quantity in ((1, 30, 3), (1, 15, 4), (2, 20, 2)):
            self.buy(whose, days, quantity)

    @rule(whose=st.sampled_from(CUSTOMERS), days=st.sampled_from((0, 12, 20, 45)), quantity=st.integers(1, 4))
    def buy(self, whose: int, days: int, quantity: int) -> None:
        number = len(self.orders) + 1
        self.orders.append(Bought(number, whose, self.now - timedelta(days=days), quantity, quantity))
        self._save(self.orders[-1])

    @rule(pick=st.integers(0, 99), left=st.integers(0, 4))
    def edit(self, pick: int, left: int) -> None:
        bought = self._order(pick)
        bought.left = min(left, bought.quantity - len(bought.returns))
        self._save(bought)

    @rule(pick=st.integers(0, 99), money=st.sampled_from((0, 0, 7_77)))
    def refund(self, pick: int, money: int) -> None:
        bought = self._order(pick)
        if len(bought.returns) >= bought.quantity:
            return
        self.refunds += 1
        bought.returns.append(self.now)
        bought.money.append((self.now, money))
        refund(self.session, self.shop, self.refunds, bought.id, self.now, {0: 1}, money)
        settle(self.session, self.shop, bought.id)

    @rule(pick=st.integers(0, 99), how=st.sampled_from(("cancel", "unpaid", "reopen")))
    def change(self, pick: int, how: str) -> None:
        bought = self._order(pick)
        bought.cancelled_at, bought.paid = self.now if how == "cancel" else None, how != "unpaid"
        self._save(bought)

    @rule(pick=st.integers(0, 99), whose=st.sampled_from(CUSTOMERS))
    def hand_over(self, pick: int, whose: int) -> None:
        bought = self._order(pick)
        bought.customer_id = whose
        self._save(bought)

    @rule(whose=st.sampled_from(CUSTOMERS), again=st.sampled_from((False, False, True)))
    def redeem(self, whose: int, again: bool) -> None:
        """(6) (8) (9)"""
        self.clicks += not again or not self.clicks
        held = queries.account(self.session, self.shop, whose, self.now)
        known, before = len(self.redemptions), {lot.id: lot for lot in self._lots()}
        try:
            with self.session.begin_nested():
                bought = loyalty.redeem(self.session, self.shop, whose, self.reward_id, f"click-{self.clicks:05}").id
        except Refused:
            assert held.available < COST or held.debt
            return
        self.redemptions += [bought] if bought not in self.redemptions else []
        if len(self.redemptions) > known:
            assert held.available >= COST and not held.debt
            self._was_first_in_first_out(whose, before)

    @rule(pick=st.integers(0, 99))
    def return_it(self, pick: int) -> None:
        """(7)"""
        if not self.redemptions:
            return
        before = {lot.id: lot for lot in self._lots()}
        loyalty.return_redemption(self.session, self.shop, self.redemptions[pick % len(self.redemptions)])
        after = self._lots()
        assert {lot.id: lot.expires_at for lot in after} == {id: lot.expires_at for id, lot in before.items()}

    @rule(whose=st.sampled_from(CUSTOMERS), points=st.sampled_from((-30, -7, 12, 60)))
    def by_hand(self, whose: int, points: int) -> None:
        self.clicks += 1
        try:
            with self.session.begin_nested():
                loyalty.adjust(self.session, self.shop, whose, points, "test", "staff:1", f"hand-{self.clicks}")
        except Refused:
            return

    @rule(pick=st.integers(0, 99), whose=st.sampled_from(CUSTOMERS))
    def crash(self, pick: int, whose: int) -> None:
        """What a process that dies leaves behind: nothing."""
        savepoint = self.session.begin_nested()
        bought = self._order(pick)
        order(self.session, self.shop, bought.id, whose, bought.moment, [{"quantity": 1}], cancelled_at=self.now)
        settle(self.session, self.shop, bought.id)
        savepoint.rollback()
        self.session.expire_all()

    @rule(days=st.sampled_from((1, 11, 30)), swept=st.booleans())
    def wait(self, days: int, swept: bool) -> None:
        self.now = at(self.session, self.now + timedelta(days=days))
        if swept:
            loyalty.settle_due(self.session, self.shop)
        self.tiers_follow_from_the_orders()

    @rule(points=st.integers(1, 9))
    def new_rules(self, points: int) -> None:
        saved = program(self.session, self.shop, replace(RULES, earn_points=points))
        self.versions.append((saved.valid_from, points))
        self.now = at(self.session, self.now + timedelta(seconds=1))
        self.replay_everything()

    def replay_everything(self) -> None:
        """(5)"""
        before = self._entries()
        loyalty.settle_orders(self.session, self.shop, {bought.id for bought in self.orders})
        assert self._entries() == before

    @invariant()
    def everything_adds_up(self) -> None:
        entries, lots, accounts = self._entries(), self._lots(), self._accounts()
        assert entries[: len(self.seen)] == self.seen, "(11) history only grows"
        assert len({entry.key for entry in entries}) == len(entries), "(11) each key once"
        self.seen = entries
        for account in accounts:
            mine = [lot for lot in lots if lot.customer_id == account.customer_id]
            posted = sum(entry.points for entry in entries if entry.customer_id == account.customer_id)
            assert posted == account.available + account.pending - account.debt, "(1) entries and account"
            assert sum(lot.remaining for lot in mine if not lot.pending) == account.available, "(1) lots and account"
            assert sum(lot.remaining for lot in mine if lot.pending) == account.pending, "(1) lots and account"
            assert min(account[1:4]) >= 0, "(2) never below zero"
            assert not (account.debt and account.available), "(3) debt first"
        assert not sum(entry.points for entry in entries if entry.counter_account == "customers"), "(1) both sides"
        for lot in lots:
            assert 0 <= lot.remaining <= lot.remaining + lot.expired <= lot.granted, "(2) a lot's bounds"
        self._orders_are_worth_their_points(entries)

    @invariant()
    def every_code_was_paid_for(self) -> None:
        """(9)"""
        bought, asked, paid = ledger.raw(self.session).execute(_BOUGHT, {"shop": self.shop.id}).fetchone() or ()
        assert bought == asked == paid == len(self.redemptions)

    def tiers_follow_from_the_orders(self) -> None:
        """(10)"""
        loyalty.follow_tiers(self.session, self.shop, set(CUSTOMERS))
        for account in self._accounts():
            spent = spend(self.orders, account.customer_id, self.now, 2**62)
            reached = next((f"from {at_least}" for at_least, *_ in LADDER if spent >= at_least), None)
            assert account.tier_name == reached, (account, spent, rate(spent))

    def _orders_are_worth_their_points(self, entries: list[Entry]) -> None:
        """(4)"""
        posted: dict[tuple[int, int], int] = {}
        for entry in entries:
            if entry.order_id is not None and entry.kind in ("earn", "claw"):
                key = entry.order_id, entry.customer_id
                posted[key] = posted.get(key, 0) + entry.points
        for bought in self.orders:
            theirs = {whose: points for (number, whose), points in posted.items() if number == bought.id and points}
            due = worth(self.orders, bought, self.versions)
            assert theirs == ({bought.customer_id: due} if due else {}), (bought, due)

    def _was_first_in_first_out(self, whose: int, before: dict[int, Lot]) -> None:
        after = [lot for lot in self._lots() if lot.customer_id == whose and not lot.pending]
        spent = [
            lot for lot in after if lot.remaining + lot.expired < before[lot.id].remaining + before[lot.id].expired
        ]
        spent = [lot for lot in spent if lot.granted == before[lot.id].granted]
        assert all(lot.expires_at is None or lot.expires_at > self.now for lot in spent), "(8) expired points spent"
        left = [lot for lot in after if lot.remaining]
        assert all(_order_of(one) <= _order_of(other) for one in spent for other in left), "(6) first in first out"

    def _sweep(self) -> None:
        """What was rolled back stays on its pages, and each life would have more of it to read than the one before."""
        with self.owner.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(f"VACUUM {', '.join(TOUCHED)}"))

    def _is_broken(self) -> bool:
        """Whether the database has refused a statement: its transaction answers nothing any more."""
        connection = ledger.raw(self.session).connection
        return connection.info.transaction_status == TransactionStatus.INERROR

    def _others_are_untouched(self) -> None:
        assert self._theirs() == self.theirs, "(12)"

    def _theirs(self) -> list[tuple[Any, ...]]:
        db.enter_shop(self.session, self.other.id)
        found = self.session.execute(text(_THEIRS), {"other": self.other.id}).all()
        return [tuple(row) for row in found]

    def _order(self, pick: int) -> Bought:
        return self.orders[pick % len(self.orders)]

    def _save(self, bought: Bought) -> None:
        line = {
            "quantity": bought.quantity,
            "current_quantity": bought.left,
            "price_minor": PRICE,
            "discount_minor": DISCOUNT,
        }
        columns = {"cancelled_at": bought.cancelled_at, "financial_status": "paid" if bought.paid else "pending"}
        order(self.session, self.shop, bought.id, bought.customer_id, bought.moment, [line], **columns)
        settle(self.session, self.shop, bought.id)

    def _entries(self) -> list[Entry]:
        return [Entry(*row) for row in ledger.raw(self.session).execute(_ENTRIES, [self.shop.id])]

    def _lots(self) -> list[Lot]:
        return [Lot(*row) for row in ledger.raw(self.session).execute(_LOTS, [self.shop.id])]

    def _accounts(self) -> list[Account]:
        return [Account(*row) for row in ledger.raw(self.session).execute(_ACCOUNTS, [self.shop.id])]


_THEIRS = """
    SELECT a.customer_id, a.available, a.pending, a.debt, l.id, l.granted, l.remaining, l.expired, l.pending,
        (SELECT sum(points) FROM point_entries e WHERE e.shop_id = a.shop_id)
    FROM point_accounts a JOIN point_lots l ON l.shop_id = a.shop_id AND l.customer_id = a.customer_id
    WHERE a.shop_id = :other ORDER BY a.customer_id, l.id
"""


def _order_of(lot: Lot) -> tuple[bool, datetime]:
    return lot.expires_at is None, lot.expires_at or START

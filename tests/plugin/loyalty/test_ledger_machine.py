"""The ledger's invariants after any sequence of events, and mutants that each break one of them and are caught."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from plugin.db import engine as db
from plugin.loyalty import ledger, lots, settling
from plugin.loyalty.lots import Book
from plugin.shops.models import Shop
from tests.plugin.loyalty.ledgers import at, order, program, settle
from tests.plugin.loyalty.machine import BEGAN, RULES, START, Life

CASES, STEPS = 20, 50  # 100 take over a minute on two cores; the long run has 500
MUTANT_CASES = 60  # most are caught in the first five


@pytest.fixture
def life(database: Engine, shop: Shop, other_shop: Shop) -> Iterator[type[Life]]:
    """The machine with a look-alike next door, which must stand as it was."""
    with Session(database) as owner, owner.begin():
        at(owner, START)
        program(owner, other_shop, RULES, BEGAN)
        for number in (1, 2):
            order(owner, other_shop, number, number, START - timedelta(days=30), [{"quantity": 3}])
        settle(owner, other_shop, 1, 2)
    Life.shop, Life.other, Life.engine, Life.owner = shop, other_shop, db.engine(), database
    yield Life


def lived(life: type[Life], cases: int) -> None:
    calm = settings(
        max_examples=cases,
        stateful_step_count=STEPS,
        deadline=None,
        derandomize=True,
        print_blob=True,
        phases=(Phase.generate,),  # shrinking takes minutes; the seed is fixed, so it can be done by hand
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    run_state_machine_as_test(life, settings=calm)


def test_the_ledger_holds_whatever_happens(life: type[Life]) -> None:
    lived(life, CASES)


def test_the_ledger_holds_without_the_help_of_the_databases_policies(life: type[Life], database: Engine) -> None:
    """As the owner, who sees every shop's rows: the statements name the shop themselves."""
    life.engine = database
    lived(life, 3)


@pytest.mark.long
def test_the_ledger_holds_in_a_long_life(life: type[Life]) -> None:
    lived(life, 500)


def last_in_first_out(patch: pytest.MonkeyPatch) -> None:
    fifo = lots.fifo
    patch.setattr(lots, "fifo", lambda lot: tuple(-part for part in _numbers(fifo(lot))))


def _numbers(key: tuple[Any, ...]) -> list[float]:
    return [part.timestamp() if hasattr(part, "timestamp") else float(part) for part in key]


def debt_ignored(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Book, "pay_debt", lambda self, points: 0)


def rule_of_today(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(settling, "program_at", lambda programs, moment: programs[-1])


def float_rounding(patch: pytest.MonkeyPatch) -> None:
    def points_of(money: Any, currency: str, program: Any, tier: Any) -> int:
        rate = program.earn_points / program.earn_per_minor * (tier.rate_num / tier.rate_den if tier else 1.0)
        return round(money.minor * rate)

    patch.setattr(settling, "points_of", points_of)


def lost_update(patch: pytest.MonkeyPatch) -> None:
    """The account as it was when it was last looked at, not as it is now that it is locked."""
    locked, seen = ledger._locked, dict[int, tuple[int, ...]]()

    def stale(*asked: Any) -> dict[int, Book]:
        books = locked(*asked)
        for customer_id, book in books.items():
            now = (book.available, book.pending, book.debt)
            book.available, book.pending, book.debt = seen.get(customer_id, now)
            seen[customer_id] = now
        return books

    patch.setattr(ledger, "_locked", stale)


def missing_shop(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ledger, "_LOT", ledger._LOT.replace("shop_id = %(shop)s AND ", ""))


def expired_too_late(patch: pytest.MonkeyPatch) -> None:
    """A day after its day."""
    dead = lots.Lot.dead
    patch.setattr(lots.Lot, "dead", lambda self, now: dead(self, now - timedelta(days=1)))


def returned_as_new(patch: pytest.MonkeyPatch) -> None:
    """A returned redemption with fresh dates."""

    def give_back(self: Book, entry: Any, uses: Any, now: Any) -> None:
        self.post(entry)
        for use in uses:
            lot = next(lot for lot in self.lots if lot.id == use.lot_id)
            lot.expires_at = lot.expires_at and lot.expires_at + timedelta(days=1)
            self._give(lot, use.points, 0, now)

    patch.setattr(Book, "give_back", give_back)


MUTANTS = (last_in_first_out, debt_ignored, rule_of_today, float_rounding, lost_update, missing_shop)
SLOW = [pytest.param(mutant, marks=pytest.mark.long) for mutant in (expired_too_late, returned_as_new)]


@pytest.mark.parametrize("mutant", [*MUTANTS, *SLOW], ids=lambda mutant: mutant.__name__)
def test_each_mutant_is_caught(
    life: type[Life], database: Engine, monkeypatch: pytest.MonkeyPatch, mutant: Callable[[pytest.MonkeyPatch], None]
) -> None:
    if mutant is missing_shop:
        life.engine = database  # the policies would hide it
    mutant(monkeypatch)
    with pytest.raises((AssertionError, DBAPIError, psycopg.Error, KeyError)):
        lived(life, MUTANT_CASES)

"""Points from another programme: every wrong line told before anything is written, each line once, all of it undone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.db import engine as db
from plugin.errors import Invalid, NotFound, Refused
from plugin.loyalty import operations as loyalty
from plugin.loyalty import queries
from plugin.loyalty.books import checking, verifying
from plugin.loyalty.books.verifying import Fault
from plugin.loyalty.importing import applying, preparing
from plugin.loyalty.importing.models import PointImport, PointImportRow
from plugin.loyalty.models import PointEntry, PointLot
from plugin.shops.models import Shop
from tests.plugin.loyalty.ledgers import DRAFT, account, at, broken, customer, entries, later, program

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
BALANCES = """customer,points,expires,note
customer-1@example.com,120,2026-12-31,moved here
2,80,,
"""
HISTORY = """E-mail;Points;Date;Expires
customer-1@example.com;100;2025-01-10;2026-01-09
customer-1@example.com;-60;2025-06-01;
customer-1@example.com;50;2025-08-01;2026-07-31
CUSTOMER-2@example.com;30;2025-08-01;
"""


@pytest.fixture
def session(shop: Shop, other_shop: Shop) -> Iterator[Session]:
    """Customers 1 and 2 here and next door; rolled back."""
    with Session(db.engine(), expire_on_commit=False) as session:
        session.begin()
        for each in (other_shop, shop):
            db.enter_shop(session, each.id)
            at(session, NOON)
            program(session, each)
            for number in (1, 2):
                customer(session, each, number)
        yield session
        assert broken(session) == [] and verifying.unbalanced(session, shop) == []
        db.enter_shop(session, other_shop.id)
        assert session.scalar(select(PointEntry.id)) is None and session.scalar(select(PointImport.id)) is None


def prepared(session: Session, shop: Shop, file: str | bytes, undated: str = "never") -> PointImport:
    data = file.encode() if isinstance(file, str) else file
    return preparing.prepare(session, shop, "points.csv", data, undated, "staff:1")


def imported(session: Session, shop: Shop, file: str, **options: Any) -> PointImport:
    found = prepared(session, shop, file, **options)
    applying.start(session, shop, found.id, "staff:1")
    finish(session, shop)
    return found


def finish(session: Session, shop: Shop) -> None:
    while applying.step(session, shop):
        pass


def told(session: Session, shop: Shop, found: PointImport) -> dict[int, str]:
    rows = preparing.problems(session, shop, found.id)
    return {row.line: str(Fault(row.problem["sentence"], **row.problem["values"])) for row in rows if row.problem}


def test_balances_come_with_their_dates_and_notes(session: Session, shop: Shop) -> None:
    found = imported(session, shop, BALANCES)
    assert (found.state, found.lines, found.faulty, found.points, found.done) == ("done", 2, 0, 200, 2)
    assert account(session, shop, 1) == (120, 0, 0) and account(session, shop, 2) == (80, 0, 0)
    entry = queries.entries(session, shop, 1)[0]
    assert (entry.kind, entry.counter_account, entry.expires_at) == ("import", "imports", _day(2026, 12, 31, 23))
    assert queries.notes(session, shop, [entry.id]) == {entry.id: "moved here"}
    assert set(session.scalars(select(PointImportRow.who))) == {""}, "what the file said of people is gone"


def test_history_is_lived_through_day_by_day(session: Session, shop: Shop) -> None:
    found = imported(session, shop, HISTORY)
    assert entries(session, shop, 1) == [("import", 100), ("import", -60), ("import", 50), ("expire", -40)]
    assert account(session, shop, 1) == (50, 0, 0) and found.lapsed == 100
    moments = [entry.occurred_at.date().isoformat() for entry in queries.entries(session, shop, 1)][::-1]
    assert moments == ["2025-01-09", "2025-05-31", "2025-07-31", "2026-01-09"], "midnight on the shop's clocks"


@pytest.mark.parametrize(
    ("undated", "expires"),
    [("never", None), ("today", "2026-04-10"), ("date", "2026-03-11")],
)
def test_points_without_a_last_day_get_the_one_that_was_chosen(
    session: Session, shop: Shop, undated: str, expires: str | None
) -> None:
    later(session, seconds=1)
    program(session, shop, replace(DRAFT, expiry_days=40))
    later(session, seconds=1)
    imported(session, shop, "customer,points,date\n1,5,2026-01-31\n", undated=undated)
    found = session.scalars(select(PointLot)).one().expires_at
    assert (found.date().isoformat() if found else None) == expires


FAULTY = """customer,points,date,expires,note
nobody@example.com,5,,,
99,5,,,
,5,,,
1,many,,,
1,0,,,
1,1000000000,,,
1,5,2027-01-01,,
1,5,2025-01-01,2024-01-01,
1,5,01/02/2025,,
1,5
1,-5,2025-01-01,,
1,7,2025-02-01,,
"""


def test_every_wrong_line_is_told_and_nothing_is_written(session: Session, shop: Shop) -> None:
    found = prepared(session, shop, FAULTY)
    assert told(session, shop, found) == {
        2: "There is no customer nobody@example.com in your store.",
        3: "There is no customer 99 in your store.",
        4: "The customer is missing.",
        5: "“many” is not a whole number of points.",
        6: "Points must be other than 0 and at most 10,000,000.",
        7: "Points must be other than 0 and at most 10,000,000.",
        8: "2027-01-01 is in the future.",
        9: "These points would have expired on 2024-01-01, before they came.",
        10: "“01/02/2025” is not a date like 2026-03-01.",
        11: "This line has 2 cells, the first line has 5.",
        12: "This takes more points than the customer has on that day.",
    }
    assert (found.lines, found.faulty, found.points, found.customers) == (12, 11, 7, 1)
    assert session.scalar(select(PointEntry.id)) is None


@pytest.mark.parametrize(
    ("file", "sentence"),
    [
        ("", "This file is empty or not a CSV file."),
        (b"\xff\xfe\x00c", "This is not a CSV file in UTF-8."),
        ("customer,points\n", "This file has no lines under its first one."),
        ("customer,colour,points\n1,red,5\n", "The column “colour” is not known."),
        ("customer,note\n1,x\n", "The column “points” is missing."),
        ("customer,points,email\n1,5,x\n", "Two columns say “customer”."),
        ('customer,points\n1,5\n2,"7', "Line 3 cannot be read"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_as_a_whole(
    session: Session, shop: Shop, file: str | bytes, sentence: str
) -> None:
    with pytest.raises(Invalid) as error, session.begin_nested():
        prepared(session, shop, file)
    assert str(error.value).startswith(sentence) and error.value.field == "file"
    assert session.scalar(select(PointImportRow.line)) is None


def test_a_killed_import_goes_on_and_no_line_counts_twice(
    session: Session, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(applying, "STEP", 1)
    found = prepared(session, shop, BALANCES)
    applying.start(session, shop, found.id, "staff:1")
    applying.step(session, shop)
    assert (found.done, account(session, shop, 2)) == (1, (0, 0, 0))
    savepoint = session.begin_nested()
    applying.step(session, shop)
    savepoint.rollback()
    applying.start(session, shop, found.id, "staff:1")
    finish(session, shop)
    assert (found.state, found.done) == ("done", 2)
    assert account(session, shop, 1) == (120, 0, 0) and account(session, shop, 2) == (80, 0, 0)


def test_an_import_is_taken_back_as_a_whole(session: Session, shop: Shop) -> None:
    found = imported(session, shop, HISTORY)
    applying.take_back(session, shop, found.id, "staff:2")
    finish(session, shop)
    assert account(session, shop, 1) == account(session, shop, 2) == (0, 0, 0) and found.state == "undone"
    with pytest.raises(Refused):
        applying.take_back(session, shop, found.id, "staff:2")


def test_a_half_done_import_is_taken_back_too(session: Session, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(applying, "STEP", 1)
    found = prepared(session, shop, BALANCES)
    applying.start(session, shop, found.id, "staff:1")
    applying.step(session, shop)
    applying.take_back(session, shop, found.id, "staff:1")
    finish(session, shop)
    assert (found.state, found.done) == ("undone", 0)
    assert entries(session, shop, 1) == [("import", 120), ("import", -120)] and entries(session, shop, 2) == []


def test_what_was_spent_of_it_becomes_debt(session: Session, shop: Shop) -> None:
    found = imported(session, shop, BALANCES)
    loyalty.adjust(session, shop, 2, -30, "spent", "staff:1", "spent")
    applying.take_back(session, shop, found.id, "staff:1")
    finish(session, shop)
    assert account(session, shop, 2) == (0, 0, 30)


def test_points_that_are_gone_since_the_preview_leave_their_line_out(session: Session, shop: Shop) -> None:
    loyalty.adjust(session, shop, 1, 50, "gift", "staff:1", "gift")
    found = prepared(session, shop, "customer,points\n1,-40\n2,10\n")
    loyalty.adjust(session, shop, 1, -30, "spent", "staff:1", "spent")
    applying.start(session, shop, found.id, "staff:1")
    finish(session, shop)
    assert (found.state, found.done, account(session, shop, 1)) == ("done", 1, (20, 0, 0))
    assert told(session, shop, found) == {2: preparing.TOO_MANY}


def test_only_what_was_not_imported_can_be_forgotten(session: Session, shop: Shop) -> None:
    waiting, done = prepared(session, shop, BALANCES), imported(session, shop, BALANCES)
    preparing.discard(session, shop, waiting.id)
    with pytest.raises(NotFound):
        preparing.of_shop(session, shop, waiting.id)
    with pytest.raises(Refused):
        preparing.discard(session, shop, done.id)
    assert checking.latest(session, shop) is None


def _day(year: int, month: int, day: int, hour: int) -> datetime:
    return datetime(year, month, day, hour, tzinfo=UTC)

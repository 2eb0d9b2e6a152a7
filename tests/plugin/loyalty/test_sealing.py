"""The chain over the ledger: what is sealed, when, and that nothing can slip in behind it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

from plugin.db import engine as db
from plugin.loyalty import operations as loyalty
from plugin.loyalty.books import checking, sealing, upkeep, verifying
from plugin.loyalty.books.lines import lines
from plugin.loyalty.books.models import LedgerCheck, LedgerSeal, LedgerUpkeep
from plugin.loyalty.models import PointEntry
from plugin.shops.models import Shop
from tests.plugin.loyalty.ledgers import START, at, customer, order, program, reward, settle

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
PINNED = (
    b'{"actor":"staff:1","available_at":"2026-03-01T12:00:00Z","counter_account":"staff","counter_points":-40,'
    b'"created_at":"2026-03-01T12:00:00Z","customer_id":1,"expires_at":null,"explanation":{"points":40},"id":%d,'
    b'"key":"adjust:pinned","kind":"adjust","occurred_at":"2026-03-01T12:00:00Z","order_id":null,"points":40,'
    b'"program_id":%d,"redemption_id":null}'
)


def post(shop: Shop, key: str, customer_id: int = 1, points: int = 40, moment: datetime = NOON) -> int:
    with db.transaction(shop.id) as session:
        at(session, moment)
        return loyalty.adjust(session, shop, customer_id, points, "why", "staff:1", key)


@pytest.fixture
def furnished(shop: Shop, other_shop: Shop) -> Shop:
    """Both shops have the same customers and the same points."""
    for each in (other_shop, shop):
        with db.transaction(each.id) as session:
            at(session, NOON)
            program(session, each, starts_at=START)
            reward(session, each, 25)
            for number in (1, 2):
                customer(session, each, number)
                order(session, each, number, number, NOON)
            settle(session, each, 1, 2)
    return shop


def seal(shop: Shop, moment: datetime = NOON) -> bool:
    with db.transaction(shop.id) as session:
        at(session, moment)
        return sealing.seal_due(session, shop)


def seals(shop: Shop) -> list[LedgerSeal]:
    with db.transaction(shop.id) as session:
        return list(session.scalars(select(LedgerSeal).order_by(LedgerSeal.number)))


def faults(shop: Shop) -> list[str]:
    return [str(fault) for fault in checking.look(lambda: db.transaction(shop.id), shop)[1]]


def test_a_line_has_both_sides_and_never_changes_its_bytes(furnished: Shop) -> None:
    made = post(furnished, "pinned")
    with db.transaction(furnished.id) as session:
        line = next(lines(session, furnished.id, made - 1, made))
        entry = session.get(PointEntry, (furnished.id, made))
    assert entry and line.text == PINNED % (made, entry.program_id)


def test_a_day_is_one_seal_and_covers_the_one_before(furnished: Shop, other_shop: Shop) -> None:
    assert not seal(furnished) and not seal(furnished)
    post(furnished, "later")
    assert len(seals(furnished)) == 1
    seal(furnished, NOON + timedelta(days=1))
    first, second = seals(furnished)
    assert (first.entries, second.entries, second.points) == (2, 1, 40)
    assert first.digest != second.digest and second.through_id > first.through_id
    assert faults(furnished) == [] and seals(other_shop) == []


def test_a_long_day_is_several_seals(furnished: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "MOST", 2)
    for number in range(3):
        post(furnished, f"more-{number}")
    while seal(furnished):
        pass
    assert [each.entries for each in seals(furnished)] == [2, 2, 1]
    assert faults(furnished) == []


def test_the_day_is_the_shops_own(furnished: Shop, database: Engine) -> None:
    with database.begin() as owner:
        owner.execute(text("UPDATE shops SET timezone = 'Pacific/Auckland' WHERE id = :id"), {"id": furnished.id})
    furnished.timezone = "Pacific/Auckland"
    seal(furnished, NOON)  # already the next day there
    assert seals(furnished)[0].day.isoformat() == "2026-03-02"


def test_an_entry_that_commits_late_is_never_left_outside(furnished: Shop) -> None:
    """The slow writer draws the smaller id and commits after the quick one: nothing is sealed before it has ended."""
    slow = Session(db.engine(), expire_on_commit=False)
    slow.begin()
    db.enter_shop(slow, furnished.id)
    at(slow, NOON)
    small = loyalty.adjust(slow, furnished, 1, 5, "slow", "staff:2", "slow")
    large = post(furnished, "quick", customer_id=2)
    assert large > small
    assert not seal(furnished) and seals(furnished) == []
    post(furnished, "after the bound", customer_id=2)
    slow.commit()
    slow.close()
    seal(furnished)
    with db.transaction(furnished.id) as session:
        ids = list(session.scalars(select(PointEntry.id).order_by(PointEntry.id)))
    assert small in ids and seals(furnished)[0].through_id == large, "sealed up to where the bound was drawn"
    assert seals(furnished)[0].entries == len(ids) - 1 and faults(furnished) == []


def test_sealing_without_waiting_would_be_caught(furnished: Shop) -> None:
    """What the bound is for: a seal up to the newest visible id, with a writer at work, misses an entry for ever."""
    slow = Session(db.engine(), expire_on_commit=False)
    slow.begin()
    db.enter_shop(slow, furnished.id)
    at(slow, NOON)
    small = loyalty.adjust(slow, furnished, 1, 5, "slow", "staff:2", "slow")
    large = post(furnished, "quick", customer_id=2)
    with db.transaction(furnished.id) as session:
        sealing.seal(session, furnished, large, NOON.date())
    slow.commit()
    slow.close()
    assert faults(furnished) == [f"Entry {small} was put in after its days were sealed on 2026-03-01."]


def test_another_shops_writer_holds_the_seal_back_only_while_it_writes(furnished: Shop, other_shop: Shop) -> None:
    other = Session(db.engine())
    other.begin()
    db.enter_shop(other, other_shop.id)
    loyalty.adjust(other, other_shop, 1, 5, "slow", "staff:1", "slow")
    assert not seal(furnished) and seals(furnished) == []
    other.rollback()
    other.close()
    seal(furnished)
    assert len(seals(furnished)) == 1


def test_a_restored_database_that_counts_transactions_anew_goes_on_sealing(furnished: Shop) -> None:
    with db.transaction(furnished.id) as session:
        session.add(LedgerUpkeep(shop_id=furnished.id, bound_id=1, bound_xid=2**60))
    seal(furnished)
    seal(furnished)
    assert len(seals(furnished)) == 1


@pytest.mark.parametrize(
    ("harm", "sentence"),
    [
        ("UPDATE point_entries SET points = points + 1 WHERE id = :id", "Entry {id} was changed"),
        ("UPDATE point_entries SET explanation = '{}' WHERE id = :id", "Entry {id} was changed"),
        ("DELETE FROM point_entries WHERE id = :id", "Entry {id} was removed"),
        ("UPDATE ledger_seals SET digest = 'x' WHERE number = 1", "Seal 1 of 2026-03-01 does not continue the chain."),
        ("DELETE FROM ledger_seals WHERE number = 1", "Seal 1 is missing from the chain."),
        ("UPDATE point_accounts SET available = available + 7 WHERE customer_id = 2", "Customer 2: the account says"),
        ("UPDATE point_lots SET remaining = remaining - 1 WHERE customer_id = 2", "and the lots hold"),
        ("UPDATE redemptions SET points = 26", "cost 26 points, and its entry says 25."),
    ],
)
def test_what_the_owner_of_the_tables_changes_is_found_and_named(
    furnished: Shop, other_shop: Shop, database: Engine, harm: str, sentence: str
) -> None:
    made = post(furnished, "third")
    with db.transaction(furnished.id) as session:
        at(session, NOON)
        reward_id = session.execute(text("SELECT id FROM rewards")).scalar_one()
        loyalty.redeem(session, furnished, 2, reward_id, "click-00001")
    seal(furnished)
    post(furnished, "fourth")
    seal(furnished, NOON + timedelta(days=1))
    assert faults(furnished) == []
    with database.begin() as owner:
        owner.execute(text("DELETE FROM point_notes"))
        owner.execute(text(f"{harm} {'AND' if 'WHERE' in harm else 'WHERE'} shop_id = {furnished.id}"), {"id": made})
    found = faults(furnished)
    assert any(sentence.format(id=made) in each for each in found), found
    assert faults(other_shop) == []


def test_the_app_can_neither_change_nor_remove_a_seal(furnished: Shop) -> None:
    seal(furnished)
    for forbidden in ("UPDATE ledger_seals SET points = 0", "DELETE FROM ledger_seals", "TRUNCATE ledger_seals"):
        with pytest.raises(ProgrammingError, match="permission denied"), db.transaction(furnished.id) as session:
            session.execute(text(forbidden))


def test_the_daily_look_reads_only_what_came_since_the_last_sound_one(furnished: Shop, other_shop: Shop) -> None:
    def a_day(moment: datetime) -> LedgerCheck:
        for step in (upkeep.step, checking.step, checking.step, checking.step):
            with db.transaction(furnished.id) as session:
                at(session, moment)
                step(session, furnished)
        with db.transaction(furnished.id) as session:
            return checking.latest(session, furnished)  # type: ignore[return-value]

    first = a_day(NOON)
    assert (first.state, first.through_seal, first.entries, first.total) == ("sound", 1, 2, 2)
    post(furnished, "next day")
    second = a_day(NOON + timedelta(days=1))
    assert (second.state, second.first_seal, second.through_seal, second.entries) == ("sound", 2, 2, 1)
    with db.transaction(other_shop.id) as session:
        assert checking.latest(session, other_shop) is None


def test_a_look_keeps_what_it_found(furnished: Shop, database: Engine) -> None:
    seal(furnished)
    with database.begin() as owner:
        owner.execute(text("UPDATE point_accounts SET debt = 3, available = 0 WHERE customer_id = 1"))
    with db.transaction(furnished.id) as session:
        assert checking.ask(session, furnished, "staff:1") and checking.ask(session, furnished, "staff:1") is None
    for _ in range(3):
        with db.transaction(furnished.id) as session:
            checking.step(session, furnished)
    with db.transaction(furnished.id) as session:
        check = checking.latest(session, furnished)
        assert check and check.state == "broken"
        assert "Customer 1: the account says -3 points" in str(checking.told(check.faults)[0])
        assert checking.sound_through(session, furnished) == 0


def test_verifying_reads_nothing_of_another_shop(furnished: Shop, other_shop: Shop, database: Engine) -> None:
    with database.begin() as owner:
        owner.execute(text("UPDATE point_accounts SET pending = 9 WHERE shop_id = :id"), {"id": other_shop.id})
    assert faults(furnished) == []
    with db.transaction(other_shop.id) as session:
        assert len(verifying.unbalanced(session, other_shop)) == 4

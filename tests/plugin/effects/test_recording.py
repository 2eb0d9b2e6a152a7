"""Recording effects: twice is once, and a finished one is opened anew only where that is meant."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, text

from plugin.db import engine as db
from plugin.effects import operations, performing, queries, rounds
from plugin.errors import NotFound
from plugin.shops.models import Shop
from tests.plugin.effects.conftest import Outside, change, record, row


def test_the_same_key_twice_is_one_row(shop: Shop, database: Engine) -> None:
    first = record(shop, key="A", note="one")
    assert record(shop, key="A", note="two") == first
    assert row(database, first).payload == {"code": "A", "note": "one"}


def test_another_shop_may_have_the_same_key(shop: Shop, other_shop: Shop) -> None:
    assert record(shop, key="A") != record(other_shop, key="A")


def test_an_effect_of_a_transaction_that_failed_never_existed(shop: Shop, outside: Outside) -> None:
    with pytest.raises(ValueError), db.transaction(shop.id) as session:
        operations.record(session, shop.id, "code", "A", {"code": "A"})
        raise ValueError
    assert rounds.perform_due() == 0 and outside.calls == []


def test_many_at_once_give_an_id_each(shop: Shop) -> None:
    with db.transaction(shop.id) as session:
        ids = operations.record_all(session, shop.id, "code", {str(n): {"code": str(n)} for n in range(50)})
        assert operations.record_all(session, shop.id, "code", {}) == {}
    assert len(set(ids.values())) == 50


def test_a_finished_read_is_opened_anew_with_again(shop: Shop, outside: Outside, database: Engine) -> None:
    effect = record(shop, "read")
    performing.perform_one(shop.id, effect)
    assert record(shop, "read") == effect
    assert row(database, effect).state == "done"
    assert record(shop, "read", again=True) == effect
    assert row(database, effect).state == "pending"
    rounds.perform_due()
    assert len(outside.calls) == 2


def test_a_waiting_read_is_left_alone(shop: Shop, database: Engine) -> None:
    effect = record(shop, "read", note="first")
    change(database, effect, attempts="3")
    record(shop, "read", again=True, note="second")
    assert (row(database, effect).attempts, row(database, effect).payload["note"]) == (3, "first")


def test_a_change_told_during_a_read_makes_it_read_once_more(shop: Shop, outside: Outside, database: Engine) -> None:
    effect = record(shop, "read")
    told_meanwhile = outside.call

    def call(shop: Shop, payload: dict) -> dict:
        if not outside.calls:
            record(shop, "read", again=True)
        return told_meanwhile(shop, payload)

    performing.use({"read": performing.Performer(call, outside.done, repeatable=True)}, performing._shop_of[0])
    rounds.perform_due()
    assert len(outside.calls) == 2
    assert row(database, effect).state == "done" and len(outside.noted) == 1


def test_only_what_failed_can_be_retried(shop: Shop, other_shop: Shop, database: Engine) -> None:
    effect = record(shop)
    with pytest.raises(NotFound), db.transaction(shop.id) as session:
        operations.retry(session, shop.id, effect)
    change(database, effect, state="'failed'", attempts="8", error="'no'")
    with pytest.raises(NotFound), db.transaction(other_shop.id) as session:
        operations.retry(session, other_shop.id, effect)
    with db.transaction(shop.id) as session:
        operations.retry(session, shop.id, effect)
    assert (row(database, effect).state, row(database, effect).attempts) == ("pending", 0)


def test_the_panel_sees_what_is_stuck_and_only_its_own(shop: Shop, other_shop: Shop, database: Engine) -> None:
    mine = [record(shop, key=str(n)) for n in range(3)]
    theirs = record(other_shop, key="0")
    for effect in (*mine[:2], theirs):
        change(database, effect, state="'failed'")
    with db.transaction(shop.id) as session:
        first = queries.listed(session, shop.id, queries.Wanted(), size=1)
        second = queries.listed(session, shop.id, queries.Wanted(), after=first.last, size=1)
        assert [[row[0].id for row in page.rows] for page in (first, second)] == [[mine[1]], [mine[0]]]
        assert queries.stuck_count(session, shop.id) == 2 == queries.failed_count(session, shop.id, ["code"])
        assert queries.counts(session, shop.id) == {"failed": 2, "pending": 1}
        assert queries.one(session, shop.id, "code", "0").id == mine[0]


def test_due_rows_are_found_by_the_partial_index(shop: Shop, database: Engine) -> None:
    from plugin.effects.claims import NEXT_OF_SHOP, SHOPS

    with database.begin() as connection:
        rows = "INSERT INTO outbox (shop_id, kind, key, state, next_attempt_at) SELECT :shop, 'k', n::text, 'pending',"
        rows += " clock_timestamp() + interval '1 day' FROM generate_series(1, 20000) n"
        connection.execute(text(rows), {"shop": shop.id})
    with database.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE outbox"))
    with db.transaction(shop.id) as session:
        asked = text(f"EXPLAIN (ANALYZE, FORMAT TEXT) {NEXT_OF_SHOP} FOR UPDATE SKIP LOCKED")
        plan = session.execute(asked, {"patient": False, "shop": shop.id}).scalars().all()
    assert "ix_outbox_due" in "\n".join(plan) and "Sort" not in "\n".join(plan)
    with db.system_transaction() as session:
        asked = text(f"EXPLAIN (ANALYZE, FORMAT TEXT) {SHOPS}")
        plan = session.execute(asked, {"patient": False}).scalars().all()
    reads = [line for line in plan if " on outbox" in line]
    assert len(reads) == 4 and all("ix_outbox_due" in line for line in reads)

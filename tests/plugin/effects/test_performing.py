"""Performing effects: whatever happens to the process, each happens once or is shown as unknown."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine

from plugin.db import engine as db
from plugin.db.locks import alone
from plugin.effects import claims, operations, performing, rounds
from plugin.errors import OutcomeUnknown, Refused, Throttled, Unauthorized, Unavailable
from plugin.pace import TurnOver
from plugin.shops.models import Shop
from tests.plugin.effects.conftest import Outside, change, claim_next, lapse, record, row, times_noted


def test_a_due_effect_is_called_and_noted_once(
    shop: Shop, other_shop: Shop, outside: Outside, database: Engine
) -> None:
    effect = record(shop)
    assert rounds.perform_due() == 1
    assert rounds.perform_due() == 0
    found = row(database, effect)
    assert (found.state, found.result, found.called_at) == ("done", {"made": "A"}, None)
    assert outside.calls == [(shop.id, {"code": "A"})]
    assert times_noted(database, shop) == 1 and times_noted(database, other_shop) == 0


def test_each_shops_effects_are_performed_as_that_shop(shop: Shop, other_shop: Shop, outside: Outside) -> None:
    record(shop, key="A")
    record(other_shop, key="B")
    rounds.perform_due()
    assert sorted(outside.calls, key=str) == sorted([(shop.id, {"code": "A"}), (other_shop.id, {"code": "B"})], key=str)


def test_eight_workers_perform_forty_effects_once_each(shop: Shop, outside: Outside, database: Engine) -> None:
    for number in range(40):
        record(shop, key=str(number))
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(lambda _: rounds.perform_due(), range(8))) == 40
    assert len(outside.calls) == 40 and times_noted(database, shop) == 40


def test_what_nobody_waits_for_comes_last_and_in_one_process_at_a_time(shop: Shop, outside: Outside) -> None:
    with db.transaction(shop.id) as session:
        patient = {str(number): {"code": str(number)} for number in range(3)}
        operations.record_all(session, shop.id, "code", patient, patient=True)
    record(shop, key="urgent")
    with alone("patient effects"):
        assert rounds.perform_due() == 1
    assert outside.calls == [(shop.id, {"code": "urgent"})]
    assert rounds.perform_due() == 3


def test_killed_after_claiming_it_is_simply_taken_again(shop: Shop, outside: Outside, database: Engine) -> None:
    effect = record(shop)
    assert claim_next() is not None
    assert rounds.perform_due() == 0  # the lease of the dead process
    lapse(database, effect)
    assert rounds.perform_due() == 1
    assert row(database, effect).state == "done" and outside.looked == 0


def test_killed_before_the_answer_it_is_looked_up_and_made_once(shop: Shop, outside: Outside, database: Engine) -> None:
    effect = record(shop)
    claim = claim_next()
    assert claims.begin_call(claim)
    outside.happened["A"] = {"made": "A"}  # the store did it, the process died before it could note that
    lapse(database, effect)
    rounds.perform_due()
    assert row(database, effect).state == "done"
    assert outside.calls == [] and outside.looked == 1 and times_noted(database, shop) == 1


def test_killed_before_the_call_left_it_is_looked_up_and_called(shop: Shop, outside: Outside, database: Engine) -> None:
    effect = record(shop)
    assert claims.begin_call(claim_next())
    lapse(database, effect)
    rounds.perform_due()
    assert row(database, effect).state == "done" and (outside.looked, len(outside.calls)) == (1, 1)


def test_killed_while_looking_up_it_is_looked_up_again(shop: Shop, outside: Outside, database: Engine) -> None:
    effect = record(shop)
    assert claims.begin_call(claim_next())
    lapse(database, effect)
    assert claim_next().called
    lapse(database, effect)
    assert claim_next().called


def test_killed_while_calling_what_cannot_be_looked_up_is_unknown(
    shop: Shop, outside: Outside, database: Engine
) -> None:
    effect = record(shop, "blind")
    assert claims.begin_call(claim_next())
    lapse(database, effect)
    rounds.perform_due()
    found = row(database, effect)
    assert (found.state, outside.calls) == ("unknown", []) and "cannot be looked up" in found.error


def test_killed_while_reading_it_is_read_again(shop: Shop, outside: Outside, database: Engine) -> None:
    effect = record(shop, "read")
    assert claims.begin_call(claim_next())
    lapse(database, effect)
    rounds.perform_due()
    assert row(database, effect).state == "done" and len(outside.calls) == 1


def test_an_admin_may_say_that_an_unknown_one_did_not_happen(shop: Shop, outside: Outside, database: Engine) -> None:
    effect = record(shop, "blind")
    change(database, effect, state="'unknown'", called_at="clock_timestamp()", attempts="1")
    with db.transaction(shop.id) as session:
        operations.retry(session, shop.id, effect)
    rounds.perform_due()
    assert row(database, effect).state == "unknown" and outside.calls == []
    with db.transaction(shop.id) as session:
        operations.retry(session, shop.id, effect, did_not_happen=True)
    rounds.perform_due()
    assert row(database, effect).state == "done" and len(outside.calls) == 1


def test_a_paused_performer_comes_back_to_nothing(shop: Shop, outside: Outside, database: Engine) -> None:
    effect = record(shop)
    outside.gate = threading.Event()
    paused = threading.Thread(target=rounds.perform_due)
    paused.start()
    assert outside.began.wait(5)
    lapse(database, effect)  # its lease ends while it stands still
    outside.happened["A"] = {"made": "A"}
    rounds.perform_due()
    assert row(database, effect).state == "done" and times_noted(database, shop) == 1
    outside.gate.set()
    paused.join(10)
    assert times_noted(database, shop) == 1 and len(outside.noted) == 1


def test_a_claim_that_was_lost_does_not_call(shop: Shop, outside: Outside, database: Engine) -> None:
    effect = record(shop)
    claim = claim_next()
    lapse(database, effect)
    assert claim_next() is not None
    performing.perform(claim)
    assert outside.calls == []


def test_throttled_waits_as_told_and_does_not_count(shop: Shop, outside: Outside, database: Engine) -> None:
    outside.raises = [Throttled("slow down", 7.5)]
    effect = record(shop)
    rounds.perform_due()
    found = row(database, effect)
    assert (found.state, found.attempts, found.called_at) == ("pending", 0, None)
    assert 5 < wait_of(database, effect) <= 7.5
    lapse(database, effect)
    rounds.perform_due()
    assert row(database, effect).state == "done" and outside.looked == 0


def test_taking_too_long_counts_as_a_try(shop: Shop, outside: Outside, database: Engine) -> None:
    outside.raises = [TurnOver("too long", 0.0)] * 20
    effect = record(shop)
    rounds.perform_due()
    assert (row(database, effect).state, row(database, effect).attempts) == ("failed", 8)


def test_a_store_that_is_away_is_tried_with_growing_pauses_and_then_given_up(
    shop: Shop, outside: Outside, database: Engine
) -> None:
    outside.raises = [Unavailable("away")] * 8
    effect, waits = record(shop), []
    for _ in range(7):
        rounds.perform_due()
        waits.append(wait_of(database, effect))
        lapse(database, effect)
    rounds.perform_due()
    assert row(database, effect).state == "failed" and row(database, effect).error == "away"
    assert waits[0] < 15 < waits[1] < waits[2] < waits[3] < 600 < waits[-1]
    assert outside.failures == [(shop.id, "away")]


@pytest.mark.parametrize("error", [Unauthorized("open the shop again"), Refused("no such customer")])
def test_a_dead_token_and_a_refusal_are_never_retried(
    shop: Shop, outside: Outside, database: Engine, error: Exception
) -> None:
    outside.raises = [error]
    effect = record(shop)
    rounds.perform_due()
    assert (row(database, effect).state, row(database, effect).error) == ("failed", str(error))
    assert len(outside.calls) == 1 and outside.failures == [(shop.id, str(error))]


def test_an_unknown_outcome_is_looked_up_before_it_is_repeated(shop: Shop, outside: Outside, database: Engine) -> None:
    outside.raises = [OutcomeUnknown("cut off")]
    effect = record(shop)
    rounds.perform_due()
    assert row(database, effect).state == "pending" and row(database, effect).called_at is not None
    lapse(database, effect)
    rounds.perform_due()
    assert row(database, effect).state == "done" and (outside.looked, len(outside.calls)) == (1, 2)


def test_an_unknown_outcome_that_cannot_be_looked_up_stays_so(shop: Shop, outside: Outside, database: Engine) -> None:
    outside.raises = [OutcomeUnknown("cut off")]
    effect = record(shop, "blind")
    rounds.perform_due()
    assert row(database, effect).state == "unknown"


def test_while_it_cannot_be_looked_up_nothing_is_called(shop: Shop, outside: Outside, database: Engine) -> None:
    outside.look_raises = [Unavailable("away"), Throttled("slow", 3)]
    effect = record(shop)
    assert claims.begin_call(claim_next())
    for _ in range(2):
        lapse(database, effect)
        rounds.perform_due()
        assert row(database, effect).state == "pending" and outside.calls == []
    lapse(database, effect)
    rounds.perform_due()
    assert row(database, effect).state == "done" and outside.looked == 3


def test_a_mistake_of_ours_after_sending_is_not_a_failure_but_unknown(
    shop: Shop, outside: Outside, database: Engine
) -> None:
    outside.raises = [KeyError("canary@example.com")]
    effect = record(shop, "blind")
    rounds.perform_due()
    found = row(database, effect)
    assert (found.state, found.error) == ("unknown", "Something went wrong on our side (KeyError).")


def test_an_answer_that_could_not_be_noted_is_kept_and_noted_later(
    shop: Shop, outside: Outside, database: Engine
) -> None:
    outside.note_raises = [RuntimeError("a lock")]
    effect = record(shop, "blind")
    rounds.perform_due()
    assert (row(database, effect).state, row(database, effect).result) == ("pending", {"made": "A"})
    lapse(database, effect)
    rounds.perform_due()
    assert row(database, effect).state == "done"
    assert len(outside.calls) == 1 and times_noted(database, shop) == 1


def test_what_kills_its_process_each_time_is_parked(shop: Shop, outside: Outside, database: Engine) -> None:
    poison, innocent = record(shop, key="A"), record(shop, key="B")
    change(database, poison, attempts="8", state="'claimed'")
    rounds.perform_due()
    assert row(database, poison).state == "failed" and "too often" in row(database, poison).error
    assert row(database, innocent).state == "done" and len(outside.calls) == 1


def test_a_kind_nobody_knows_is_failed_with_a_reason(shop: Shop, outside: Outside, database: Engine) -> None:
    effect = record(shop, "telepathy")
    rounds.perform_due()
    assert row(database, effect).state == "failed" and "does not know" in row(database, effect).error


def test_what_is_waited_for_is_performed_at_once(shop: Shop, outside: Outside) -> None:
    assert performing.perform_now(shop.id, record(shop)) == "done"


def test_whoever_waits_does_not_wait_longer_than_agreed(shop: Shop, outside: Outside, database: Engine) -> None:
    outside.gate = threading.Event()
    effect = record(shop)
    assert performing.perform_now(shop.id, effect, seconds=0.5) == "calling"
    outside.gate.set()
    for _ in range(100):
        if row(database, effect).state == "done":
            break
        threading.Event().wait(0.05)
    assert row(database, effect).state == "done" and times_noted(database, shop) == 1


def test_what_somebody_else_performs_is_not_performed_again(shop: Shop, outside: Outside, database: Engine) -> None:
    effect = record(shop)
    assert claim_next() is not None
    assert performing.perform_now(shop.id, effect) == "claimed"
    assert outside.calls == []


def wait_of(database: Engine, effect_id: int) -> float:
    from sqlalchemy import text

    with database.connect() as connection:
        left = "SELECT extract(epoch FROM next_attempt_at - clock_timestamp()) FROM outbox WHERE id = :id"
        return float(connection.execute(text(left), {"id": effect_id}).scalar_one())

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from plugin.effects.rules import (
    FAILURES_TO_OPEN,
    FIRST_REST_SECONDS,
    LONGEST_REST_SECONDS,
    LONGEST_SECONDS,
    LOOK_AGAIN_SECONDS,
    PROBE_SECONDS,
    Breaker,
    Stand,
    after_failure,
    delay,
    probing,
    stand,
    wait,
)

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
SOON, LATER = NOON + timedelta(seconds=5), NOON + timedelta(seconds=60)


def test_pauses_triple() -> None:
    assert [delay(attempts, luck=0.5) for attempts in (1, 2, 3, 4)] == [10, 30, 90, 270]


@given(some.integers(0, 10**6), some.floats(0, 1))
def test_a_pause_is_never_nothing_and_never_endless(attempts: int, luck: float) -> None:
    assert 7.5 <= delay(attempts, luck) <= LONGEST_SECONDS * 1.25


@pytest.mark.parametrize(
    ("breaker", "where", "seconds"),
    [
        (Breaker(), Stand.CLOSED, 0),
        (Breaker(failures=FAILURES_TO_OPEN - 1), Stand.CLOSED, 0),
        (Breaker(5, 1, open_until=SOON), Stand.OPEN, 5),
        (Breaker(5, 1, open_until=NOON), Stand.HALF_OPEN, 0),
        (Breaker(5, 1, open_until=NOON, probing_until=NOON + timedelta(seconds=2)), Stand.HALF_OPEN, 2),
        (Breaker(5, 1, open_until=NOON, probing_until=LATER), Stand.HALF_OPEN, LOOK_AGAIN_SECONDS),
        (Breaker(5, 1, open_until=NOON - timedelta(minutes=2), probing_until=NOON), Stand.HALF_OPEN, 0),
        (Breaker(5, 1, open_until=LATER, probing_until=SOON), Stand.OPEN, 60),
    ],
)
def test_where_a_breaker_stands_and_how_long_to_wait(breaker: Breaker, where: Stand, seconds: float) -> None:
    assert (stand(breaker, NOON), wait(breaker, NOON)) == (where, seconds)


def rest(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (Breaker(), Breaker(failures=1)),
        (Breaker(FAILURES_TO_OPEN - 2), Breaker(FAILURES_TO_OPEN - 1)),
        (Breaker(FAILURES_TO_OPEN - 1), Breaker(FAILURES_TO_OPEN, 1, rest(FIRST_REST_SECONDS))),
        (Breaker(5, 1, NOON, LATER), Breaker(6, 2, rest(2 * FIRST_REST_SECONDS))),
        (Breaker(9, 2, NOON), Breaker(10, 3, rest(4 * FIRST_REST_SECONDS))),
        (Breaker(90, 70, NOON), Breaker(91, 71, rest(LONGEST_REST_SECONDS))),
        (Breaker(5, 1, LATER), Breaker(6, 1, LATER)),
    ],
    ids=["first", "one before", "opens", "failed probe", "longer each time", "never longer than", "late news"],
)
def test_what_a_failure_changes(before: Breaker, after: Breaker) -> None:
    assert after_failure(before, NOON) == after


def test_a_probe_keeps_the_others_away_for_its_time() -> None:
    trying = probing(Breaker(5, 1, NOON), NOON)
    over = NOON + timedelta(seconds=PROBE_SECONDS)
    assert wait(trying, NOON) > 0 and wait(trying, over - timedelta(seconds=1)) == 1 and wait(trying, over) == 0


@given(some.lists(some.booleans(), max_size=60))
def test_a_breaker_opens_only_after_failures_in_a_row_and_every_answer_closes_it(answers: list[bool]) -> None:
    breaker, row = Breaker(), 0
    for answer in answers:
        breaker, row = (Breaker(), 0) if answer else (after_failure(breaker, NOON), row + 1)
        assert (stand(breaker, NOON) is Stand.OPEN) == (row >= FAILURES_TO_OPEN)

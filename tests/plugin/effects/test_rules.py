from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some

from plugin.effects.rules import LONGEST_SECONDS, delay


def test_pauses_triple() -> None:
    assert [delay(attempts, luck=0.5) for attempts in (1, 2, 3, 4)] == [10, 30, 90, 270]


@given(some.integers(0, 10**6), some.floats(0, 1))
def test_a_pause_is_never_nothing_and_never_endless(attempts: int, luck: float) -> None:
    assert 7.5 <= delay(attempts, luck) <= LONGEST_SECONDS * 1.25

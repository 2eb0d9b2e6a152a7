"""When an effect is tried again, and when a destination is left alone. Machine time, seconds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

MOST_ATTEMPTS = 8
MOST_LAPSES = 4
FIRST_SECONDS = 10.0
LONGEST_SECONDS = 3600.0

FAILURES_TO_OPEN = 5
FIRST_REST_SECONDS = 15.0
LONGEST_REST_SECONDS = 60.0  # so that what waits goes on within a minute of the destination's return
PROBE_SECONDS = 45.0  # longer than one call with its time-outs
LOOK_AGAIN_SECONDS = 5.0  # while somebody tries: the answer may come any moment


class Stand(StrEnum):
    """Where a breaker stands."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True)
class Breaker:
    """What is remembered of a destination's failures. `opened`: times since its last answer, each rest is longer."""

    failures: int = 0
    opened: int = 0
    open_until: datetime | None = None
    probing_until: datetime | None = None

    @property
    def spotless(self) -> bool:
        """Whether an answer would change nothing."""
        return self == Breaker()


def delay(attempts: int, luck: float) -> float:
    """Seconds until the next attempt after `attempts` failed ones: 10 s, 30 s, 90 s … 1 h.

    `luck`, 0 to 1, spreads it by a quarter to either side, so that what failed together does not return together.
    """
    steady = min(FIRST_SECONDS * 3.0 ** min(max(attempts - 1, 0), 10), LONGEST_SECONDS)
    return steady * (0.75 + luck / 2)


def stand(breaker: Breaker, now: datetime) -> Stand:
    """Closed: calls go out. Open: none does. Half-open: the rest is over, and one call at a time may try."""
    if breaker.open_until is None:
        return Stand.CLOSED
    return Stand.OPEN if now < breaker.open_until else Stand.HALF_OPEN


def wait(breaker: Breaker, now: datetime) -> float:
    """Seconds until it is worth asking; 0 when a call may go out now (for half-open: as the probe)."""
    match stand(breaker, now):
        case Stand.OPEN:
            return _left(breaker.open_until, now)
        case Stand.HALF_OPEN:
            return min(_left(breaker.probing_until, now), LOOK_AGAIN_SECONDS)
    return 0.0


def _left(until: datetime | None, now: datetime) -> float:
    return max((until - now).total_seconds(), 0.0) if until else 0.0


def probing(breaker: Breaker, now: datetime) -> Breaker:
    """A call goes out as the probe; until its time is over nobody else's does."""
    return replace(breaker, probing_until=now + timedelta(seconds=PROBE_SECONDS))


def after_failure(breaker: Breaker, now: datetime) -> Breaker:
    """The destination did not answer: enough of that in a row opens the breaker, a failed probe opens it for longer.

    News of a call that began before the breaker opened does not prolong the rest.
    """
    failed = replace(breaker, failures=breaker.failures + 1)
    present = stand(breaker, now)
    if present is Stand.OPEN or (present is Stand.CLOSED and failed.failures < FAILURES_TO_OPEN):
        return failed
    rest = min(FIRST_REST_SECONDS * 2.0 ** min(breaker.opened, 10), LONGEST_REST_SECONDS)
    return replace(failed, opened=breaker.opened + 1, open_until=now + timedelta(seconds=rest), probing_until=None)

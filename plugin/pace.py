"""How calls to a store are made in this thread just now: how patiently, and how much of its rate limit others keep.

Ambient, because it belongs to why something is asked and not to what: a reward's code is made in the same way whether
a shopper waits for it or a worker catches up.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace

from plugin.errors import Throttled


@dataclass(frozen=True)
class Pace:
    """`patience`: seconds one call may wait for points of the rate limit, or for a store that stumbles.

    `reserve`: the share of the store's points that is left to those who wait at a screen. `until`: no request leaves
    after this moment of the monotonic clock, because somebody else may have the work by then. `whole`: what was begun
    is finished. After the first answer the next calls wait as usual and leave no reserve, or else an object that takes
    ten calls would be begun for ever.
    """

    patience: float = 20.0
    reserve: float = 0.0
    until: float | None = None
    whole: bool = False


class TurnOver(Throttled):
    """Nothing was sent, because the stretch of work has lasted longer than it may."""


USUAL = Pace()
WAITED_FOR = Pace(patience=2.5)
BACKGROUND = Pace(patience=1.0, reserve=0.5)

_present: ContextVar[Pace] = ContextVar("pace", default=USUAL)


def present() -> Pace:
    """The pace of what this thread is doing."""
    return _present.get()


def begun() -> None:
    """The store has answered."""
    now = _present.get()
    if now.whole:
        _present.set(replace(now, patience=USUAL.patience, reserve=0.0))


@contextmanager
def at(pace: Pace) -> Iterator[None]:
    """A stretch of work at this pace."""
    before = _present.set(pace)
    try:
        yield
    finally:
        _present.reset(before)

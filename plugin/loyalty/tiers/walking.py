"""A tier that outlasts the numbers that brought it, followed along time. Pure, and a function of history alone.

The walk looks at a customer at these instants, in order: just after each order, refund, cancellation and referral, just
after the rolling window lets go of one of them, before and after each turn of the year, and where a fall is due. At
each it takes the numbers of the window that ends there and goes on from the tier held so far:

1. The numbers reach a higher tier: it is held from here on.
2. They are enough to stay (the tier's `keep`, else what entering asks): it is held, and a shortage is forgotten.
3. They are not: the shortage began here, or goes on. The fall is due `grace_days` after it began; with `year_end` at
   the first turn of the year after that. At the due instant the highest lower tier is held in which the numbers are
   enough to stay; with `one_step` the next lower one, and if they are not enough there, its days of grace begin.

With `never` nothing falls: held is the highest tier ever reached, by numbers less what was refunded since. Each version
walks the whole history by its own rules. Just before a turn of the year its window is the year that ends, so a fall due
there is judged by the full year. Tiers that only staff give are no part of it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from plugin.loyalty.rules import ProgramRules, days_later, next_turn

Position = tuple[datetime, int]


class State(NamedTuple):
    """The rank held (0 is none); since when its numbers fall short, and when it is lost unless they rise."""

    held: int = 0
    short_since: datetime | None = None
    falls_at: datetime | None = None


class Measured(Protocol):
    """What the walk asks of a history."""

    def measures(self, position: Position, timezone: str, refunded: datetime | None = None) -> tuple[int, ...]: ...
    def reached(self, measures: Sequence[int]) -> int: ...
    def kept(self, measures: Sequence[int], rank: int) -> bool: ...
    def below(self, measures: Sequence[int], rank: int) -> int: ...
    def instants(self, timezone: str) -> list[Position]: ...


class Walk:
    """The walk of one customer under one version, as far as somebody asked."""

    def __init__(self, history: Measured, program: ProgramRules, timezone: str) -> None:
        self._history, self._program, self._timezone = history, program, timezone
        self._ladder = program.document.tiers
        self._instants = history.instants(timezone)
        self._taken = 0
        self._turn: datetime | None = None
        if self._instants and (self._ladder.window == "year"):
            self._turn = self._next_turn(self._instants[0][0])
        self._seen: list[Position] = []
        self._states: list[State] = []

    def at(self, position: Position) -> State:
        """The state just before a position."""
        if self._ladder.downgrade == "never":
            return self._highest(position)
        self._advance(position)
        before = bisect_left(self._seen, position)
        return self._step(self._states[before - 1] if before else State(), position)

    def _highest(self, position: Position) -> State:
        looks = [p for p in self._instants if p < position]
        ranks = (self._history.reached(self._history.measures(p, self._timezone, position[0])) for p in looks)
        now = self._history.reached(self._history.measures(position, self._timezone))
        return State(max(now, max(ranks, default=0)))

    def _advance(self, position: Position) -> None:
        while (instant := self._next()) is not None and instant < position:
            if self._taken < len(self._instants) and self._instants[self._taken] == instant:
                self._taken += 1
            if self._turn is not None and instant == (self._turn, 0):
                self._turn = self._next_turn(self._turn)
            state = self._step(self._states[-1] if self._states else State(), instant)
            self._seen.append(instant)
            self._states.append(state)

    def _next(self) -> Position | None:
        """The next instant to look at; None when nothing can change any more by itself."""
        state = self._states[-1] if self._states else State()
        ahead = [self._instants[self._taken]] if self._taken < len(self._instants) else []
        if state.falls_at is not None:
            ahead.append((state.falls_at, -1))
        if self._turn is not None and (ahead or state.held):
            before, after = (self._turn, -1), (self._turn, 0)
            ahead.append(after if self._seen and self._seen[-1] >= before else before)
        return min(ahead, default=None)

    def _step(self, state: State, position: Position) -> State:
        history, moment = self._history, position[0]
        numbers = history.measures(position, self._timezone)
        reached = history.reached(numbers)
        held, since = state.held, state.short_since
        if reached > held:
            return State(reached)
        while held and not history.kept(numbers, held):
            since = since or moment
            falls_at = self._falls_at(since)
            if moment < falls_at:
                return State(held, since, falls_at)
            if self._ladder.downgrade != "one_step":
                return State(history.below(numbers, held))
            held, since = self._lower(held), falls_at
        return State(held)

    def _lower(self, rank: int) -> int:
        tiers = self._program.tiers
        return next((lower for lower in range(rank - 1, 0, -1) if not tiers[lower - 1].terms.manual), 0)

    def _falls_at(self, since: datetime) -> datetime:
        due = days_later(since, self._ladder.grace_days, self._timezone)
        return self._next_turn(due) if self._ladder.downgrade == "year_end" else due

    def _next_turn(self, moment: datetime) -> datetime:
        return next_turn(moment, self._timezone)

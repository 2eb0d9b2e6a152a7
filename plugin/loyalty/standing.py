"""Spend in the rolling window and the tier it gives: pure functions of a customer's orders.

At a moment count the orders strictly before it, in their present lines, with only the refunds and cancellations dated
before it. So it does not matter in which order the news arrived.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from datetime import datetime

from plugin.loyalty.counting import counted
from plugin.loyalty.rules import OrderState, ProgramRules, TierRules, days_later, not_counted, tier_for

Position = tuple[datetime, int]  # an order's moment and id
LAST = 2**63 - 1  # the id of a position after every order of a moment


class History:
    """One customer's orders as spend, under one program version's idea of what counts."""

    def __init__(self, orders: Iterable[OrderState], program: ProgramRules) -> None:
        self._program = program._replace(paused=False)  # a pause stops points, not spend
        self._positions: list[Position] = []
        self._sums: list[int] = [0]
        self._changing: list[OrderState] = []
        for order in sorted((o for o in orders if o.moment is not None), key=_position):
            self._add(order)

    def spend(self, position: Position, timezone: str) -> int:
        """Money spent in the window that ends just before `position`, in minor units; never below zero."""
        start = (days_later(position[0], -self._program.tier_days, timezone), -1)
        first, last = bisect_left(self._positions, start), bisect_left(self._positions, position)
        fixed = self._sums[last] - self._sums[first]
        return fixed + sum(
            _worth_then(order, self._program, position[0])
            for order in self._changing
            if start <= _position(order) < position
        )

    def tier(self, position: Position, timezone: str) -> tuple[TierRules | None, int]:
        """The tier at a position, and the spend that gives it."""
        if not self._program.tiers:
            return None, 0
        spend = self.spend(position, timezone)
        return tier_for(spend, self._program.tiers), spend

    def _add(self, order: OrderState) -> None:
        if order.returns or order.money_back or order.cancelled_at is not None:
            self._changing.append(order)
            return
        self._positions.append(_position(order))
        self._sums.append(self._sums[-1] + _worth_then(order, self._program, None))


def _position(order: OrderState) -> Position:
    assert order.moment is not None
    return order.moment, order.id


def _worth_then(order: OrderState, program: ProgramRules, before: datetime | None) -> int:
    """What an order counted for just before a moment."""
    if order.cancelled_at is not None and before is not None and order.cancelled_at >= before:
        order = order._replace(cancelled_at=None)
    if not_counted(order, program) is not None:
        return 0
    return counted(order, program.tax_basis, before).minor

"""One customer's points into another's account, lot by lot with their dates. Pure; time is an argument.

Nothing is earned, lost or shortened: what one account loses the other gains, and afterwards the first is empty. The
entries come in pairs, so that the account between them ("customers") stays at zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from plugin.loyalty.lots import Book, Entry, Lot, fifo


class Merge(NamedTuple):
    """Who became whom and when; `times` tells this moving of points from an earlier one."""

    from_id: int
    into_id: int
    merged_at: datetime
    times: int


@dataclass
class Moved:
    """What went over: ids of lots that only change hands, and of lots whose redemptions go to another lot."""

    lots: list[int] = field(default_factory=list)
    folded: dict[int, int] = field(default_factory=dict)


def move(merge: Merge, one: Book, other: Book, uses: Mapping[int, int], now: datetime) -> Moved:
    """Everything in `one` goes to `other`; `uses` is what redemptions that stand took, by lot.

    Loaded must be all lots of `one`, the open ones of `other`, and those of `other` for the same orders.
    """
    moved = Moved()
    for book in (one, other):
        book.bring_up_to(now)
    twins = {lot.order_id: lot for lot in other.lots if lot.order_id is not None}
    lots = sorted(one.lots, key=fifo)
    for lot in lots:
        if lot.order_id in twins:
            moved.folded[lot.id or 0] = twins[lot.order_id].id or 0
            _fold(merge, one, other, lot, twins[lot.order_id], uses, now)
    for lot in lots:
        if lot.order_id not in twins:
            moved.lots.append(lot.id or 0)
            _hand_over(merge, one, other, lot)
    other.bring_up_to(now)
    _owe(merge, one, other, now)
    return moved


def _fold(merge: Merge, one: Book, other: Book, lot: Lot, twin: Lot, uses: Mapping[int, int], now: datetime) -> None:
    """The order's points came over before, by taking them back here and earning them there.

    What had been spent of them was taken back from other lots, or became a debt: that is undone here, and spent there.
    """
    if lot.remaining:
        out, into = _pair(merge, lot, -lot.remaining, "lot")
        one.available, one.pending = _less(one, lot, lot.remaining)
        other.earn(twin, into, now)
        one.post(out)
    taken = _taken(one, uses, exclude={lot.order_id for lot in other.lots})
    back = min(uses.get(lot.id or 0, 0), one.debt + sum(points for _, points in taken))
    lot.granted = lot.remaining = lot.expired = 0
    lot.changed = True
    if back:
        back_here, out_there = _pair(merge, lot, back, "spent")
        one.post(back_here)
        _put_back(one, taken, back)
        other.claw(twin, out_there, now)
        twin.granted += back


def _taken(book: Book, uses: Mapping[int, int], exclude: set[int | None]) -> list[tuple[Lot, int]]:
    """What lots lost beside redemptions and expiry: to debts and to points taken back for orders. The last to expire
    gets its points back first, because the first had to give first."""
    lost = [
        (lot, lot.granted - lot.remaining - lot.expired - uses.get(lot.id or 0, 0))
        for lot in book.lots
        if lot.order_id is None or lot.order_id not in exclude
    ]
    return sorted((pair for pair in lost if pair[1] > 0), key=lambda pair: fifo(pair[0]), reverse=True)


def _put_back(book: Book, taken: list[tuple[Lot, int]], points: int) -> None:
    paid = min(book.debt, points)
    book.debt -= paid
    points -= paid
    for lot, lost in taken:
        back = min(lost, points)
        lot.remaining += back
        lot.changed = True
        book.available += back
        points -= back


def _hand_over(merge: Merge, one: Book, other: Book, lot: Lot) -> None:
    points = lot.remaining
    one.lots.remove(lot)
    other.lots.append(lot)
    lot.customer_id = other.customer_id
    lot.changed = one.changed = other.changed = True
    if not points:
        return
    one.available, one.pending = _less(one, lot, points)
    if lot.pending:
        other.pending += points
    else:
        lot.remaining -= other.pay_debt(points)
        other.available += lot.remaining
    for book, entry in zip((one, other), _pair(merge, lot, -points, "lot"), strict=True):
        book.post(entry)


def _owe(merge: Merge, one: Book, other: Book, now: datetime) -> None:
    owed, one.debt = one.debt, 0
    if owed:
        here, there = _pair(merge, None, owed, "debt")
        one.post(here)
        other.claw(None, there, now)


def _less(book: Book, lot: Lot, points: int) -> tuple[int, int]:
    """Available and pending without these points of a lot."""
    return (book.available, book.pending - points) if lot.pending else (book.available - points, book.pending)


def _pair(merge: Merge, lot: Lot | None, points: int, what: str) -> tuple[Entry, Entry]:
    """The entry of the account that is left and its counterpart; `points` are those of the first."""
    key = f"transfer:{merge.from_id}:{merge.into_id}:{merge.times}:{lot.id if lot else 0}:{what}"
    told: dict[str, Any] = {"from": merge.from_id, "into": merge.into_id, "merged_at": merge.merged_at.isoformat()}
    dates = (lot.available_at, lot.expires_at) if lot else (None, None)

    def entry(customer_id: int, points: int, side: str) -> Entry:
        return Entry(
            customer_id,
            "transfer",
            points,
            "customers",
            f"{key}:{side}",
            merge.merged_at,
            told | {"points": points, "what": what},
            order_id=lot.order_id if lot else None,
            available_at=dates[0] if points > 0 else None,
            expires_at=dates[1] if points > 0 else None,
        )

    return entry(merge.from_id, points, "from"), entry(merge.into_id, -points, "into")

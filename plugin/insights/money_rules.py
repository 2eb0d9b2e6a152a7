"""From movements of the ledger to months that add up: opening + issued − spent − expired − taken back = closing. Pure.

Points as customers hold them: available and pending, less what is owed. A counter account has the other side of every
movement, so the balances of all accounts and the customers' together are zero at every moment.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple

ISSUED: Final = frozenset(("earn", "bonus", "import"))
SPENT: Final = frozenset(("redeem", "return"))
EXPIRED: Final = frozenset(("expire", "unexpire"))
TAKEN_BACK: Final = frozenset(("claw", "unbonus", "forgive"))


class Movement(NamedTuple):
    """What moved in one month by one kind against one counter account; `plus` came to customers, `minus` left them."""

    month: date
    kind: str
    counter_account: str
    plus: int
    minus: int

    @property
    def net(self) -> int:
        return self.plus - self.minus


@dataclass(frozen=True)
class Month:
    """One month of points. `other` are transfers between customers and kinds this release does not know."""

    first_day: date
    opening: int
    issued: int
    spent: int
    expired: int
    taken_back: int
    other: int

    @property
    def closing(self) -> int:
        return self.opening + self.issued - self.spent - self.expired - self.taken_back + self.other


class Balance(NamedTuple):
    """One account in one month, from its own side."""

    month: date
    account: str
    opening: int
    movement: int

    @property
    def closing(self) -> int:
        return self.opening + self.movement


CUSTOMERS: Final = "customers' balances"


def months(movements: Iterable[Movement], last: date) -> list[Month]:
    """Every month from the first movement to `last`, the first day of a month; those without any are there too."""
    of_month: dict[date, list[Movement]] = defaultdict(list)
    for movement in movements:
        of_month[movement.month].append(movement)
    found: list[Month] = []
    opening = 0
    for first_day in _calendar(of_month, last):
        found.append(_month(first_day, opening, of_month.get(first_day, ())))
        opening = found[-1].closing
    return found


def _month(first_day: date, opening: int, moved: Sequence[Movement]) -> Month:
    given = sum(each.plus for each in moved if each.kind == "adjust")
    taken = sum(each.minus for each in moved if each.kind == "adjust")
    month = Month(
        first_day=first_day,
        opening=opening,
        issued=_net(moved, ISSUED) + given,
        spent=-_net(moved, SPENT),
        expired=-_net(moved, EXPIRED),
        taken_back=taken - _net(moved, TAKEN_BACK),
        other=sum(each.net for each in moved if each.kind not in ISSUED | SPENT | EXPIRED | TAKEN_BACK | {"adjust"}),
    )
    return month


def _net(moved: Iterable[Movement], kinds: frozenset[str]) -> int:
    return sum(each.net for each in moved if each.kind in kinds)


def balances(movements: Sequence[Movement], last: date) -> list[Balance]:
    """Each counter account month by month, and the customers' side of all of them."""
    moved: dict[tuple[str, date], int] = defaultdict(int)
    for each in movements:
        moved[each.counter_account, each.month] -= each.net
        moved[CUSTOMERS, each.month] += each.net
    found = []
    calendar = _calendar({each.month for each in movements}, last)
    for account in sorted({account for account, _ in moved}):
        opening = 0
        for month in calendar:
            found.append(Balance(month, account, opening, moved.get((account, month), 0)))
            opening = found[-1].closing
    return found


def _calendar(there: Iterable[date], last: date) -> list[date]:
    first = min(there, default=last)
    ends = max([*there, last]) if there else last
    months = (ends.year - first.year) * 12 + ends.month - first.month
    return [later(first, count) for count in range(months + 1)]


def later(month: date, count: int) -> date:
    """The first day of the month so many months later."""
    index = month.year * 12 + month.month - 1 + count
    return date(index // 12, index % 12 + 1, 1)

"""What orders are worth, calculated again and apart from the product's code: one line an order, one currency."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

PRICE, DISCOUNT = 9_99, 1_01
LADDER = ((60_00, 3, 2), (25_00, 5, 4))  # from this spend, so many points for so many
WINDOW = timedelta(days=365)


@dataclass
class Bought:
    """An order as the machine knows it; `left` is what the store last said is left of the line."""

    id: int
    customer_id: int
    moment: datetime
    quantity: int
    left: int
    cancelled_at: datetime | None = None
    paid: bool = True
    returns: list[datetime] = field(default_factory=list)  # a unit each
    money: list[tuple[datetime, int]] = field(default_factory=list)

    @property
    def net(self) -> int:
        return PRICE * self.quantity - DISCOUNT

    def counts(self, before: datetime | None) -> bool:
        gone = self.cancelled_at is not None and (before is None or self.cancelled_at < before)
        return self.paid and not gone

    def minor(self, before: datetime | None = None) -> int:
        """Money that counts, with only the refunds before a moment; money without goods comes off after edits."""
        if not self.counts(before):
            return 0
        after_edits = min(self.quantity, self.left + len(self.returns))
        units = max(0, after_edits - sum(1 for moment in self.returns if before is None or moment < before))
        kept = self.net * units // self.quantity
        edited = self.net - self.net * after_edits // self.quantity
        money = sum(amount for moment, amount in self.money if before is None or moment < before)
        return kept - min(max(0, money - edited), kept)


def spend(orders: list[Bought], customer_id: int, moment: datetime, before_id: int) -> int:
    """What a customer spent in the window that ends just before an order."""
    within = [each for each in orders if each.customer_id == customer_id and moment - WINDOW <= each.moment]
    return sum(each.minor(moment) for each in within if (each.moment, each.id) < (moment, before_id))


def rate(spent: int) -> tuple[int, int]:
    return next(((num, den) for threshold, num, den in LADDER if spent >= threshold), (1, 1))


def worth(orders: list[Bought], bought: Bought, versions: list[tuple[datetime, int]]) -> int:
    """Points of an order: the rule of its own day, the tier of its own moment, rounded down once."""
    points = next(points for begins, points in reversed(versions) if begins <= bought.moment)
    if bought.cancelled_at is not None or not bought.paid:
        return 0
    num, den = rate(spend(orders, bought.customer_id, bought.moment, bought.id))
    return bought.minor() * points * num // (100 * den)

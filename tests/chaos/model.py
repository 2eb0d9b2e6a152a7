"""What must be true, told by nothing but what happened in the stores. Pure Python, written apart from the product.

An order is worth `floor(money that counts x rate)`, the money being what is left of its lines, the rate that of the
tier its customer had just before it. A customer's points are the worth of all orders minus what was redeemed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

Body = Mapping[str, Any]

POINTS, PER_MINOR = 3, 100
# From so much spend, points are multiplied by so much.
TIERS: Final = (("Bronze", 0, 1, 1), ("Silver", 200_00, 5, 4), ("Gold", 600_00, 3, 2))
PAID: Final = {"paid", "partially_refunded", "refunded"}


@dataclass(frozen=True)
class Account:
    """Points a customer has earned in all, with today's tier and the spend behind it."""

    earned: int
    tier: str
    spend_minor: int


def minor(amount: str) -> int:
    return int(amount.replace(".", ""))


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def counts(order: Body, deleted: Iterable[int], before: datetime | None = None) -> bool:
    """Whether the order counts at all, now or as things stood just before a moment."""
    cancelled = order["cancelled_at"]
    if cancelled and (before is None or moment(cancelled) < before):
        return False
    return order["id"] not in deleted and order["financial_status"] in PAID and not order["test"]


def counted(order: Body, before: datetime | None = None) -> int:
    """Money that counts, in minor units; with `before`, only what came back before that moment is taken off."""
    ever: dict[int, int] = defaultdict(int)
    by_then: dict[int, int] = defaultdict(int)
    for refund in order["refunds"]:
        for line in refund["refund_line_items"]:
            ever[line["line_item_id"]] += line["quantity"]
            if before is None or moment(refund["processed_at"]) < before:
                by_then[line["line_item_id"]] += line["quantity"]
    money = 0
    for line in order["line_items"]:
        worth = minor(line["price"]) * line["quantity"] - sum(
            minor(each["amount"]) for each in line["discount_allocations"]
        )
        left = line["current_quantity"] + ever[line["id"]] - by_then[line["id"]]
        money += worth * left // line["quantity"]
    return money


def spend(orders: Iterable[Body], deleted: Iterable[int], at: tuple[datetime, int] | None) -> int:
    """A customer's spend just before a position (moment, order id), or with None all of it as it is now."""
    before = at[0] if at else None
    return sum(
        counted(order, before)
        for order in orders
        if counts(order, deleted, before) and (at is None or (moment(order["processed_at"]), order["id"]) < at)
    )


def tier(spent: int) -> tuple[str, int, int]:
    """Name and rate of the highest tier reached."""
    name, _, num, den = max((each for each in TIERS if spent >= each[1]), key=lambda each: each[1])
    return name, num, den


def worth(order: Body, orders: Iterable[Body], deleted: Iterable[int]) -> int:
    """Points of one order, given all orders of its customer."""
    if not counts(order, deleted):
        return 0
    _, num, den = tier(spend(orders, deleted, (moment(order["processed_at"]), order["id"])))
    return counted(order) * POINTS * num // (PER_MINOR * den)


def accounts(orders: Iterable[Body], deleted: Iterable[int]) -> tuple[dict[int, Account], dict[int, int]]:
    """Accounts by customer, and points by order."""
    of: dict[int, list[Body]] = defaultdict(list)
    for order in orders:
        of[order["customer"]["id"]].append(order)
    points = {order["id"]: worth(order, mine, deleted) for mine in of.values() for order in mine}
    found = {}
    for customer, mine in of.items():
        spent = spend(mine, deleted, None)
        found[customer] = Account(sum(points[order["id"]] for order in mine), tier(spent)[0], spent)
    return found, points

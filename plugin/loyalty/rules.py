"""What an order is worth in points: pure arithmetic on integers.

An order's worth is a function of its present state alone, so partial refunds in any order take back exactly what their
units earned: the counted money of the units that are left is floor(line × left / bought), and points are rounded down
once an order, after rate and tier.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

# Which money counts when tax is involved: prices as the store shows them, with tax, or without it.
TAX_BASES: Final = ("shown", "with", "without")
_PAID: Final = frozenset(("paid", "partially_refunded", "refunded"))


class Line(NamedTuple):
    """One line of an order. Money for `quantity` units, but `price_minor` for one, before discounts."""

    id: int
    quantity: int
    current_quantity: int
    price_minor: int
    discount_minor: int
    tax_minor: int
    gift_card: bool = False


class Return(NamedTuple):
    """Units of a line that were refunded."""

    moment: datetime
    line_id: int
    quantity: int


class MoneyBack(NamedTuple):
    """Money refunded without goods, tax included."""

    moment: datetime
    amount_minor: int


class OrderState(NamedTuple):
    """An order as the mirror has it, as far as points depend on it. Moments are UTC."""

    id: int
    customer_id: int | None
    moment: datetime | None
    currency: str
    financial_status: str | None
    test: bool
    cancelled_at: datetime | None
    deleted_at: datetime | None
    taxes_included: bool
    lines: tuple[Line, ...]
    returns: tuple[Return, ...] = ()
    money_back: tuple[MoneyBack, ...] = ()


class TierRules(NamedTuple):
    """A tier of a program version: from `threshold_minor` of spend, points are multiplied by rate_num/rate_den."""

    id: int
    name: str
    threshold_minor: int
    rate_num: int
    rate_den: int


class ProgramRules(NamedTuple):
    """One program version; tiers by rising threshold. Valid over [valid_from, valid_to) of an order's moment."""

    id: int
    version: int
    name: str
    points_one: str
    points_many: str
    currency: str
    earn_points: int
    earn_per_minor: int
    return_days: int
    expiry_days: int | None
    tier_days: int
    tax_basis: str
    paused: bool
    valid_from: datetime
    valid_to: datetime | None
    tiers: tuple[TierRules, ...] = ()


class Counted(NamedTuple):
    """The money of an order that counts, and how it came about; minor units of the order's currency."""

    goods_minor: int  # what was bought, after discounts and edits, without gift cards
    returned_minor: int  # of it, what went back as goods
    money_back_minor: int  # of it, what went back as money alone
    gift_cards_minor: int  # bought beside it, never counted

    @property
    def minor(self) -> int:
        return self.goods_minor - self.returned_minor - self.money_back_minor


def program_at(programs: tuple[ProgramRules, ...], moment: datetime | None) -> ProgramRules | None:
    """The version in force at a moment; None before the first and in gaps."""
    if moment is None:
        return None
    for program in programs:
        if program.valid_from <= moment and (program.valid_to is None or moment < program.valid_to):
            return program
    return None


def tier_for(spend_minor: int, tiers: tuple[TierRules, ...]) -> TierRules | None:
    """The highest tier whose threshold the spend reaches; `tiers` by rising threshold."""
    reached = None
    for tier in tiers:
        if spend_minor >= tier.threshold_minor:
            reached = tier
    return reached


def next_tier(spend_minor: int, tiers: tuple[TierRules, ...]) -> TierRules | None:
    """The next tier up, None at the top."""
    return next((tier for tier in tiers if tier.threshold_minor > spend_minor), None)


def why_not(order: OrderState, program: ProgramRules | None) -> str | None:
    """The reason why an order earns nothing at all, or None."""
    if order.deleted_at is not None:
        return "deleted"
    if order.test:
        return "test"
    if order.cancelled_at is not None:
        return "cancelled"
    if (order.financial_status or "").lower() not in _PAID:
        return "not_paid"
    if program is None:
        return "no_program"
    if program.paused:
        return "paused"
    if order.currency != program.currency:
        return "other_currency"
    return None


def counted(order: OrderState, tax_basis: str, before: datetime | None = None) -> Counted:
    """The money that counts, in the present state or with only the refunds dated before a moment.

    Edits have no date: they count in both. Money refunded without goods comes off pro rata over everything that is
    left, gift cards included, after what covered units that an edit took out.
    """
    if not order.returns and not order.money_back:
        untouched = _untouched(order, tax_basis)
        if untouched is not None:
            return untouched
    returned, all_returned = _returned(order, before)
    goods = kept = gift_cards = gross_left = gross_edited = 0
    for line in order.lines:
        if line.quantity <= 0:
            continue
        after_edits = min(line.quantity, line.current_quantity + all_returned.get(line.id, 0))
        left = max(0, after_edits - returned.get(line.id, 0))
        worth, gross = _worth(line, order.taxes_included, tax_basis)
        gross_left += gross * left // line.quantity
        gross_edited += gross - gross * after_edits // line.quantity
        if line.gift_card:
            gift_cards += worth * left // line.quantity
            continue
        goods += worth * after_edits // line.quantity
        kept += worth * left // line.quantity
    money = sum(back.amount_minor for back in order.money_back if before is None or back.moment < before)
    back = min(max(0, money - gross_edited), gross_left)
    taken = kept * back // gross_left if gross_left else 0
    return Counted(goods, goods - kept, taken, gift_cards)


def _untouched(order: OrderState, tax_basis: str) -> Counted | None:
    """The short way for an order that nothing happened to, which is nearly every one; None for others."""
    goods = gift_cards = 0
    for line in order.lines:
        if line.current_quantity < line.quantity:
            return None
        worth, _ = _worth(line, order.taxes_included, tax_basis)
        if line.gift_card:
            gift_cards += worth
        elif line.quantity > 0:
            goods += worth
    return Counted(goods, 0, 0, gift_cards)


def _returned(order: OrderState, before: datetime | None) -> tuple[dict[int, int], dict[int, int]]:
    if not order.returns:
        return _NOTHING, _NOTHING
    by_then: dict[int, int] = {}
    ever: dict[int, int] = {}
    for back in order.returns:
        ever[back.line_id] = ever.get(back.line_id, 0) + back.quantity
        if before is None or back.moment < before:
            by_then[back.line_id] = by_then.get(back.line_id, 0) + back.quantity
    return by_then, ever


_NOTHING: Final[dict[int, int]] = {}


def _worth(line: Line, taxes_included: bool, tax_basis: str) -> tuple[int, int]:
    """What the whole line counts, and what was paid for it with tax."""
    net = line.price_minor * line.quantity - line.discount_minor
    if net < 0:
        net = 0
    if tax_basis == "shown" and not line.tax_minor:
        return net, net
    paid = net if taxes_included else net + line.tax_minor
    if tax_basis == "with":
        return paid, paid
    if tax_basis == "without":
        return max(0, paid - line.tax_minor), paid
    return net, paid


def points_of(counted_minor: int, program: ProgramRules, tier: TierRules | None) -> int:
    """Points for counted money: rate times tier, rounded down once."""
    numerator, denominator = rate_of(program, tier)
    return counted_minor * numerator // denominator


def rate_of(program: ProgramRules, tier: TierRules | None) -> tuple[int, int]:
    """Points per minor unit, as an exact fraction."""
    if tier is None:
        return program.earn_points, program.earn_per_minor
    return program.earn_points * tier.rate_num, program.earn_per_minor * tier.rate_den


def explained(
    order: OrderState,
    program: ProgramRules | None,
    tier: TierRules | None,
    spend_minor: int,
    money: Counted | None,
    posted: int,
    target: int,
) -> dict[str, Any]:
    """An order's points as data: inputs and each step. `target = floor(counted_minor × rate)`; never personal data."""
    why = why_not(order, program)
    told: dict[str, Any] = {"posted": posted, "target": target, "points": target - posted}
    if why is not None or program is None or money is None:
        return told | {"why": why or "other_customer"}
    numerator, denominator = rate_of(program, tier)
    return told | {
        "program": program.version,
        "currency": program.currency,
        "tax": program.tax_basis,
        "goods_minor": money.goods_minor,
        "returned_minor": money.returned_minor,
        "money_back_minor": money.money_back_minor,
        "gift_cards_minor": money.gift_cards_minor,
        "counted_minor": money.minor,
        "earn": [program.earn_points, program.earn_per_minor],
        "tier": None if tier is None else {"name": tier.name, "rate": [tier.rate_num, tier.rate_den]},
        "spend_minor": spend_minor,
        "window_days": program.tier_days,
        "exact": [money.minor * numerator, denominator],
    }


def days_later(moment: datetime, days: int, timezone: str) -> datetime:
    """The same wall-clock time so many days later (or earlier) in the shop's time zone, as UTC.

    A day with a clock change is 23 or 25 hours long, as people count; a time that the change skips moves on with it.
    """
    local = moment.astimezone(_zone(timezone)) + timedelta(days=days)
    return local.astimezone(_UTC)


@cache
def _zone(timezone: str) -> ZoneInfo:
    return ZoneInfo(timezone)


_UTC: Final = ZoneInfo("UTC")


def available_at(moment: datetime, program: ProgramRules, timezone: str) -> datetime:
    """When points of an order can be spent: once its return window has closed."""
    return days_later(moment, program.return_days, timezone)


def expires_at(available: datetime, program: ProgramRules, timezone: str) -> datetime | None:
    """When points are lost unless spent, counted from the day they became available; None for never."""
    return None if program.expiry_days is None else days_later(available, program.expiry_days, timezone)


class Example(NamedTuple):
    """An order worked through for the panel: `points = floor(base × tier)`."""

    order_minor: int
    numerator: int
    denominator: int
    points: int


def example(order_minor: int, program: ProgramRules, tier: TierRules | None = None) -> Example:
    """What an order of so much would earn."""
    numerator, denominator = rate_of(program, tier)
    return Example(order_minor, numerator, denominator, points_of(order_minor, program, tier))

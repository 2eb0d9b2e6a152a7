"""What the rules of loyalty are about: orders as they count, program versions, tiers, dates. Pure; time is an argument.

What an order is worth is in counting.py, where a customer stands in standing.py.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from plugin.loyalty import holdout
from plugin.loyalty.document import PLAIN, Document
from plugin.loyalty.tiers.terms import SIMPLE, TierTerms

# Which money counts when tax is involved: prices as the store shows them, with tax, or without it.
TAX_BASES: Final = ("shown", "with", "without")
# The day of points that wait for their order to be fulfilled: later than all others.
WHEN_FULFILLED: Final = datetime(9000, 1, 1, tzinfo=UTC)
_PAID: Final = frozenset(("paid", "partially_refunded", "refunded"))


class Ware(NamedTuple):
    """What a line sold, as far as rules ask; tags and collections as they were when the order was first settled."""

    product_id: int | None
    vendor: str | None
    tags: frozenset[str] = frozenset()
    collections: frozenset[int] = frozenset()


class Line(NamedTuple):
    """One line of an order. Money for `quantity` units, but `price_minor` for one, before discounts."""

    id: int
    quantity: int
    current_quantity: int
    price_minor: int
    discount_minor: int
    tax_minor: int
    gift_card: bool = False
    ware: Ware | None = None  # read only for programmes that ask


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
    """An order as the mirror has it, as far as points depend on it. Moments are UTC.

    What stands after `money_back` is read only for programmes that ask for it. `customer_tags` are those that rules
    name, as they were when the order was first settled.
    """

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
    shipping_minor: int = 0
    shipping_back: tuple[MoneyBack, ...] = ()
    points_paid_minor: int = 0  # what codes bought with points took off
    fulfilled_at: datetime | None = None  # when the last of it was fulfilled; None while something is left
    customer_tags: frozenset[str] = frozenset()
    joined: bool | None = None  # what the customer had said about the programme by then; None: nothing


class TierRules(NamedTuple):
    """A tier of a program version: from `threshold_minor` of spend, points are multiplied by rate_num/rate_den.

    `origin` is the same for a tier in all versions, whatever it is called.
    """

    id: int
    name: str
    threshold_minor: int
    rate_num: int
    rate_den: int
    origin: int = 0
    terms: TierTerms = SIMPLE


class ProgramRules(NamedTuple):
    """One program version; tiers from the lowest up. Valid over [valid_from, valid_to) of an order's moment."""

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
    document: Document = PLAIN
    holdout_salt: int | None = None


def program_at(programs: tuple[ProgramRules, ...], moment: datetime | None) -> ProgramRules | None:
    """The version in force at a moment; None before the first and in gaps."""
    if moment is None:
        return None
    for program in programs:
        if program.valid_from <= moment and (program.valid_to is None or moment < program.valid_to):
            return program
    return None


def tier_for(spend_minor: int, tiers: tuple[TierRules, ...]) -> TierRules | None:
    """The highest tier whose threshold the spend reaches, of those not only staff give; from the lowest up."""
    for tier in reversed(tiers):
        if spend_minor >= tier.threshold_minor and not tier.terms.manual:
            return tier
    return None


def next_tier(spend_minor: int, tiers: tuple[TierRules, ...]) -> TierRules | None:
    """The next tier up, None at the top."""
    return next((tier for tier in tiers if tier.threshold_minor > spend_minor), None)


def why_not(order: OrderState, program: ProgramRules | None) -> str | None:
    """The reason why an order earns nothing at all, or None."""
    return not_counted(order, program) or (program and not_entitled(order, program))


def not_entitled(order: OrderState, program: ProgramRules) -> str | None:
    """The reason why whoever placed an order gets nothing for it, or None. Their spend counts all the same."""
    if not order.customer_tags.isdisjoint(folded(program.document.earn.excluded.customer_tags)):
        return "excluded_customer"
    if not is_member(program, order.joined):
        return "no_member"
    return "holdout" if order.customer_id and is_held_out(program, order.customer_id) else None


def is_member(program: ProgramRules, joined: bool | None) -> bool:
    """Whether somebody takes part; `joined` is their last word, None when they never said one."""
    return program.document.join == "automatic" if joined is None else joined


def is_held_out(program: ProgramRules, customer_id: int) -> bool:
    """Whether a customer gets no benefits under a version, so that what it brings can be measured."""
    percent, salt = program.document.holdout.percent, program.holdout_salt
    return bool(percent and salt) and holdout.arm(salt or 0, percent, customer_id) == holdout.HOLDOUT


def not_counted(order: OrderState, program: ProgramRules | None) -> str | None:
    """The reason why an order counts for nobody, or None."""
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
    if order.currency != program.currency and order.currency not in program.document.earn.rates:
        return "other_currency"
    return None


@cache
def folded(words: tuple[str, ...]) -> frozenset[str]:
    """Tags as they are compared: without regard to case."""
    return frozenset(word.strip().casefold() for word in words)


def days_later(moment: datetime, days: int, timezone: str) -> datetime:
    """The same wall-clock time so many days later (or earlier) in the shop's time zone, as UTC.

    A day with a clock change is 23 or 25 hours long, as people count; a time that the change skips moves on with it.
    """
    return (in_zone(moment, timezone) + timedelta(days=days)).astimezone(UTC)


def in_zone(moment: datetime, timezone: str) -> datetime:
    """The moment on the clocks of a time zone."""
    return moment.astimezone(_zone(timezone))


def next_turn(moment: datetime, timezone: str) -> datetime:
    """The first turn of a year after a moment, on the shop's clocks."""
    local = in_zone(moment, timezone)
    turn = local.replace(year=local.year + 1, month=1, day=1, hour=0, minute=0, second=0, microsecond=0, fold=0)
    return turn.astimezone(UTC)


@cache
def _zone(timezone: str) -> ZoneInfo:
    return ZoneInfo(timezone)


def available_at(order: OrderState, program: ProgramRules, timezone: str) -> datetime:
    """When points of an order can be spent: once its return window has closed, or WHEN_FULFILLED."""
    assert order.moment is not None
    begins = order.moment if program.document.earn.available == "days" else order.fulfilled_at
    return WHEN_FULFILLED if begins is None else days_later(begins, program.return_days, timezone)


def expires_at(available: datetime, program: ProgramRules, timezone: str) -> datetime | None:
    """When points are lost unless spent, counted from the day they became available; None for never."""
    if program.expiry_days is None or available == WHEN_FULFILLED:
        return None
    return days_later(available, program.expiry_days, timezone)

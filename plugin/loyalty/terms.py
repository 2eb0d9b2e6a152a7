"""What a reward is and what it gives: its terms, the price of one purchase, and whether it may be bought now. Pure.

A reward costs `cost_points` and is worth `value_minor`, where its kind has a value of its own. With `chosen` the buyer
says how many points: every `cost_points` of them are worth `value_minor`, in between in proportion, rounded down.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Final, Literal, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from plugin.errors import Invalid

Kind = Literal["amount_off", "percent_off", "free_shipping", "free_product", "gift_card", "store_credit"]
KINDS: Final[tuple[Kind, ...]] = (
    "amount_off", "percent_off", "free_shipping", "free_product", "gift_card", "store_credit",
)  # fmt: skip
MONEY_KINDS: Final = ("amount_off", "gift_card", "store_credit")  # their value is an amount; it may be chosen
DISCOUNTS: Final = ("amount_off", "percent_off", "free_shipping", "free_product")  # a code of the store's discounts
Period = Literal["ever", "day", "week", "month", "year"]
PERIODS: Final[tuple[Period, ...]] = ("ever", "day", "week", "month", "year")
Class = Literal["order", "product", "shipping"]  # the store's classes of discounts
WHOLE: Final = 10_000  # basis points of everything


class Chosen(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The shopper chooses how many points, from `least` to `most`."""

    least: int
    most: int


class Terms(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What not every reward has. An empty document is a personal amount off any order."""

    percent_bp: int = 0  # percent_off: 1000 is 10 %
    product_id: int = 0  # free_product
    variant_id: int = 0
    chosen: Chosen | None = None
    products: tuple[int, ...] = ()  # the discount counts for these alone
    collections: tuple[int, ...] = ()
    combines: tuple[Class, ...] = ("product", "shipping")  # with which other discounts it may be used
    comes_back: bool = False  # unused points return when the code runs out; else they are lost
    keep: bool = False  # the shopper cannot take it back; staff always can
    per_customer: int | None = None  # so often at most
    per_period: Period = "ever"
    stock: int | None = None  # so many in all
    budget_minor: int | None = None  # so much a month
    cost_minor: int | None = None  # what one costs the shop, where the merchant says so
    starts_at: datetime | None = None
    ends_at: datetime | None = None


class Offer(NamedTuple):
    """One purchase: points out, worth that much. `value_minor` is 0 where the order decides."""

    points: int
    value_minor: int


class Stand(StrEnum):
    """How a reward stands. Only an `active` one can be bought."""

    ACTIVE = "active"
    PAUSED = "paused"
    SCHEDULED = "scheduled"
    ENDED = "ended"
    SOLD_OUT = "sold_out"
    BUDGET = "budget"
    ARCHIVED = "archived"


class Limits(NamedTuple):
    """What a tally says: `left` of the stock and of the month's budget; None where there is no limit."""

    left: int | None = None
    budget_left_minor: int | None = None
    each_minor: int | None = None  # what one is expected to cost


def read(raw: dict[str, Any]) -> Terms:
    """Raises msgspec.ValidationError for a document that a newer release wrote."""
    return msgspec.convert(raw, Terms) if raw else Terms()


def written(terms: Terms) -> dict[str, Any]:
    """As it is kept: JSON values, defaults left out."""
    kept: dict[str, Any] = msgspec.to_builtins(terms)
    return kept


def offer(cost_points: int, value_minor: int, terms: Terms, points: int | None = None) -> Offer:
    """What `points` buy; None is what the reward costs. Raises Invalid for a number that cannot be chosen."""
    if terms.chosen is None:
        if points not in (None, cost_points):
            raise Invalid("This reward costs %(points)s points.", "points", points=cost_points)
        return Offer(cost_points, value_minor)
    wanted = terms.chosen.least if points is None else points
    if not terms.chosen.least <= wanted <= terms.chosen.most:
        least, most = terms.chosen.least, terms.chosen.most
        raise Invalid("Choose between %(least)s and %(most)s points.", "points", least=least, most=most)
    return Offer(wanted, wanted * value_minor // cost_points)


def cost(kind: str, offered: Offer, terms: Terms, each_minor: int | None) -> int:
    """What one purchase is expected to cost the shop, in minor units.

    Money costs what it is worth; a product what the merchant pays for it, else its price; a percentage what such codes
    took off so far, or of an average order; shipping what the merchant says.
    """
    if kind in MONEY_KINDS:
        return offered.value_minor
    if terms.cost_minor is not None:
        return terms.cost_minor
    return each_minor if each_minor is not None else offered.value_minor


def measured(kind: str, expected_minor: int, value_minor: int, percent_bp: int, order: tuple[int, int]) -> int:
    """What a used code cost, from its order's (goods after discounts, all discounts), in minor units.

    Never more than what the order's discounts took off in all; goods and shipping cost what was expected.
    """
    goods, discounts = order
    if kind == "amount_off":
        return min(value_minor, discounts) if discounts else value_minor
    if kind == "percent_off":
        return min(-(-(goods + discounts) * percent_bp // WHOLE), discounts)
    return expected_minor


def stand(active: bool, archived: bool, terms: Terms, limits: Limits, least_cost_minor: int, now: datetime) -> Stand:
    """How a reward stands at a moment; its window is half-open."""
    if archived:
        return Stand.ARCHIVED
    if not active:
        return Stand.PAUSED
    if terms.starts_at is not None and now < terms.starts_at:
        return Stand.SCHEDULED
    if terms.ends_at is not None and now >= terms.ends_at:
        return Stand.ENDED
    if limits.left is not None and limits.left <= 0:
        return Stand.SOLD_OUT
    if limits.budget_left_minor is not None and limits.budget_left_minor < least_cost_minor:
        return Stand.BUDGET
    return Stand.ACTIVE


def month_of(moment: datetime, timezone: str) -> date:
    """The first day of the month in the shop's time zone."""
    return moment.astimezone(ZoneInfo(timezone)).date().replace(day=1)


def since(period: Period, moment: datetime, timezone: str) -> datetime | None:
    """When the period around `moment` began in the shop's time zone, as UTC; weeks begin on Monday. None: always."""
    local = moment.astimezone(ZoneInfo(timezone)).replace(hour=0, minute=0, second=0, microsecond=0)
    match period:
        case "day":
            first = local
        case "week":
            first = local - timedelta(days=local.weekday())
        case "month":
            first = local.replace(day=1)
        case "year":
            first = local.replace(month=1, day=1)
        case _:
            return None
    return first.replace(fold=0).astimezone(ZoneInfo("UTC"))

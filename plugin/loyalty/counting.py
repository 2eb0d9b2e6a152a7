"""What an order is worth in points: pure arithmetic on integers.

An order's worth is a function of its present state alone, so partial refunds in any order take back exactly what their
units earned: the counted money of the units that are left is floor(line × left / bought), and points are rounded
once an order, after rate, multipliers and tier.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, NamedTuple

from plugin.loyalty.document import PLAIN, Document, Goods, Multiplier, Ratio
from plugin.loyalty.rules import Line, OrderState, ProgramRules, TierRules, folded, in_zone, why_not


class Share(NamedTuple):
    """Money of an order that a multiplier applies to; `rule` None is the rest. Before what is taken off pro rata."""

    rule: Multiplier | None
    minor: int


class Counted(NamedTuple):
    """The money of an order that counts, and how it came about; minor units of the order's currency."""

    goods_minor: int  # what was bought, after edits, without gift cards unless they count; shipping where it counts
    returned_minor: int  # of it, what went back as goods
    money_back_minor: int  # of it, what went back as money alone
    gift_cards_minor: int  # bought beside it, not counted
    excluded_minor: int = 0  # bought beside it, and excluded by the rules
    points_paid_minor: int = 0  # of it, what was paid with points, where prices before discounts count
    shares: tuple[Share, ...] = ()  # how what is kept divides among multipliers; empty when none applies

    @property
    def minor(self) -> int:
        return self.goods_minor - self.returned_minor - self.money_back_minor - self.points_paid_minor


def counted(
    order: OrderState,
    tax_basis: str,
    before: datetime | None = None,
    document: Document = PLAIN,
    tier: TierRules | None = None,
    timezone: str = "UTC",
) -> Counted:
    """The money that counts, in the present state or with only the refunds dated before a moment.

    Edits have no date: they count in both. Money refunded without goods comes off pro rata over everything that is
    left, gift cards included, after what covered units that an edit took out.
    """
    if document.is_plain and not order.returns and not order.money_back:
        untouched = _untouched(order, tax_basis, document.earn.gift_cards)
        if untouched is not None:
            return untouched
    return _careful(order, tax_basis, before, document, tier, timezone)


def _careful(
    order: OrderState,
    tax_basis: str,
    before: datetime | None,
    document: Document,
    tier: TierRules | None,
    timezone: str,
) -> Counted:
    earn = document.earn
    rules = _of_the_moment(earn.multipliers, order.moment, tier, timezone)
    returned, all_returned = _returned(order, before)
    goods = kept = gift_cards = excluded = gross_left = gross_edited = 0
    shares: dict[Multiplier | None, int] = {}
    for line in order.lines:
        if line.quantity <= 0:
            continue
        after_edits = min(line.quantity, line.current_quantity + all_returned.get(line.id, 0))
        left = max(0, after_edits - returned.get(line.id, 0))
        worth, gross = _worth(line, order.taxes_included, tax_basis, earn.before_discounts)
        gross_left += gross * left // line.quantity
        gross_edited += gross - gross * after_edits // line.quantity
        here = worth * left // line.quantity
        if line.gift_card and not earn.gift_cards:
            gift_cards += here
            continue
        if belongs(line, earn.excluded.goods):
            excluded += here
            continue
        goods += worth * after_edits // line.quantity
        kept += here
        _add(shares, next((rule for rule in rules if _takes(rule, line)), None), here)
    if earn.shipping:
        shipped = max(0, order.shipping_minor - _dated(order.shipping_back, before))
        goods, kept, gross_left = goods + order.shipping_minor, kept + shipped, gross_left + shipped
        _add(shares, next((rule for rule in rules if not rule.goods.names_any), None), shipped)
    back = min(max(0, _dated(order.money_back, before) - gross_edited), gross_left)
    taken = kept * back // gross_left if gross_left else 0
    paid = min(order.points_paid_minor, goods) * kept // goods if earn.before_discounts and goods else 0
    divided = tuple(Share(rule, minor) for rule, minor in shares.items()) if any(shares) else ()
    return Counted(goods, goods - kept, taken, gift_cards, excluded, min(paid, kept - taken), divided)


def _add(shares: dict[Multiplier | None, int], rule: Multiplier | None, minor: int) -> None:
    shares[rule] = shares.get(rule, 0) + minor


def _dated(moved: tuple[Any, ...], before: datetime | None) -> int:
    return sum(back.amount_minor for back in moved if before is None or back.moment < before)


def _untouched(order: OrderState, tax_basis: str, gift_cards_count: bool) -> Counted | None:
    """The short way for an order that nothing happened to, which is nearly every one; None for others."""
    goods = gift_cards = 0
    for line in order.lines:
        if line.current_quantity < line.quantity:
            return None
        worth, _ = _worth(line, order.taxes_included, tax_basis)
        if line.gift_card and not gift_cards_count:
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


def _worth(line: Line, taxes_included: bool, tax_basis: str, before_discounts: bool = False) -> tuple[int, int]:
    """What the whole line counts, and what was paid for it with tax."""
    net = max(0, line.price_minor * line.quantity - line.discount_minor)
    paid = net if taxes_included else net + line.tax_minor
    if tax_basis == "shown":
        counts = net
    else:
        counts = paid if tax_basis == "with" else max(0, paid - line.tax_minor)
    return (counts + min(line.discount_minor, line.price_minor * line.quantity) if before_discounts else counts), paid


def belongs(line: Line, goods: Goods) -> bool:
    """Whether a line is some of these goods."""
    ware = line.ware
    if ware is None or not goods.names_any:
        return False
    return (
        ware.product_id in goods.products
        or not ware.tags.isdisjoint(folded(goods.tags))
        or not ware.collections.isdisjoint(goods.collections)
        or (ware.vendor is not None and ware.vendor in goods.vendors)
    )


def _takes(rule: Multiplier, line: Line) -> bool:
    return not rule.goods.names_any or belongs(line, rule.goods)


def _of_the_moment(
    rules: tuple[Multiplier, ...], moment: datetime | None, tier: TierRules | None, timezone: str
) -> list[Multiplier]:
    """The multipliers that an order of this moment and tier can have, in their order."""
    if not rules or moment is None:
        return []
    weekday = in_zone(moment, timezone).weekday()
    return [
        rule
        for rule in rules
        if (not rule.weekdays or weekday in rule.weekdays)
        and (rule.starts is None or rule.starts <= moment)
        and (rule.ends is None or moment < rule.ends)
        and (not rule.tiers or (tier is not None and tier.name in rule.tiers))
    ]


def points_of(money: Counted, currency: str, program: ProgramRules, tier: TierRules | None) -> int:
    """Points for counted money: rate times multipliers times tier, rounded once."""
    numerator, denominator = exact(money, currency, program, tier)
    return _rounded(numerator, denominator, program.document.earn.rounding)


def exact(money: Counted, currency: str, program: ProgramRules, tier: TierRules | None) -> tuple[int, int]:
    """Points before rounding, as a fraction. What came off pro rata comes off every share alike."""
    numerator, denominator = rate_of(program, tier, currency)
    kept = sum(share.minor for share in money.shares)
    if not kept:
        return money.minor * numerator, denominator
    weight, weight_den = 0, 1
    for share in money.shares:
        of_share = _factor(share.rule, program, tier)
        weight, weight_den = weight * of_share[1] + share.minor * of_share[0] * weight_den, weight_den * of_share[1]
    return weight * money.minor * numerator, weight_den * kept * denominator


def _factor(rule: Multiplier | None, program: ProgramRules, tier: TierRules | None) -> Ratio:
    """By how much a share's points are multiplied beside the rate, which has the tier's in it."""
    if rule is None:
        return 1, 1
    if tier is None or not program.document.earn.instead_of_tier:
        return rule.rate
    return rule.rate[0] * tier.rate_den, rule.rate[1] * tier.rate_num


def _rounded(numerator: int, denominator: int, rounding: str) -> int:
    if rounding == "up":
        return -(-numerator // denominator)
    if rounding == "nearest":  # a half goes up
        return (2 * numerator + denominator) // (2 * denominator)
    return numerator // denominator


def rate_of(program: ProgramRules, tier: TierRules | None, currency: str | None = None) -> Ratio:
    """Points per minor unit, as an exact fraction."""
    points, per_minor = program.earn_points, program.earn_per_minor
    if currency is not None and currency != program.currency:
        points, per_minor = program.document.earn.rates.get(currency, (points, per_minor))
    return (points, per_minor) if tier is None else (points * tier.rate_num, per_minor * tier.rate_den)


def explained(
    order: OrderState,
    program: ProgramRules | None,
    tier: TierRules | None,
    spend_minor: int,
    money: Counted | None,
    posted: int,
    target: int,
) -> dict[str, Any]:
    """An order's points as data: inputs and each step. `target = round(exact)`; never personal data."""
    why = why_not(order, program)
    told: dict[str, Any] = {"posted": posted, "target": target, "points": target - posted}
    if why is not None or program is None or money is None:
        return told | {"why": why or "other_customer"}
    points, per_minor = rate_of(program, None, order.currency)
    told |= {
        "program": program.version,
        "currency": order.currency,
        "tax": program.tax_basis,
        "goods_minor": money.goods_minor,
        "returned_minor": money.returned_minor,
        "money_back_minor": money.money_back_minor,
        "gift_cards_minor": money.gift_cards_minor,
        "counted_minor": money.minor,
        "earn": [points, per_minor],
        "tier": None if tier is None else {"name": tier.name, "rate": [tier.rate_num, tier.rate_den]},
        "spend_minor": spend_minor,
        "window_days": program.tier_days,
        "exact": list(exact(money, order.currency, program, tier)),
    }
    return told if program.document is PLAIN else told | _more(money, program)


def _more(money: Counted, program: ProgramRules) -> dict[str, Any]:
    """What only some programmes have to say."""
    earn = program.document.earn
    told: dict[str, Any] = {"rounding": earn.rounding}
    if money.excluded_minor:
        told["excluded_minor"] = money.excluded_minor
    if earn.before_discounts:
        told["points_paid_minor"] = money.points_paid_minor
    if money.shares:
        told["instead_of_tier"] = earn.instead_of_tier
        told["shares"] = [
            {"rule": share.rule.name if share.rule else None, "rate": list(share.rule.rate) if share.rule else [1, 1]}
            | {"minor": share.minor}
            for share in money.shares
        ]
    return told


class Example(NamedTuple):
    """An order worked through for the panel: `points = floor(base × tier)`."""

    order_minor: int
    numerator: int
    denominator: int
    points: int


def example(order_minor: int, program: ProgramRules, tier: TierRules | None = None) -> Example:
    """What an order of so much would earn."""
    numerator, denominator = rate_of(program, tier)
    points = _rounded(order_minor * numerator, denominator, program.document.earn.rounding)
    return Example(order_minor, numerator, denominator, points)

"""An order that shows every rule of earning at work, worked out by the ledger's own arithmetic."""

from __future__ import annotations

from datetime import datetime, timedelta
from fractions import Fraction

from babel import dates
from flask_babel import get_locale, gettext

from admin_ui.formats import money, number, percent, shop_zone
from plugin.loyalty.counting import Counted, Share, counted, exact, points_of, rate_of
from plugin.loyalty.document import Goods, Multiplier
from plugin.loyalty.rules import Line, OrderState, ProgramRules, TierRules, Ware
from plugin.money import digits

GENEROUS = Fraction(3, 10)  # what a programme gives back at most before the page says so
MOST_SHOWN = 3  # multipliers with goods of their own that get a line
_NOBODYS = -1  # a product that no rule names


def steps(program: ProgramRules, now: datetime) -> list[str]:
    """The order and its points step by step, one sentence each; empty for rules that a plain order shows as well."""
    earn = program.document.earn
    if program.document.is_plain and not earn.gift_cards:
        return []
    rule = next((each for each in earn.multipliers), None)
    tier = _tier(program, rule)
    zone = str(shop_zone())
    order = _order(program, _moment(rule, now))
    counts = counted(order, program.tax_basis, document=program.document, tier=tier, timezone=zone)
    return [
        _headline(order, tier),
        *(_share(share, program, tier) for share in counts.shares or (Share(None, counts.minor),)),
        *_left_out(counts, program.currency),
        _total(counts, program, tier),
    ]


def generous(program: ProgramRules, point_value: Fraction | None) -> str | None:
    """A warning when the best reward gives back more than 30 % of what was spent."""
    points, per_minor = rate_of(program, None)
    back = (point_value or 0) * Fraction(points, per_minor)
    if back <= GENEROUS:
        return None
    share = percent(back.numerator, back.denominator)
    return gettext("With the best reward you offer, this gives back %(share)s of what people spend.", share=share)


def _order(program: ProgramRules, moment: datetime) -> OrderState:
    earn, cent = program.document.earn, Fraction(10 ** digits(program.currency), 100)
    named = [rule.goods for rule in earn.multipliers if rule.goods.names_any][:MOST_SHOWN]
    wares = [*(_ware(goods) for goods in named), Ware(_NOBODYS, None)]
    prices = [2400, 1800, 1200][: len(named)] + [1850]
    lines = [
        _line(place, int(price * cent), ware) for place, (price, ware) in enumerate(zip(prices, wares, strict=True))
    ]
    if earn.before_discounts:
        lines[-1] = lines[-1]._replace(discount_minor=int(350 * cent))
    if earn.excluded.goods.names_any:
        lines.append(_line(len(lines), int(800 * cent), _ware(earn.excluded.goods)))
    lines.append(_line(len(lines), int(2000 * cent), None)._replace(gift_card=True))
    state = OrderState(0, 0, moment, program.currency, "paid", False, None, None, True, tuple(lines))
    return state._replace(shipping_minor=int(490 * cent) if earn.shipping else 0)


def _line(place: int, price_minor: int, ware: Ware | None) -> Line:
    return Line(place, 1, 1, price_minor, 0, 0, ware=ware)


def _ware(goods: Goods) -> Ware:
    """A product that belongs to these goods by the first thing they name, and by nothing else."""
    if goods.products:
        return Ware(goods.products[0], None)
    if goods.collections:
        return Ware(_NOBODYS, None, collections=frozenset(goods.collections[:1]))
    if goods.tags:
        return Ware(_NOBODYS, None, frozenset((goods.tags[0].strip().casefold(),)))
    return Ware(_NOBODYS, goods.vendors[0])


def _moment(rule: Multiplier | None, now: datetime) -> datetime:
    """The next noon at which a multiplier applies; today's when it never will."""
    today = now.astimezone(shop_zone()).replace(hour=12, minute=0, second=0, microsecond=0)
    if rule is None:
        return today
    first = max(today, rule.starts.astimezone(shop_zone())) if rule.starts else today
    days = (first + timedelta(days=ahead) for ahead in range(7))
    fits = (day for day in days if not rule.weekdays or day.weekday() in rule.weekdays)
    return next((day for day in fits if rule.ends is None or day < rule.ends), today)


def _tier(program: ProgramRules, rule: Multiplier | None) -> TierRules | None:
    return next((tier for tier in program.tiers if rule and tier.name in rule.tiers), None)


def _headline(order: OrderState, tier: TierRules | None) -> str:
    paid = sum(line.price_minor - line.discount_minor for line in order.lines) + order.shipping_minor
    assert order.moment is not None
    told = {
        "money": money(paid, order.currency),
        "day": dates.format_datetime(order.moment.astimezone(shop_zone()), "EEEE", locale=get_locale()),
    }
    if tier is None:
        return gettext("An order of %(money)s on a %(day)s, gift card of %(card)s included:", card=_card(order), **told)
    told |= {"card": _card(order), "tier": tier.name}
    return gettext(
        "An order of %(money)s on a %(day)s by a member of %(tier)s, gift card of %(card)s included:", **told
    )


def _card(order: OrderState) -> str:
    return money(next(line.price_minor for line in order.lines if line.gift_card), order.currency)


def _share(share: Share, program: ProgramRules, tier: TierRules | None) -> str:
    """What one part of the order brings before anything is rounded."""
    above, below = exact(Counted(share.minor, 0, 0, 0, shares=(share,)), program.currency, program, tier)
    step = money(program.earn_per_minor, program.currency)
    rate = f"{money(share.minor, program.currency)} ÷ {step} × {number(program.earn_points)}"
    if share.rule is not None:
        rate += f" × {_ratio(*share.rule.rate)}"
    if tier is not None and not (share.rule and program.document.earn.instead_of_tier):
        rate += f" × {_ratio(tier.rate_num, tier.rate_den)}"
    told = {"sum": f"{rate} = {_ratio(above, below)}", "rule": share.rule.name if share.rule else ""}
    return gettext("%(rule)s: %(sum)s", **told) if share.rule else gettext("Everything else: %(sum)s", **told)


def _left_out(counts: Counted, currency: str) -> list[str]:
    told = []
    if counts.excluded_minor:
        told.append(gettext("Excluded, so nothing: %(money)s", money=money(counts.excluded_minor, currency)))
    if counts.gift_cards_minor:
        told.append(gettext("Gift card, so nothing: %(money)s", money=money(counts.gift_cards_minor, currency)))
    return told


def _total(counts: Counted, program: ProgramRules, tier: TierRules | None) -> str:
    above, below = exact(counts, program.currency, program, tier)
    points = points_of(counts, program.currency, program, tier)
    name = program.points_one if points == 1 else program.points_many
    told = {"exact": _ratio(above, below), "points": number(points), "name": name}
    if above == points * below:
        return gettext("Together %(points)s %(name)s.", **told)
    return gettext("Together %(exact)s, rounded once to %(points)s %(name)s.", **told)


def _ratio(above: int, below: int) -> str:
    return f"{above / below:.10g}"

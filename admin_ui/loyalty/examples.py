"""Worked examples beside the rules: the very arithmetic of the ledger on an order one can picture."""

from __future__ import annotations

from flask_babel import gettext

from admin_ui.formats import money, number
from plugin.loyalty.counting import example as worked
from plugin.loyalty.programs import ProgramDraft, rules_of
from plugin.loyalty.rules import ProgramRules, TierRules
from plugin.money import digits


def lines(draft: ProgramDraft, currency: str) -> list[str]:
    """One sentence for an order without a tier and one for each tier, with the calculation."""
    order_minor = 4250 * 10 ** digits(currency) // 100
    program = rules_of(draft, currency)
    return [_line(order_minor, program, tier) for tier in (None, *program.tiers)]


def _line(order_minor: int, program: ProgramRules, tier: TierRules | None) -> str:
    result = worked(order_minor, program, tier)
    told = {
        "money": money(order_minor, program.currency),
        "points": number(result.points),
        "name": program.points_one if result.points == 1 else program.points_many,
        "sum": _sum(order_minor, program, tier),
    }
    if tier is None:
        return gettext("An order of %(money)s gives %(points)s %(name)s: %(sum)s", **told)
    return gettext("With %(tier)s it gives %(points)s: %(sum)s", tier=tier.name, **told)


def _sum(order_minor: int, program: ProgramRules, tier: TierRules | None) -> str:
    step = money(program.earn_per_minor, program.currency)
    shown = f"{money(order_minor, program.currency)} ÷ {step} × {number(program.earn_points)}"
    if tier is not None:
        shown += f" × {tier.rate_num / tier.rate_den:g}"
    result = worked(order_minor, program, tier)
    exact = order_minor * result.numerator / result.denominator
    rounded = gettext(", rounded down") if exact != result.points else ""
    return f"{shown} = {exact:g}{rounded}."

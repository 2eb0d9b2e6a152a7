"""How an order's points were counted, as lines of a sum."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext

from admin_ui.formats import money, number

Lines = list[tuple[str, str]]


def of_money(told: dict[str, Any], nothing: str) -> Lines:
    """From what was bought to what counts; `nothing` says why nothing does."""
    if "counted_minor" not in told:
        return [(gettext("Rule"), nothing)] if told.get("why") else []
    currency = str(told.get("currency", ""))
    parts = [
        (_bought(told), "goods_minor", 1),
        (gettext("Gift cards, which do not count"), "gift_cards_minor", 0),
        (gettext("Excluded, which does not count"), "excluded_minor", 0),
        (gettext("Returned goods"), "returned_minor", -1),
        (gettext("Money given back"), "money_back_minor", -1),
        (gettext("Paid with points"), "points_paid_minor", -1),
    ]
    shown = [(label, money((sign or 1) * told[key], currency)) for label, key, sign in parts if told.get(key)]
    return [*shown, (gettext("Money that counts"), money(told["counted_minor"], currency))]


def _bought(told: dict[str, Any]) -> str:
    if "rounding" not in told:
        return gettext("Goods after discounts")
    return gettext("Before discounts") if "points_paid_minor" in told else gettext("What was bought and earns")


def of_points(told: dict[str, Any]) -> Lines:
    """From the rate to the points, with each multiplier's part of the money."""
    currency, lines = str(told.get("currency", "")), []
    if earn := told.get("earn"):
        per = money(earn[1], currency)
        lines.append((gettext("Rate"), gettext("%(points)s for each %(money)s", points=number(earn[0]), money=per)))
    for share in told.get("shares", ()):
        name = share["rule"] or gettext("Without a multiplier")
        lines.append((name, f"{money(share['minor'], currency)} × {share['rate'][0] / share['rate'][1]:g}"))
    if tier := told.get("tier"):
        rate = f"{tier['name']}, × {tier['rate'][0] / tier['rate'][1]:g}"
        only = any(share["rule"] for share in told.get("shares", ())) and told.get("instead_of_tier")
        lines.append((gettext("Tier, where no multiplier counts") if only else gettext("Tier at that moment"), rate))
    if exact := told.get("exact"):
        lines.append((_rounding(told), f"{number(exact[0])} ÷ {number(exact[1])} = {exact[0] / exact[1]:.2f}"))
    return lines


def _rounding(told: dict[str, Any]) -> str:
    known = {"up": gettext("Calculation, rounded up"), "nearest": gettext("Calculation, rounded to the nearest")}
    return known.get(str(told.get("rounding")), gettext("Calculation, rounded down"))

"""The page of points in words: what each movement was, and why. The widget says it in the theme's translations."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from fractions import Fraction
from typing import Any

from flask_babel import format_currency, format_date, format_decimal, gettext

from plugin.money import major


def what(entry: Mapping[str, Any]) -> str:
    """What moved the points."""
    order = {"order": entry["order"] or ""}
    known = {
        "earn": gettext("Order %(order)s", **order),
        "claw": gettext("Taken back, order %(order)s", **order),
        "forgive": gettext("Written off"),
        "bonus": gettext("Bonus"),
        "unbonus": gettext("Bonus taken back"),
        "redeem": entry["reward"] or gettext("Redeemed"),
        "return": gettext("Reward returned"),
        "expire": gettext("Expired"),
        "unexpire": gettext("Expiry taken back"),
        "adjust": gettext("Changed by the store"),
        "import": gettext("Brought along"),
        "transfer": gettext("Moved from your other account"),
    }
    return known.get(entry["kind"], "").strip()


def more(entry: Mapping[str, Any], program: Mapping[str, Any]) -> list[str]:
    """When the points can be spent, why they went, how they were counted."""
    said = []
    if entry["pending"]:
        day = entry["available_at"]
        said.append(
            gettext("can be spent from %(day)s", day=day_of(day)) if day else gettext("when your order is sent")
        )
    if entry["why"]:
        said.append(why(entry["why"]))
    if entry["counted"]:
        said.append(_counted(entry["counted"], program))
    return said


def why(name: str) -> str:
    """Why points of an order went back."""
    known = {
        "cancelled": gettext("the order was cancelled"),
        "edit": gettext("the order was changed"),
        "not_paid": gettext("the order is not paid"),
        "refund": gettext("something was refunded"),
    }
    return known.get(name, "")


def owed(debt: Mapping[str, Any]) -> str:
    """What a debt came from."""
    return gettext("Because of order %(order)s: %(why)s.", order=debt["order"], why=why(debt["why"] or ""))


def _counted(counted: Mapping[str, Any], program: Mapping[str, Any]) -> str:
    points, per_minor = counted["earn"]
    currency = counted["currency"]
    name = program["one"] if points == 1 else program["many"]
    told = {"amount": money(counted["minor"], currency), "per": money(per_minor, currency)}
    words = gettext(
        "%(amount)s counted, %(points)s for every %(per)s", points=f"{format_decimal(points)} {name}", **told
    )
    tier = counted["tier"]
    if not tier or tier["rate"][0] == tier["rate"][1]:
        return words
    rate = format_decimal(float(Fraction(*tier["rate"])))
    return words + gettext(" × %(rate)s as %(tier)s", rate=rate, tier=tier["name"])


def money(minor: int, currency: str) -> str:
    return str(format_currency(major(minor, currency), currency))


def day_of(moment: str) -> str:
    """The day of an ISO 8601 moment as the reader writes it."""
    return str(format_date(datetime.fromisoformat(moment), "medium"))

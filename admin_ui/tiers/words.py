"""Sentences about tiers: numbers, reasons, how far back one can see."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from flask_babel import gettext

from admin_ui.formats import day, money, number


def numbers(told: dict[str, Any]) -> str:
    """Measured numbers in a row: {"numbers": {metric: amount}, "currency"}."""
    known = {
        "spend": gettext("spend %(number)s"),
        "points": gettext("points %(number)s"),
        "orders": gettext("orders %(number)s"),
        "referrals": gettext("invited friends %(number)s"),
    }
    amounts = [
        known.get(metric, metric) % {"number": money(value, told["currency"]) if metric == "spend" else number(value)}
        for metric, value in told.get("numbers", {}).items()
    ]
    return ", ".join(amounts)


def cause(told: dict[str, Any]) -> str:
    """Why somebody moved."""
    known = {
        "grew": gettext("Reached"),
        "fell": gettext("No longer enough"),
        "rules": gettext("Rules were changed"),
        "grant": gettext("Given by hand"),
    }
    return known.get(told.get("cause", ""), "")


def last_day(ends_at: datetime) -> str:
    """The last day of a tier that is given until just before a moment."""
    return day(ends_at - timedelta(microseconds=1))


def look_back(first: datetime | None, sees_all: bool) -> str:
    """As far back as tiers can see."""
    if first is None:
        return gettext("No orders are imported yet.")
    told = gettext("Tiers look back as far as orders are imported: to %(day)s.", day=day(first))
    if sees_all:
        return told
    return (
        told
        + " "
        + gettext(
            "Without the permission to read all orders, the store shows only those of the 60 days before the import."
        )
    )

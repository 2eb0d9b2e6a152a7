"""How the panel writes money, numbers and moments: in the reader's language and the shop's time zone.

Everything here is for display; amounts come as minor units and moments as aware datetimes in UTC.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from zoneinfo import ZoneInfo

from babel import dates, numbers
from flask import g
from flask_babel import get_locale, get_translations, gettext

from plugin import clock
from plugin.money import digits, major


def money(minor: int, currency: str) -> str:
    """An amount with its currency, with the digits the store keeps for it: 4250 EUR is "€42.50"."""
    places = digits(currency)
    pattern = get_locale().currency_formats["standard"].pattern.split(";")[0]
    whole = pattern.replace("0.00", "0" if not places else "0." + "0" * places)
    return numbers.format_currency(major(minor, currency), currency, whole, locale=get_locale(), currency_digits=False)


def short_money(minor: int, currency: str) -> str:
    """An amount without its small change, for figures and axes."""
    value = major(minor, currency).quantize(Decimal(1))
    whole = get_locale().currency_formats["standard"].pattern.split(";")[0].replace("0.00", "0")
    return numbers.format_currency(value, currency, whole, locale=get_locale(), currency_digits=False)


def number(value: int | Decimal) -> str:
    """A number with the reader's separators."""
    return numbers.format_decimal(value, locale=get_locale())


def percent(part: int, whole: int) -> str:
    """A share with one digit; a dash when there is nothing to share."""
    if not whole:
        return "–"
    return numbers.format_percent(Decimal(part) / Decimal(whole), "#,##0.#%", locale=get_locale())


def moment(value: datetime) -> str:
    """A moment as the shop's clock shows it, to the minute."""
    return dates.format_datetime(value.astimezone(shop_zone()), "medium", locale=get_locale())


def day(value: datetime | date) -> str:
    """The day of a moment in the shop's time zone."""
    local = value.astimezone(shop_zone()).date() if isinstance(value, datetime) else value
    return dates.format_date(local, "medium", locale=get_locale())


def month(value: date) -> str:
    """A month in short, for axes: "Nov 2026"."""
    return dates.format_skeleton("yMMM", value, locale=get_locale())


def ago(value: datetime) -> str:
    """How far a moment is from business time, in words: "3 hours ago", "in 2 days"."""
    distance = value - business_now()
    if abs(distance) < timedelta(seconds=45):
        return gettext("just now")
    return dates.format_timedelta(distance, add_direction=True, locale=get_locale())


def span(value: timedelta) -> str:
    """A length of time in its largest unit."""
    return dates.format_timedelta(value, locale=get_locale())


def initials(name: str) -> str:
    """At most two letters that stand for a name in any alphabet."""
    letters = [word[0] for word in name.split() if word[0].isalnum()]
    return "".join(letters[:1] + letters[-1:] if len(letters) > 1 else letters).upper() or "?"


def spark(values: Sequence[float], width: int, height: int) -> str:
    """The points of a polyline through the values, scaled from zero to the largest into a box of width by height."""
    top = max((*values, 1))
    step = width / max(len(values) - 1, 1)
    return " ".join(f"{index * step:.2f},{height - value / top * height:.2f}" for index, value in enumerate(values))


def business(machine: datetime) -> datetime:
    """A moment of machine time on the business clock, so that it can be shown beside others."""
    return machine + (business_now() - clock.machine_now())


def business_now() -> datetime:
    """Business time of this request, read once; the machine's where no shop is open (the gallery)."""
    return g.get("now") or clock.machine_now()


def shop_zone() -> ZoneInfo:
    """The shop's time zone; UTC where no shop is open."""
    shop = g.get("shop")
    return ZoneInfo(shop.timezone if shop is not None else "UTC")


def reason(kept: str) -> str:
    """Why something failed, as its row keeps it: one of our sentences in English, with its values already filled in."""
    if not kept:
        return ""
    catalogue = getattr(get_translations(), "_catalog", {})
    for sentence in () if kept in catalogue else catalogue:
        if isinstance(sentence, str) and "%(" in sentence and (found := _filled(sentence).fullmatch(kept)):
            return str(gettext(sentence) % found.groupdict())
    return str(gettext(kept))


@cache
def _filled(sentence: str) -> re.Pattern[str]:
    """What a sentence looks like with values in the places of its names; one that is all names is nobody's."""
    parts = re.split(r"%\((\w+)\)s", sentence)
    if len(re.sub(r"\W", "", "".join(parts[::2]))) < 12 or len(set(parts[1::2])) < len(parts[1::2]):
        return re.compile(r"(?!)")
    return re.compile("".join(f"(?P<{part}>.+)" if place % 2 else re.escape(part) for place, part in enumerate(parts)))


FILTERS = {
    "reason": reason,
    "money": money,
    "short_money": short_money,
    "number": number,
    "moment": moment,
    "day": day,
    "month": month,
    "ago": ago,
    "business": business,
    "span": span,
    "initials": initials,
    "spark": spark,
}

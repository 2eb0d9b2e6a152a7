"""Whether the rules of earning can be used. Errors name the field: `rates-<currency>`, `multipliers-<n>-<name>`, …"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from plugin.errors import Invalid
from plugin.loyalty.document import Earn, Goods, Multiplier, Ratio

MOST_MULTIPLIERS: Final = 30
MOST_NAMES: Final = 250  # products, collections, tags or vendors in one list
MOST_TIMES: Final = 1_000
LARGEST: Final = 10**12
LONGEST: Final = 80
ORDINARY_MINOR: Final = 10_000  # an order of 100.00, or of 10,000 where money has no small change
MOST_POINTS: Final = 10**9
_CURRENCY: Final = re.compile("[A-Z]{3}")


def check_earn(earn: Earn) -> None:
    """Raises Invalid at the first field that cannot be used."""
    for currency, (points, per_minor) in earn.rates.items():
        if not _CURRENCY.fullmatch(currency):
            raise Invalid("Enter a currency by its three letters, like EUR.", f"rates-{currency}")
        if not (0 <= points <= LARGEST and 0 < per_minor <= LARGEST):
            raise Invalid("Enter 0 or more points for an amount above 0.", f"rates-{currency}")
        check_size(f"rates-{currency}", points, per_minor)
    if len(earn.multipliers) > MOST_MULTIPLIERS:
        raise Invalid("A programme has at most %(most)s multipliers.", "multipliers", most=MOST_MULTIPLIERS)
    for number, rule in enumerate(earn.multipliers):
        _check_multiplier(rule, f"multipliers-{number}", earn.multipliers[:number])
    _check_goods(earn.excluded.goods, "excluded")
    _check_words(earn.excluded.customer_tags, "excluded-customer_tags")


def check_size(field: str, points: int, per_minor: int) -> None:
    """Raises Invalid for a rate at which an ordinary order brings a thousand million points."""
    brought = points * ORDINARY_MINOR // per_minor
    if brought >= MOST_POINTS:
        raise Invalid("An order of 100 would bring %(points)s points. Lower the rate.", field, points=brought)


def check_ends(earn: Earn, before: Earn, now: datetime) -> None:
    """Raises Invalid for a multiplier that is new, or newly dated, and over already. Old ones may stay."""
    known = {(rule.name, rule.ends) for rule in before.multipliers}
    for number, rule in enumerate(earn.multipliers):
        if rule.ends is not None and rule.ends <= now and (rule.name, rule.ends) not in known:
            raise Invalid("This is in the past already.", f"multipliers-{number}-ends")


def _check_multiplier(rule: Multiplier, where: str, before: tuple[Multiplier, ...]) -> None:
    if not rule.name.strip() or len(rule.name) > LONGEST:
        raise Invalid("Enter a name of at most %(most)s characters.", f"{where}-name", most=LONGEST)
    if any(other.name.strip().casefold() == rule.name.strip().casefold() for other in before):
        raise Invalid("Another multiplier has this name already.", f"{where}-name")
    _check_times(rule.rate, f"{where}-rate")
    if any(not 0 <= day <= 6 for day in rule.weekdays):
        raise Invalid("Choose days of the week.", f"{where}-weekdays")
    if rule.starts and rule.ends and rule.ends <= rule.starts:
        raise Invalid("The end must come after the start.", f"{where}-ends")
    _check_goods(rule.goods, where)
    if any(_covers(other, rule) for other in before):
        raise Invalid("A multiplier above takes everything this one could. Move this one up.", f"{where}-name")


def _check_times(rate: Ratio, where: str) -> None:
    numerator, denominator = rate
    if not (0 < denominator <= LARGEST and 0 <= numerator <= MOST_TIMES * denominator):
        raise Invalid("Enter a number from 0 to %(most)s.", where, most=MOST_TIMES)


def _check_goods(goods: Goods, where: str) -> None:
    for name in ("products", "collections"):
        if len(getattr(goods, name)) > MOST_NAMES:
            raise Invalid("Choose at most %(most)s.", f"{where}-{name}", most=MOST_NAMES)
    _check_words(goods.tags, f"{where}-tags")
    _check_words(goods.vendors, f"{where}-vendors")


def _check_words(words: tuple[str, ...], where: str) -> None:
    if len(words) > MOST_NAMES:
        raise Invalid("Choose at most %(most)s.", where, most=MOST_NAMES)
    if any(not word.strip() or len(word) > 255 for word in words):
        raise Invalid("Enter words of 1 to 255 characters.", where)


def _covers(other: Multiplier, rule: Multiplier) -> bool:
    """Whether `rule`, below `other`, can never be reached."""
    return (
        not other.goods.names_any
        and (not other.weekdays or set(rule.weekdays or range(7)) <= set(other.weekdays))
        and (other.starts is None or (rule.starts is not None and other.starts <= rule.starts))
        and (other.ends is None or (rule.ends is not None and rule.ends <= other.ends))
        and (not other.tiers or bool(rule.tiers) and set(rule.tiers) <= set(other.tiers))
    )

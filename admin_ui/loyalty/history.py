"""What changed from one version of the programme to the next, in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask_babel import gettext

from admin_ui.formats import money, number
from plugin.loyalty.document import Earn, Multiplier
from plugin.loyalty.rules import ProgramRules, TierRules


def changes(before: ProgramRules, after: ProgramRules) -> list[str]:
    """One sentence a change; empty when nothing did."""
    return [
        *_columns(before, after),
        *_tiers(before, after),
        *_earn(before.document.earn, after.document.earn),
        *_rest(before, after),
    ]


def who(actor: str) -> str:
    """Who saved a version: staff by their number in the store, which is all we know of them."""
    kind, _sep, there = actor.partition(":")
    return gettext("Staff member %(id)s", id=there) if kind == "staff" else actor or "–"


def _columns(before: ProgramRules, after: ProgramRules) -> Iterator[str]:
    for label, old, new in (
        (gettext("Name"), before.name, after.name),
        (gettext("One point is called"), before.points_one, after.points_one),
        (gettext("Many are called"), before.points_many, after.points_many),
        (gettext("Earning"), _rate(before), _rate(after)),
        (gettext("Prices that count"), _tax(before.tax_basis), _tax(after.tax_basis)),
        (gettext("Return window"), _days(before.return_days), _days(after.return_days)),
        (gettext("Expiry"), _days(before.expiry_days), _days(after.expiry_days)),
        (gettext("Days that count for tiers"), _days(before.tier_days), _days(after.tier_days)),
    ):
        if old != new:
            yield _turned(label, old, new)
    if before.paused != after.paused:
        yield gettext("Paused") if after.paused else gettext("Goes on")


def _tiers(before: ProgramRules, after: ProgramRules) -> Iterator[str]:
    old, new = ({tier.origin: tier for tier in version.tiers} for version in (before, after))
    for origin, tier in new.items():
        if origin not in old:
            yield gettext("Tier %(name)s added", name=tier.name)
        else:
            yield from _tier(old[origin], tier, after.currency)
    for origin, tier in old.items():
        if origin not in new:
            yield gettext("Tier %(name)s removed", name=tier.name)


def _tier(old: TierRules, new: TierRules, currency: str) -> Iterator[str]:
    if old.name != new.name:
        yield gettext("Tier %(old)s is called %(new)s", old=old.name, new=new.name)
    if old.threshold_minor != new.threshold_minor:
        yield _turned(new.name, money(old.threshold_minor, currency), money(new.threshold_minor, currency))
    if (old.rate_num * new.rate_den) != (new.rate_num * old.rate_den):
        yield _turned(new.name, _times(old.rate_num, old.rate_den), _times(new.rate_num, new.rate_den))
    if old.terms != new.terms:
        yield gettext("%(name)s: other conditions or perks", name=new.name)


def _earn(old: Earn, new: Earn) -> Iterator[str]:
    for label, name in (
        (gettext("Shipping"), "shipping"),
        (gettext("Prices before discounts"), "before_discounts"),
        (gettext("Gift cards that are bought"), "gift_cards"),
        (gettext("A multiplier replaces what the tier gives"), "instead_of_tier"),
    ):
        if getattr(old, name) != getattr(new, name):
            yield _turned(label, _yes(getattr(old, name)), _yes(getattr(new, name)))
    yield from (label for label, name in _told() if getattr(old, name) != getattr(new, name))
    yield from _multipliers(old.multipliers, new.multipliers)


def _told() -> list[tuple[str, str]]:
    return [
        (gettext("Rounding changed"), "rounding"),
        (gettext("Other currencies changed"), "rates"),
        (gettext("What and who earns nothing changed"), "excluded"),
        (gettext("When points can be spent changed"), "available"),
        (gettext("What happens with points that were spent already changed"), "shortfall"),
    ]


def _multipliers(old: tuple[Multiplier, ...], new: tuple[Multiplier, ...]) -> Iterator[str]:
    were, are = {rule.name: rule for rule in old}, {rule.name: rule for rule in new}
    for name, rule in are.items():
        if name not in were:
            yield gettext("Multiplier %(name)s added (%(times)s)", name=name, times=_times(*rule.rate))
        elif were[name].rate != rule.rate:
            yield _turned(name, _times(*were[name].rate), _times(*rule.rate))
        elif were[name] != rule:
            yield gettext("Multiplier %(name)s applies elsewhere", name=name)
    yield from (gettext("Multiplier %(name)s removed", name=name) for name in were if name not in are)
    if [name for name in were if name in are] != [name for name in are if name in were]:
        yield gettext("Order of the multipliers changed")


def _rest(before: ProgramRules, after: ProgramRules) -> Iterator[str]:
    old, new = before.document, after.document
    if old.holdout.percent != new.holdout.percent:
        yield _turned(gettext("Holdout"), f"{old.holdout.percent} %", f"{new.holdout.percent} %")
    for label, name in (
        (gettext("Rules of the tiers changed"), "tiers"),
        (gettext("Terms of referrals changed"), "referrals"),
        (gettext("How points expire changed"), "expiry"),
        (gettext("Points for other things than orders changed"), "actions"),
    ):
        if getattr(old, name, None) != getattr(new, name, None):
            yield label


def _turned(label: str, old: Any, new: Any) -> str:
    return gettext("%(label)s: %(old)s → %(new)s", label=label, old=old, new=new)


def _rate(program: ProgramRules) -> str:
    return f"{number(program.earn_points)} / {money(program.earn_per_minor, program.currency)}"


def _times(above: int, below: int) -> str:
    return f"×{above / below:g}"


def _days(days: int | None) -> str:
    return gettext("never") if days is None else gettext("%(days)s days", days=number(days))


def _yes(value: bool) -> str:
    return gettext("yes") if value else gettext("no")


def _tax(basis: str) -> str:
    words = {"shown": gettext("as your store shows them"), "with": gettext("with tax")}
    return words.get(basis, gettext("without tax"))

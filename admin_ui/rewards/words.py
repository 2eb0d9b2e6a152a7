"""Rewards in words: kinds, how they stand, what they give, and what they cost."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from flask_babel import gettext, ngettext

from admin_ui.formats import money, number
from plugin.loyalty.offers import Offer
from plugin.loyalty.terms import Kind, Stand


def kinds() -> dict[Kind, tuple[str, str]]:
    """Name and one sentence of each kind."""
    return {
        "amount_off": (gettext("Amount off"), gettext("A fixed amount off an order, as a personal code.")),
        "percent_off": (gettext("Percentage off"), gettext("A share of the order, as a personal code.")),
        "free_shipping": (gettext("Free shipping"), gettext("The order is sent for nothing, with a personal code.")),
        "free_product": (gettext("Free product"), gettext("One unit of a product for nothing, with a personal code.")),
        "gift_card": (gettext("Gift card"), gettext("Money behind a code, which may be given to somebody else.")),
        "store_credit": (gettext("Store credit"), gettext("Money in the customer's account at your store.")),
    }


def kind(name: str) -> str:
    """The name of a kind."""
    known: Any = kinds()
    return str(known[name][0])


def stand(value: Stand) -> tuple[str, str]:
    """How a reward stands, with the tone of its badge."""
    return {
        Stand.ACTIVE: (gettext("Active"), "success"),
        Stand.PAUSED: (gettext("Paused"), ""),
        Stand.SCHEDULED: (gettext("Scheduled"), "info"),
        Stand.ENDED: (gettext("Ended"), ""),
        Stand.SOLD_OUT: (gettext("Out of stock"), "attention"),
        Stand.BUDGET: (gettext("Budget reached"), "attention"),
        Stand.ARCHIVED: (gettext("Archived"), ""),
    }[value]


def gives(offer: Offer, points: str) -> str:
    """Its kind and what one purchase gives, in short; `points` as the merchant calls them."""
    name, given = kind(offer.reward.kind), _given(offer, points)
    return f"{name}: {given}" if given else name


def _given(offer: Offer, points: str) -> str:
    reward = offer.reward
    if reward.kind == "percent_off":
        return gettext("%(percent)s %% off", percent=number(Decimal(offer.terms.percent_bp) / 100))
    if reward.kind == "free_shipping":
        return ""
    if reward.kind == "free_product":
        return gettext("A product for %(price)s", price=money(reward.value_minor, reward.currency))
    worth = money(reward.value_minor, reward.currency)
    if offer.terms.chosen is not None:
        count = number(reward.cost_points)
        return gettext("%(worth)s for every %(count)s %(points)s", worth=worth, count=count, points=points)
    return worth


def price(offer: Offer) -> str:
    """What it costs in points."""
    chosen = offer.terms.chosen
    if chosen is None:
        return number(offer.reward.cost_points)
    return gettext("%(least)s to %(most)s", least=number(chosen.least), most=number(chosen.most))


def left(offer: Offer) -> str:
    """What is left of the stock; empty where there is no limit."""
    count = offer.limits.left
    return "" if count is None else ngettext("%(num)s left", "%(num)s left", count)


def who(actor: str) -> str:
    """Who saved a version: staff by their number in the store, which is all we know of them."""
    kind, _sep, number_there = actor.partition(":")
    return gettext("Staff member %(id)s", id=number_there) if kind == "staff" else actor or "–"

"""What a reward costs in money, for the form: the same arithmetic as a purchase, in sentences."""

from __future__ import annotations

from collections.abc import Iterator

from flask_babel import gettext
from sqlalchemy.orm import Session

from admin_ui.formats import money, number
from plugin.errors import Invalid
from plugin.loyalty import rewards, tallies, terms
from plugin.loyalty.models import Reward
from plugin.loyalty.rewards import RewardDraft
from plugin.loyalty.terms import MONEY_KINDS
from plugin.shops.models import Shop


def lines(session: Session, shop: Shop, draft: RewardDraft, points: str, reward_id: int = 0) -> list[str]:
    """What one costs, what a point is worth by it, and how many a budget pays for. Raises Invalid."""
    value = draft.value_minor
    if draft.kind == "free_product":
        value = rewards.product_price(session, shop, draft.terms)
    offered = terms.offer(draft.cost_points, value, draft.terms)
    each = _each(session, shop, draft, reward_id)
    cost = terms.cost(draft.kind, offered, draft.terms, each)
    return list(_said(shop, draft, offered, cost, points))


def _each(session: Session, shop: Shop, draft: RewardDraft, reward_id: int) -> int | None:
    like = Reward(id=reward_id, kind=draft.kind, minimum_minor=draft.minimum_minor)
    return tallies.expected(session, shop, like, draft.terms)


def _said(shop: Shop, draft: RewardDraft, offered: terms.Offer, cost: int, points: str) -> Iterator[str]:
    told = {"points": f"{number(offered.points)} {points}", "cost": money(cost, shop.currency)}
    if draft.kind == "percent_off":
        yield gettext("%(points)s take off about %(cost)s, measured on your orders.", **told)
    elif draft.kind == "free_shipping" and draft.terms.cost_minor is None:
        yield gettext("Say what sending one costs you, so that it counts against the budget.")
    else:
        yield gettext("%(points)s cost you %(cost)s.", **told)
    if offered.points >= 1 and draft.kind in MONEY_KINDS:
        hundred = money(100 * offered.value_minor // offered.points, shop.currency)
        yield gettext("100 %(points)s are worth %(worth)s.", points=points, worth=hundred)
    if draft.terms.budget_minor is not None and cost:
        count = draft.terms.budget_minor // cost
        budget = money(draft.terms.budget_minor, shop.currency)
        yield gettext("The budget of %(budget)s pays for %(count)s a month.", budget=budget, count=number(count))


def safe(session: Session, shop: Shop, draft: RewardDraft, points: str, reward_id: int = 0) -> list[str]:
    """The same; nothing for what cannot be saved."""
    try:
        return lines(session, shop, draft, points, reward_id)
    except Invalid:
        return []

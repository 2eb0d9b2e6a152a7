"""What the storefront blocks are told, as plain data. Money in minor units, moments in ISO 8601, nobody else's rows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from plugin import clock
from plugin.commerce.models import Customer
from plugin.loyalty import offers
from plugin.loyalty import queries as loyalty
from plugin.loyalty.joining import saying
from plugin.loyalty.models import Redemption
from plugin.loyalty.offers import Offer
from plugin.loyalty.rules import ProgramRules, TierRules, is_member
from plugin.loyalty.terms import DISCOUNTS, Terms
from plugin.loyalty.tiers import reading
from plugin.money import digits
from plugin.shops.models import Shop
from plugin.storefront import histories
from plugin.subscriptions import queries as subscriptions
from plugin.subscriptions.models import SubscriptionField

CODES = 10


def program(rules: ProgramRules | None) -> dict[str, Any] | None:
    """The public side of the program: names, rate, tiers. None when there is none."""
    if rules is None:
        return None
    return {
        "name": rules.name,
        "one": rules.points_one,
        "many": rules.points_many,
        "paused": rules.paused,
        "currency": rules.currency,
        "digits": digits(rules.currency),
        "earn": [rules.earn_points, rules.earn_per_minor],
        "exact": rules.tax_basis == "shown",
        "tiers": [_tier(tier) for tier in rules.tiers if not tier.terms.hidden],
    }


def _tier(tier: TierRules | None) -> dict[str, Any] | None:
    if tier is None:
        return None
    return {"name": tier.name, "rate": [tier.rate_num, tier.rate_den], "from_minor": tier.threshold_minor}


def loyalty_of(session: Session, shop: Shop, customer_id: int | None, before: int | None = None) -> dict[str, Any]:
    """Everything the widget shows; history from before the id `before`. `customer` is None when nobody is signed in."""
    now = clock.now(session)
    rules = loyalty.program(session, shop, now)
    return {
        "program": program(rules),
        "rewards": [_reward(offer) for offer in offers.to_buy(session, shop, now)],
        "customer": _customer(session, shop, customer_id, rules, now, before) if customer_id is not None else None,
    }


def _reward(offer: Offer) -> dict[str, Any]:
    """`cost` is what it takes at least; `chosen` says how many points may be given, `cost_points` for `value_minor`."""
    reward, said = offer.reward, offer.terms
    return {
        "id": reward.id,
        "name": reward.name,
        "kind": reward.kind,
        "cost": said.chosen.least if said.chosen else reward.cost_points,
        "cost_points": reward.cost_points,
        "chosen": [said.chosen.least, said.chosen.most] if said.chosen else None,
        "value_minor": reward.value_minor,
        "percent": said.percent_bp / 100,
        "minimum_minor": reward.minimum_minor,
        "currency": reward.currency,
        "product_id": said.product_id or None,
        "variant_id": said.variant_id or None,
        "products": list(said.products),
        "left": offer.limits.left,
        "valid_days": reward.valid_days,
        "comes_back": said.comes_back,
        "until": _iso(said.ends_at),
    }


def _customer(
    session: Session, shop: Shop, customer_id: int, rules: ProgramRules | None, now: datetime, before: int | None
) -> dict[str, Any]:
    points = loyalty.account(session, shop, customer_id, now)
    standing = reading.standing(session, shop, customer_id, now)
    return {
        "available": points.available,
        "balance": loyalty.shown_balance(points, rules),
        "pending": points.pending,
        "pending_until": _iso(points.pending_until),
        "debt": points.debt,
        "expiring": points.expiring,
        "expiring_at": _iso(points.expiring_at),
        "spend_minor": standing.spend_minor,
        "tier": _tier(standing.tier),
        "next": _tier(standing.next),
        "missing_minor": standing.missing_minor,
        "codes": _codes(session, shop, customer_id, now),
        "member": rules is None or is_member(rules, saying.last(session, shop, customer_id)),
        "owed_for": histories.owed_for(session, shop, customer_id) if points.debt else None,
        **histories.page(session, shop, customer_id, now, before),
    }


def _codes(session: Session, shop: Shop, customer_id: int, now: datetime) -> list[dict[str, Any]]:
    known = loyalty.redemptions(session, shop, customer_id, CODES)
    open_ones = [row for row in known if row.state in ("reserved", "issued", "ending") and row.expires_at > now]
    bought = offers.of(session, shop, {row.reward_id for row in open_ones})
    return [code(row, bought.get(row.reward_id)) for row in open_ones]


def code(redemption: Redemption, bought: tuple[str, Terms] | None = None) -> dict[str, Any]:
    """One redemption; its code only once the store knows it. Store credit has none.

    `apply` is the path that puts the code on the cart; `can_return` says whether the shopper may give it back.
    """
    name, said = bought or ("", Terms())
    known = redemption.state in ("issued", "used") and redemption.kind != "store_credit"
    return {
        "id": redemption.id,
        "name": name,
        "kind": redemption.kind,
        "state": redemption.state,
        "points": redemption.points,
        "code": redemption.code if known else None,
        "apply": f"/discount/{redemption.code}" if known and redemption.kind in DISCOUNTS else None,
        "can_return": redemption.state == "issued" and not said.keep,
        "value_minor": redemption.value_minor,
        "minimum_minor": redemption.minimum_minor,
        "currency": redemption.currency,
        "expires_at": _iso(redemption.expires_at),
    }


def fields(session: Session, shop: Shop, product_id: int, customer_id: int | None) -> list[dict[str, Any]]:
    """The subscription fields of a product, and whether the signed-in customer has them already."""
    customer = session.get(Customer, (shop.id, customer_id)) if customer_id else None
    mine = subscriptions.subscribed_fields(session, shop, customer.email) if customer and customer.email else set()
    offered = subscriptions.fields_for(session, shop, product_id)
    return [field(each) | {"subscribed": each.id in mine} for each in offered]


def field(row: SubscriptionField) -> dict[str, Any]:
    """A subscription field as a block shows it."""
    return {
        "id": row.id,
        "label": row.label,
        "kind": row.match_kind,
        "value": row.match_value,
        "consent": row.consent_text,
    }


def all_fields(rows: Iterable[SubscriptionField]) -> list[dict[str, Any]]:
    """The active fields, oldest first, for the theme's own copy."""
    return [field(row) for row in sorted(rows, key=lambda row: row.id) if row.active]


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None

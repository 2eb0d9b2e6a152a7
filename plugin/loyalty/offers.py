"""Rewards as they stand now: with their terms, what is left of them, and what they cost the shop this month."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from plugin.loyalty import queries, tallies, terms
from plugin.loyalty.models import Redemption, Reward
from plugin.loyalty.terms import Limits, Stand, Terms
from plugin.shops.models import Shop

_NO_LIMITS = Limits()


@dataclass(frozen=True)
class Offer:
    """A reward at a moment. `least_cost_minor` is what the cheapest purchase of it would cost the shop."""

    reward: Reward
    terms: Terms
    limits: Limits
    least_cost_minor: int
    stand: Stand


@dataclass(frozen=True)
class Month:
    """What a reward brought about since the month began in the shop's time zone; returned ones left out."""

    redemptions: int = 0
    points: int = 0
    cost_minor: int = 0
    used: int = 0


def all_of(session: Session, shop: Shop, now: datetime, archived: bool = False) -> list[Offer]:
    """The rewards, cheapest first; with `archived`, those that were put away."""
    if archived:
        away = Reward.shop_id == shop.id, Reward.archived_at.is_not(None)
        rewards = session.scalars(select(Reward).where(*away).order_by(Reward.archived_at.desc())).all()
    else:
        rewards = queries.rewards(session, shop)
    limits = tallies.limits(session, shop, now)
    return [_offer(reward, limits.get(reward.id, _NO_LIMITS), now) for reward in rewards]


def to_buy(session: Session, shop: Shop, now: datetime) -> list[Offer]:
    """The rewards that can be bought now, cheapest first."""
    return [offer for offer in all_of(session, shop, now) if offer.stand is Stand.ACTIVE]


def one(session: Session, shop: Shop, reward_id: int, now: datetime) -> Offer:
    """One reward, archived or not. Raises NotFound."""
    reward = queries.reward(session, shop, reward_id)
    return _offer(reward, tallies.limits(session, shop, now, [reward_id]).get(reward_id, _NO_LIMITS), now)


def of(session: Session, shop: Shop, reward_ids: Collection[int]) -> dict[int, tuple[str, Terms]]:
    """Name and terms of rewards, archived or not, by id."""
    if not reward_ids:
        return {}
    rows = select(Reward.id, Reward.name, Reward.terms).where(Reward.shop_id == shop.id, Reward.id.in_(reward_ids))
    return {row.id: (row.name, terms.read(row.terms)) for row in session.execute(rows)}


def month(session: Session, shop: Shop, now: datetime) -> dict[int, Month]:
    """What each reward brought about this month, by reward."""
    began = terms.since("month", now, shop.timezone)
    cost = func.sum(func.coalesce(Redemption.spent_minor, Redemption.cost_minor))
    used = func.count().filter(Redemption.state == "used")
    since = Redemption.shop_id == shop.id, Redemption.created_at >= began, tallies.STANDS
    rows = select(Redemption.reward_id, func.count(), func.sum(Redemption.points), cost, used).where(*since)
    found = session.execute(rows.group_by(Redemption.reward_id))
    return {row[0]: Month(row[1], int(row[2]), int(row[3]), row[4]) for row in found}


def _offer(reward: Reward, limits: Limits, now: datetime) -> Offer:
    said = terms.read(reward.terms)
    cheapest = terms.cost(
        reward.kind, terms.offer(reward.cost_points, reward.value_minor, said), said, limits.each_minor
    )
    stand = terms.stand(reward.active, reward.archived_at is not None, said, limits, cheapest, now)
    return Offer(reward, said, limits, cheapest, stand)

"""Tiers given by hand: from now until a day, with a reason; taken back from now on. Orders before keep theirs."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from plugin import clock
from plugin.commerce import merges
from plugin.commerce.models import Order
from plugin.errors import Invalid, NotFound
from plugin.jobs.doorbell import ring_after_commit
from plugin.loyalty import queries
from plugin.loyalty.tiers.following import follow_tiers
from plugin.loyalty.tiers.models import TierChange, TierGrant
from plugin.shops import operations as shops
from plugin.shops.models import Shop

LONGEST_REASON = 500


def grant(
    session: Session, shop: Shop, actor: str, customer_id: int, origin: int, ends_at: datetime | None, reason: str
) -> TierGrant:
    """Give a tier from now until `ends_at` (None: until taken back). Raises Invalid at the field that is wrong."""
    now = clock.now(session)
    program = queries.program(session, shop, now)
    tier = next((tier for tier in program.tiers if tier.origin == origin), None) if program else None
    if tier is None:
        raise Invalid("This tier does not exist any more.", "origin")
    if ends_at is not None and ends_at <= now:
        raise Invalid("Enter a day that is still to come.", "ends_on")
    if not reason.strip() or len(reason) > LONGEST_REASON:
        raise Invalid("Say why, in at most %(most)s characters.", "reason", most=LONGEST_REASON)
    given = TierGrant(
        shop_id=shop.id,
        customer_id=merges.kept_for(session, shop.id, customer_id),
        origin=origin,
        tier_name=tier.name,
        starts_at=now,
        ends_at=ends_at,
        reason=reason.strip(),
        actor=actor,
        created_at=now,
    )
    session.add(given)
    session.flush()
    told = {"tier": tier.name, "until": ends_at.isoformat() if ends_at else None}
    shops.audit(session, shop, actor, "tier.grant", f"customer:{given.customer_id}", None, told)
    _follow(session, shop, given.customer_id)
    return given


def end(session: Session, shop: Shop, actor: str, customer_id: int, grant_id: int) -> None:
    """Take a given tier back from now on. Raises NotFound for one that has ended."""
    now = clock.now(session)
    found = session.get(TierGrant, (shop.id, grant_id), with_for_update=True, populate_existing=True)
    if found is None or found.customer_id != customer_id or (found.ends_at is not None and found.ends_at <= now):
        raise NotFound("This tier is not given any more.")
    found.ends_at, found.ended_by = now, actor
    session.flush()
    shops.audit(session, shop, actor, "tier.end", f"customer:{customer_id}", {"tier": found.tier_name}, None)
    _follow(session, shop, customer_id)


def _follow(session: Session, shop: Shop, customer_id: int) -> None:
    follow_tiers(session, shop, [customer_id])
    ring_after_commit(session, "loyalty.settle_due")


def follow_merges(session: Session, shop: Shop, from_ids: Collection[int]) -> None:
    """What merged customers were given holds for who is kept."""
    for from_id, into_id in sorted(merges.kept(session, shop.id, from_ids).items()):
        theirs = update(TierGrant).where(TierGrant.shop_id == shop.id, TierGrant.customer_id == from_id)
        session.execute(theirs.values(customer_id=into_id))


def orders_within(session: Session, shop: Shop, customer_ids: Collection[int]) -> list[int]:
    """Orders that these customers' grants may have raised: all since the first of them began."""
    began = select(TierGrant.customer_id, func.min(TierGrant.starts_at).label("at"))
    mine = TierGrant.shop_id == shop.id, TierGrant.customer_id.in_(customer_ids)
    first = began.where(*mine).group_by(TierGrant.customer_id).subquery()
    later = select(Order.id).join(
        first, (first.c.customer_id == Order.customer_id) & (Order.processed_at >= first.c.at)
    )
    return list(session.scalars(later.where(Order.shop_id == shop.id)))


def grants(session: Session, shop: Shop, customer_id: int) -> Sequence[TierGrant]:
    """A customer's given tiers, the newest first."""
    mine = TierGrant.shop_id == shop.id, TierGrant.customer_id == customer_id
    return session.scalars(select(TierGrant).where(*mine).order_by(TierGrant.id.desc())).all()


def changes(session: Session, shop: Shop, customer_id: int, limit: int = 20) -> Sequence[TierChange]:
    """How a customer moved, the latest first."""
    mine = TierChange.shop_id == shop.id, TierChange.customer_id == customer_id
    return session.scalars(select(TierChange).where(*mine).order_by(TierChange.id.desc()).limit(limit)).all()

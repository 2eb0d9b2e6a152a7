"""What follows from moves: the store is told, mails are queued, points for entering a tier are given once a person.

Points go to everybody who is in a tier or above it, so that a jump over two tiers brings what two steps bring. They are
kept when the tier is lost, and not given again when it is reached anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin import clock
from plugin.commerce import merges
from plugin.commerce.models import Customer
from plugin.loyalty import queries
from plugin.loyalty.awarding import Award, award_all
from plugin.loyalty.models import PointAccount, PointEntry
from plugin.loyalty.rules import ProgramRules
from plugin.loyalty.tiers import marking, terms
from plugin.loyalty.tiers.models import TierChange
from plugin.messages import operations as messages
from plugin.shops.models import Shop

STEP = 500
NEWS = timedelta(days=2)  # a move that came about longer ago is no news for a mail


def tell(session: Session, shop: Shop) -> int:
    """One step of what waits to be told; how many moves there were."""
    untold = select(TierChange).where(TierChange.shop_id == shop.id, TierChange.told_at.is_(None))
    found = session.scalars(untold.order_by(TierChange.id).limit(STEP).with_for_update(skip_locked=True)).all()
    if not found:
        return 0
    now = clock.now(session)
    for change in found:
        change.told_at = now
    program = queries.program(session, shop, now)
    moved = {change.customer_id for change in found if change.kind == "tier"}
    marking.mark(session, shop, moved)
    if program is not None:
        _mail(session, shop, program, found)
        award_all(session, shop, _awards(session, shop, program, moved))
    return len(found)


def _awards(session: Session, shop: Shop, program: ProgramRules, customer_ids: set[int]) -> list[Award]:
    """What everybody has reached; who had it before, or was merged with somebody who had, gets nothing more."""
    ranks = {tier.id: rank for rank, tier in enumerate(program.tiers, start=1)}
    if not any(tier.terms.reward_points for tier in program.tiers):
        return []
    mine = PointAccount.shop_id == shop.id, PointAccount.customer_id.in_(customer_ids)
    held = session.execute(select(PointAccount.customer_id, PointAccount.tier_id, PointAccount.tier_since).where(*mine))
    wanted, now = [], clock.now(session)
    for customer_id, tier_id, since in held:
        rank = ranks.get(tier_id or 0, 0)
        for tier in program.tiers[:rank]:
            if tier.terms.reward_points and (not tier.terms.manual or tier.id == tier_id):
                told = {"why": "tier", "tier": tier.name, "program": program.version}
                key = f"tier:{tier.origin}:{customer_id}"
                wanted.append(Award(customer_id, tier.terms.reward_points, key, "tiers", told, since or now))
    given = _given(session, shop, wanted)
    return [each for each in wanted if each.key not in given]


def _given(session: Session, shop: Shop, wanted: Sequence[Award]) -> set[str]:
    """Keys of what people were given before, under whatever id."""
    people = {each.customer_id for each in wanted}
    owner = merges.kept(session, shop.id, merges.formers(session, shop.id, people)) | {each: each for each in people}
    origins = {each.key.split(":")[1] for each in wanted}
    keys = {f"bonus:tier:{o}:{alias}:1": f"tier:{o}:{who}" for alias, who in owner.items() for o in origins}
    there = select(PointEntry.key).where(PointEntry.shop_id == shop.id, PointEntry.key.in_(keys))
    return {keys[key] for key in session.scalars(there)}


def _mail(session: Session, shop: Shop, program: ProgramRules, changes: Sequence[TierChange]) -> None:
    ladder, now = program.document.tiers, clock.now(session)
    ranks = {tier.origin: rank for rank, tier in enumerate(program.tiers, start=1)}
    for change in changes:
        if now - change.occurred_at > NEWS or change.why.get("cause") == "rules":
            continue
        if change.kind == "risk" and ladder.mail_risk:
            _queue(session, shop, program, change, _risk(program, change), marketing=True)
        elif (
            change.kind == "tier"
            and ladder.mail_up
            and _rank(ranks, change.to_origin) > _rank(ranks, change.from_origin)
        ):
            _queue(session, shop, program, change, _up(program, change), marketing=False)


def _rank(ranks: dict[int, int], origin: int | None) -> int:
    return ranks.get(origin or 0, 0)


def _up(program: ProgramRules, change: TierChange) -> dict[str, Any]:
    tier = next(tier for tier in program.tiers if tier.origin == change.to_origin)
    return {"tier": tier.name, "perks": list(tier.terms.perks), "bonus": tier.terms.reward_points or None}


def _risk(program: ProgramRules, change: TierChange) -> dict[str, Any]:
    tier = next((tier for tier in program.tiers if tier.origin == change.to_origin), None)
    numbers = change.why.get("numbers", {})
    missing = [
        {"what": metric, "amount": terms.keep(tier, metric) - numbers.get(metric, 0)}
        for metric in (program.document.tiers.metrics if tier else ())
        if tier and terms.keep(tier, metric) > numbers.get(metric, 0)
    ]
    assert change.falls_at is not None
    return {"tier": change.to_name, "missing": missing, "falls_at": change.falls_at.isoformat()}


def _queue(
    session: Session,
    shop: Shop,
    program: ProgramRules,
    change: TierChange,
    context: dict[str, Any],
    marketing: bool,
) -> None:
    customer_id = merges.kept_for(session, shop.id, change.customer_id)
    customer = session.get(Customer, (shop.id, customer_id))
    if customer is None or not customer.email:
        return
    kind = "tier_risk" if change.kind == "risk" else "tier_up"
    shared = {"program": program.name, "points_name": program.points_many, "currency": program.currency}
    messages.queue(
        session,
        shop,
        kind=kind,
        key=f"{kind}:{change.id}",
        marketing=marketing,
        email=customer.email,
        customer_id=customer_id,
        template=kind,
        context=shared | context | {"url": shop.storefront_url},
        subject_kind="tier_change",
        subject_id=change.id,
        locale=customer.locale or shop.locale,
    )

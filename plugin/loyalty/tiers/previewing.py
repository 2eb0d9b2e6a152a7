"""Who would move if a draft of the programme were saved now, why, and what it would cost. Nothing is written.

People come with their figures in pages by customer id. The sums are over all members as far as `MOST` of them go;
beyond that they are over the first ones, and say so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from plugin import clock
from plugin.commerce.models import CustomerMerge, Order
from plugin.loyalty import mirror, queries
from plugin.loyalty.counting import rate_of
from plugin.loyalty.models import PointAccount
from plugin.loyalty.rules import ProgramRules, TierRules
from plugin.loyalty.standing import Histories, Stand, reach
from plugin.loyalty.tiers import facts
from plugin.loyalty.tiers.following import stand_of
from plugin.shops.models import Shop

MOST = 3_000
STEP = 500
YEAR = 365


@dataclass(frozen=True)
class Mover:
    """Somebody who would move, with the figures of the draft."""

    customer_id: int
    before: TierRules | None
    after: TierRules | None
    is_up: bool
    stand: Stand

    @property
    def moves(self) -> bool:
        """A tier that is only called otherwise is the same."""
        return (self.before and self.before.origin) != (self.after and self.after.origin)


@dataclass
class Preview:
    """`bonus_points` are for entering; `yearly_points` what other rates give more (or less) on a year's orders."""

    looked_at: int = 0
    of: int = 0
    up: int = 0
    down: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    bonus_points: int = 0
    yearly_points: int = 0


def preview(session: Session, shop: Shop, draft: ProgramRules) -> Preview:
    """The sums."""
    present = queries.program(session, shop, clock.now(session))
    draft = _named(draft, present)
    found, after = Preview(of=_members(session, shop)), 0
    found.counts = Counter({tier.name: 0 for tier in draft.tiers})
    while found.looked_at < MOST:
        people = _people(session, shop, after, STEP)
        if not people:
            break
        for mover in _judged(session, shop, draft, present, people):
            _add(found, mover, draft, present)
        found.looked_at += len(people)
        after = people[-1]
    return found


def movers(session: Session, shop: Shop, draft: ProgramRules, after: int = 0, size: int = 20) -> list[Mover]:
    """A page of those who would move, by customer id after `after`; looks at `MOST` members at most."""
    present = queries.program(session, shop, clock.now(session))
    draft = _named(draft, present)
    found: list[Mover] = []
    looked_at = 0
    while len(found) <= size and looked_at < MOST:
        people = _people(session, shop, after, STEP)
        if not people:
            break
        found += [mover for mover in _judged(session, shop, draft, present, people) if mover.moves]
        looked_at, after = looked_at + len(people), people[-1]
    return found[: size + 1]


def _named(draft: ProgramRules, present: ProgramRules | None) -> ProgramRules:
    """The draft's tiers as the ones they would go on as: of the same name, unless they say otherwise."""
    names = {tier.name: tier.origin for tier in present.tiers} if present else {}
    tiers = (t if t.origin > 0 else t._replace(origin=names.get(t.name, t.origin)) for t in draft.tiers)
    return draft._replace(tiers=tuple(tiers))


def _judged(
    session: Session, shop: Shop, draft: ProgramRules, present: ProgramRules | None, people: Sequence[int]
) -> list[Mover]:
    now = clock.now(session)
    programs = (draft,) if present is None else (present, draft)
    orders = mirror.orders_since(session, shop.id, people, reach(programs, now, shop.timezone))
    dated = facts.dated(session, shop.id, people, programs)
    today = Histories(orders, shop.timezone, programs[:1], dated)
    then = Histories(orders, shop.timezone, (draft,), dated)
    found = []
    for customer_id in people:
        before = stand_of(today, customer_id, present, now).tier if present else None
        stand = stand_of(then, customer_id, draft, now)
        is_up = _rank(draft, stand.tier) > (_rank(present, before) if present else 0)
        found.append(Mover(customer_id, before, stand.tier, is_up, stand))
    return found


def _rank(program: ProgramRules, tier: TierRules | None) -> int:
    return 0 if tier is None else 1 + [each.origin for each in program.tiers].index(tier.origin)


def _add(found: Preview, mover: Mover, draft: ProgramRules, present: ProgramRules | None) -> None:
    if mover.after is not None:
        found.counts[mover.after.name] += 1
    if mover.moves:
        found.up, found.down = found.up + mover.is_up, found.down + (not mover.is_up)
    had = {tier.origin for tier in present.tiers[: _rank(present, mover.before)]} if present else set()
    reached = draft.tiers[: _rank(draft, mover.after)]
    found.bonus_points += sum(tier.terms.reward_points for tier in reached if tier.origin not in had)
    new, old = rate_of(draft, mover.after), rate_of(present or draft, mover.before)
    found.yearly_points += int(mover.stand.spend_minor * (Fraction(*new) - Fraction(*old)))


def _members(session: Session, shop: Shop) -> int:
    return session.scalar(select(func.count(PointAccount.customer_id)).where(*_alive(shop))) or 0


def _people(session: Session, shop: Shop, after: int, size: int) -> Sequence[int]:
    ids = select(PointAccount.customer_id).where(*_alive(shop), PointAccount.customer_id > after)
    return session.scalars(ids.order_by(PointAccount.customer_id).limit(size)).all()


def _alive(shop: Shop) -> tuple[Any, ...]:
    merged = select(CustomerMerge.from_id).where(CustomerMerge.shop_id == shop.id)
    return PointAccount.shop_id == shop.id, PointAccount.customer_id.not_in(merged)


def seen_since(session: Session, shop: Shop) -> Order | None:
    """The oldest order that is imported: as far back tiers can look."""
    known = select(Order).where(Order.shop_id == shop.id, Order.processed_at.is_not(None))
    return session.scalars(known.order_by(Order.processed_at).limit(1)).first()

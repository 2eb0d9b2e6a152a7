"""Moving the points of referrals: what a referral is worth, minus what is out for it.

One referral and one account a transaction. The referral is locked and derived anew first, so a refund that came in
meanwhile is seen, and two workers cannot both pay.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin import clock
from plugin.commerce.models import Customer
from plugin.loyalty import queries
from plugin.loyalty.awarding import Award, award
from plugin.loyalty.referring import following, rules
from plugin.loyalty.referring.mails import tell_reward
from plugin.loyalty.referring.models import Referral
from plugin.shops.models import Shop

ACCOUNT = "referrals"


def settle_referrals(session: Session, shop: Shop) -> bool:
    """Look at the referral that is due the longest; False when none is."""
    due = Referral.shop_id == shop.id, Referral.due_at <= clock.now(session)
    oldest = select(Referral).where(*due).order_by(Referral.due_at, Referral.id).limit(1)
    referral = session.scalar(oldest.with_for_update(skip_locked=True), execution_options={"populate_existing": True})
    if referral is None:
        return False
    _settle(session, shop, referral)
    session.flush()
    return True


def _settle(session: Session, shop: Shop, referral: Referral) -> None:
    program = next(each for each in queries.programs(session, shop) if each.id == referral.program_id)
    there = following.standing(session, shop, referral, program)
    if there.points and not _is_there(session, shop, referral):
        there = rules.Standing(rules.REJECTED_, "advocate_gone")
    if there.points != referral.points:
        _move(session, shop, referral, there)
    following.note(referral, there)
    referral.due_at = there.due_at


def _is_there(session: Session, shop: Shop, referral: Referral) -> bool:
    advocate = session.get(Customer, (shop.id, referral.advocate_id))
    return advocate is not None and advocate.deleted_at is None


def _move(session: Session, shop: Shop, referral: Referral, there: rules.Standing) -> None:
    now = clock.now(session)
    told = {"referral": referral.id, "standing": there.reason, "order": referral.order_id}
    key = f"referral:{referral.id}"
    award(session, shop, Award(referral.advocate_id, there.points, key, ACCOUNT, told, now))
    more = there.points > referral.points
    referral.points, referral.rewarded_at = there.points, now if there.points else None
    if more:
        referral.awards += 1
        tell_reward(session, shop, referral)

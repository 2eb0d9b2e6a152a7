"""The two mails of a referral: the code for the friend who asked for it, and the reward for who shared the link."""

from __future__ import annotations

from sqlalchemy.orm import Session

from plugin.commerce.models import Customer
from plugin.loyalty import queries
from plugin.loyalty.referring.models import Referral
from plugin.messages import operations as messages
from plugin.shops.models import Shop


def send_code(session: Session, shop: Shop, referral: Referral) -> None:
    """The friend's code, to the address they gave; a service mail, asked for by the click, once a referral."""
    if not referral.email:
        return
    program = next(each for each in queries.programs(session, shop) if each.id == referral.program_id)
    terms = program.document.referrals
    context = {
        "code": referral.code,
        "percent": terms.friend_value if terms.friend_kind == "percent" else None,
        "value_minor": terms.friend_value if terms.friend_kind == "amount" else None,
        "minimum_minor": terms.minimum_minor or None,
        "currency": program.currency,
        "expires_at": referral.code_ends_at.isoformat(),
        "url": f"{shop.storefront_url}/discount/{referral.code}",
    }
    messages.queue(
        session,
        shop,
        kind="referral_welcome",
        key=f"referral_welcome:{referral.code}",
        marketing=False,
        email=referral.email,
        customer_id=None,
        template="referral_welcome",
        context=context,
        subject_kind="referral",
        subject_id=referral.id,
        locale=referral.locale,
    )


def tell_reward(session: Session, shop: Shop, referral: Referral) -> None:
    """The points have arrived. It says nothing of the friend but that there is one."""
    advocate = session.get(Customer, (shop.id, referral.advocate_id))
    if advocate is None or not advocate.email or not referral.points:
        return
    program = next(each for each in queries.programs(session, shop) if each.id == referral.program_id)
    name = program.points_one if referral.points == 1 else program.points_many
    messages.queue(
        session,
        shop,
        kind="referral_reward",
        key=f"referral_reward:{referral.id}:{referral.awards}",
        marketing=False,
        email=advocate.email,
        customer_id=advocate.id,
        template="referral_reward",
        context={"points": referral.points, "points_name": name, "program": program.name, "url": shop.storefront_url},
        subject_kind="referral",
        subject_id=referral.id,
        locale=advocate.locale or shop.locale,
    )

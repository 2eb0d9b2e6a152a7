"""A friend takes up an invitation: one claim a mailbox, whoever asks twice, and however the address is spelt.

The answer is the same for everybody, so nobody learns here who is a customer. Claiming is no consent to marketing: the
code is a service mail that was asked for by the click, and nothing else is ever sent to the address.
"""

from __future__ import annotations

from email_validator import EmailNotValidError, validate_email
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from plugin import clock
from plugin.commerce.mailboxes import mailbox
from plugin.errors import Invalid, Refused
from plugin.loyalty import holdout, queries
from plugin.loyalty.referring import facts, following, issuing, links
from plugin.loyalty.referring.models import Referral, ReferralLink
from plugin.loyalty.rules import ProgramRules
from plugin.shops.models import Shop

LONGEST = 254


class ReferralsClosed(Refused):
    """The shop does not reward referrals at the moment."""


def open_program(session: Session, shop: Shop, advocate_id: int) -> ProgramRules:
    """The version in force, when it rewards referrals of this customer. Raises ReferralsClosed."""
    program = queries.program(session, shop, clock.now(session))
    closed = program is None or program.paused or not program.document.referrals.enabled
    if program is None or closed or is_held_out(program, advocate_id):
        raise ReferralsClosed("Invitations are not rewarded at the moment.")
    return program


def is_held_out(program: ProgramRules, customer_id: int) -> bool:
    """Whether the programme's measurement leaves this customer without its benefits."""
    percent, salt = program.document.holdout.percent, program.holdout_salt
    return bool(percent and salt) and holdout.arm(salt or 0, percent, customer_id) == holdout.HOLDOUT


def claim(session: Session, shop: Shop, link_code: str, email: str, locale: str = "en") -> None:
    """Remember that a friend came by this link, and have their code made when nothing speaks against it.

    Raises NotFound for a link, ReferralsClosed, Invalid("email").
    """
    link = links.by_code(session, shop, link_code)
    program = open_program(session, shop, link.customer_id)
    referral = _remembered(session, shop, link, program, _address(email), locale)
    if referral is None:
        return
    following.refresh(session, shop, [referral])
    issuing.ensure_code(session, shop, referral, program)


def _remembered(
    session: Session, shop: Shop, link: ReferralLink, program: ProgramRules, email: str, locale: str
) -> Referral | None:
    now, box = clock.now(session), mailbox(email)
    values = {
        "shop_id": shop.id,
        "link_code": link.code,
        "advocate_id": link.customer_id,
        "program_id": program.id,
        "email": email,
        "mailbox": box,
        "code": issuing.named(shop, link.code, box, now.isoformat()),
        "code_ends_at": facts.code_ends(now, program.document.referrals.claim_days, shop.timezone),
        "claimed_at": now,
        "locale": locale,
    }
    made = insert(Referral).values(values).on_conflict_do_nothing(index_elements=["shop_id", "mailbox"])
    new = session.scalar(made.returning(Referral.id))
    one = select(Referral).where(Referral.shop_id == shop.id, Referral.id == new)
    return session.scalars(one).one() if new is not None else None


def _address(text: str) -> str:
    try:
        return validate_email(text.strip()[:LONGEST], check_deliverability=False).normalized.lower()
    except EmailNotValidError as error:
        raise Invalid("Enter an e-mail address, such as ines@example.com.", "email") from error

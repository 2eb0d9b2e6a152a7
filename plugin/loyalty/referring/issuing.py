"""The friend's welcome code: asked for as an effect, mailed once it is made, ended when the referral is refused."""

from __future__ import annotations

import base64
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.crypto.secrets import keyed
from plugin.effects import operations as effects
from plugin.loyalty.redeeming import CLOCK_SKEW, END_KIND
from plugin.loyalty.referring.mails import send_code
from plugin.loyalty.referring.models import Referral
from plugin.loyalty.rules import ProgramRules
from plugin.money import major
from plugin.shops.models import Shop

KIND = "referral_code"


def ensure_code(session: Session, shop: Shop, referral: Referral, program: ProgramRules) -> None:
    """Ask for the code of a claim that nothing speaks against; once. One that was ended is made anew, by a new name."""
    if referral.state != "claimed" or referral.code_state not in ("none", "ended"):
        return
    if referral.code_state == "ended":
        referral.code, referral.discount_gid = again(shop, referral), None
    effects.record(session, shop.id, KIND, referral.code, _payload(shop, referral, program), urgent=True)
    referral.code_state = "asked"
    session.flush()


def again(shop: Shop, referral: Referral) -> str:
    """Another code for the same friend."""
    return named(shop, "again", referral.code)


def named(shop: Shop, *parts: str) -> str:
    """A code that repeats for the same parts and cannot be guessed: "FRIEND-" and 60 bits of a keyed hash."""
    return "FRIEND-" + base64.b32encode(keyed("referral code", shop.id, *parts)).decode()[:12]


def end_code(session: Session, shop: Shop, referral: Referral) -> None:
    """The referral is refused: a code that was not used must not work any more."""
    if referral.code_state == "made" and referral.order_id is None:
        effects.record(session, shop.id, END_KIND, referral.code, {"discount_gid": referral.discount_gid})
        referral.code_state = "ended"


def _payload(shop: Shop, referral: Referral, program: ProgramRules) -> dict[str, Any]:
    terms = program.document.referrals
    return {
        "referral_id": referral.id,
        "code": referral.code,
        "title": program.name,
        "kind": terms.friend_kind,
        "percent": terms.friend_value,
        "amount": str(major(terms.friend_value, program.currency)),
        "minimum": str(major(terms.minimum_minor, program.currency)) if terms.minimum_minor else None,
        "starts_at": (referral.claimed_at - CLOCK_SKEW).isoformat(),
        "ends_at": referral.code_ends_at.isoformat(),
    }


def code_made(session: Session, shop: Shop, payload: dict[str, Any], result: dict[str, Any]) -> None:
    """The store has the code: it is mailed to the friend, unless the referral was refused meanwhile."""
    referral = _locked(session, shop, payload["referral_id"])
    if referral.code_state != "asked":
        return
    referral.code_state, referral.discount_gid = "made", result["discount_gid"]
    if referral.state == "rejected":
        end_code(session, shop, referral)
        return
    send_code(session, shop, referral)


def code_refused(session: Session, shop: Shop, payload: dict[str, Any], error: Exception) -> None:
    """The store will not make it: the panel says so at the referral."""
    _locked(session, shop, payload["referral_id"]).code_state = "refused"


def _locked(session: Session, shop: Shop, referral_id: int) -> Referral:
    one = select(Referral).where(Referral.shop_id == shop.id, Referral.id == referral_id).with_for_update()
    return session.scalars(one, execution_options={"populate_existing": True}).one()

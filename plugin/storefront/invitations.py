"""Behind a personal link: what the friend gets, and the form that asks for it. And the link itself, for its owner.

The answer to the form is the same for everybody: the code goes to the mailbox, so nobody learns here who is a customer,
and nobody gets a code for an address that is not theirs.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, request
from flask_babel import format_currency, get_locale
from sqlalchemy.orm import Session

from plugin.db.engine import transaction
from plugin.loyalty.referring import claiming, links, queries
from plugin.loyalty.referring.models import Referral
from plugin.loyalty.rules import ProgramRules
from plugin.money import major
from plugin.storefront import limits
from plugin.storefront.asked import back, client
from plugin.storefront.visitors import Visitor, visitor

invitations = Blueprint("invitations", __name__, url_prefix="/r")
# What an advocate reads: nobody is told what was thought of their friend.
TOLD = {"claimed": "invited", "held": "waiting", "in_review": "waiting", "rewarded": "rewarded"}


@invitations.get("/<code>")
def show(code: str) -> str:
    """The invitation: what there is, and one field."""
    here = visitor()
    limits.allow("invitation", 60, here.shop.id, client())
    with transaction(here.shop.id) as session:
        link = links.by_code(session, here.shop, code)
        program = claiming.open_program(session, here.shop)
        own = here.customer_id == link.customer_id
        if not own:
            links.opened(session, here.shop, link.code)
    return render_template(
        "storefront/invitation.html", own=own, path=f"{here.proxy_path}/r/{link.code}", **_page(program)
    )


@invitations.post("/<code>")
def claim(code: str) -> str:
    """The friend's address; the code follows by mail."""
    here = visitor()
    limits.allow("claim", 5, here.shop.id, client())
    limits.allow("claims of a link", 20, here.shop.id, code)
    email = request.form.get("email", "")[:254]
    with transaction(here.shop.id) as session:
        claiming.claim(session, here.shop, code, email, str(get_locale() or "en"))
        program = claiming.open_program(session, here.shop)
    return render_template("storefront/invited.html", **_page(program))


def _page(program: ProgramRules) -> dict[str, Any]:
    return {"shop": visitor().shop, "back": back(), "program": program, **offer(program)}


def offer(program: ProgramRules) -> dict[str, str]:
    """What the friend gets, in words of the reader's language."""
    terms = program.document.referrals
    amount = format_currency(major(terms.friend_value, program.currency), program.currency)
    least = format_currency(major(terms.minimum_minor, program.currency), program.currency)
    return {
        "gift": f"{terms.friend_value} %" if terms.friend_kind == "percent" else amount,
        "least": least if terms.minimum_minor else "",
    }


def own(session: Session, who: Visitor, program: ProgramRules | None) -> dict[str, Any] | None:
    """The visitor's link and what came of it; None when nobody is signed in or nothing is rewarded."""
    if who.customer_id is None or program is None or program.paused or not program.document.referrals.enabled:
        return None
    link = links.link_of(session, who.shop, who.customer_id)
    if link is None:
        return None
    return {
        "url": f"{who.shop.storefront_url or ''}{who.proxy_path}/r/{link.code}",
        "points": program.document.referrals.points,
        **offer(program),
        "invited": [_told(each) for each in queries.of_advocate(session, who.shop, who.customer_id)],
    }


def _told(referral: Referral) -> dict[str, Any]:
    """One of the friends, without who it is."""
    state = TOLD.get(referral.state, "over")
    until = referral.held_until.isoformat() if referral.held_until and state == "waiting" else None
    return {"state": state, "at": referral.claimed_at.isoformat(), "until": until, "points": referral.points}

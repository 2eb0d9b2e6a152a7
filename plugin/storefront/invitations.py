"""Behind a personal link: what the friend gets, and the form that asks for it. And the link itself, for its owner.

The answer to the form is the same for everybody: the code goes to the mailbox, so nobody learns here who is a customer,
and nobody gets a code for an address that is not theirs. Pages stand in the theme's own layout.

Facts: "About app proxies" in Shopify's documentation: an answer of type `application/liquid` is rendered by the store,
inside the theme. So that nobody's words can ever be Liquid, no answer holds an opening brace.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, render_template, request
from flask_babel import format_currency, format_decimal, get_locale, gettext
from sqlalchemy.orm import Session

from plugin.db.engine import transaction
from plugin.errors import Invalid, RegularsError
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
def show(code: str) -> Response:
    """The invitation: what there is, and one field."""
    here = visitor()
    limits.allow("invitation", 60, here.shop.id, client())
    with transaction(here.shop.id) as session:
        link = links.by_code(session, here.shop, code)
        program = claiming.open_program(session, here.shop, link.customer_id)
        own = here.customer_id == link.customer_id
        if not own:
            links.opened(session, here.shop, link.code)
    return _invitation(program, link.code, own)


@invitations.post("/<code>")
def claim(code: str) -> Response | tuple[Response, int]:
    """The friend's address; the code follows by mail."""
    here, email = visitor(), request.form.get("email", "")[:254]
    limits.allow("claim", 5, here.shop.id, client())
    limits.allow("claims of a link", 20, here.shop.id, code)
    with transaction(here.shop.id) as session:
        link = links.by_code(session, here.shop, code)
        program = claiming.open_program(session, here.shop, link.customer_id)
        try:
            claiming.claim(session, here.shop, link.code, email, str(get_locale() or "en"))
        except Invalid as error:
            return _invitation(program, link.code, said=error.words(gettext, format_decimal), typed=email), 422
    return themed("invited", **offer(program))


@invitations.errorhandler(RegularsError)
def refused(error: RegularsError) -> tuple[Response, int]:
    """A no, inside the theme too."""
    return themed("uninvited", said=error.words(gettext, format_decimal)), error.status


def _invitation(program: ProgramRules, code: str, own: bool = False, said: str = "", typed: str = "") -> Response:
    path = f"{visitor().proxy_path}/r/{code}"
    return themed("invitation", program=program, own=own, path=path, said=said, typed=typed, **offer(program))


def themed(name: str, **context: Any) -> Response:
    """A page for the theme's layout. An opening brace becomes its entity, so nothing of it is Liquid."""
    html = render_template(f"storefront/{name}.html", back=back(), **context)
    return Response(html.replace("{", "&#123;"), mimetype="application/liquid")


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
    if claiming.is_held_out(program, who.customer_id):
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

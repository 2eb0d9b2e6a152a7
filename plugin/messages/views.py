"""The public unsubscribe page. GET only shows (link scanners fetch everything); POST ends, also without a browser.

Sources: RFC 8058 (one-click: no cookies, no redirect, a token nobody can forge).
"""

from __future__ import annotations

import secrets as randomness
from typing import Any

from flask import Blueprint, Response, make_response, render_template, request
from flask_babel import force_locale, gettext
from sqlalchemy.orm import Session

from plugin.db import engine as db
from plugin.errors import NotFound
from plugin.messages import leaving
from plugin.messages.letters import common_context
from plugin.messages.models import Message
from plugin.messages.rules import ALL, PROGRAM
from plugin.shops import queries as shops
from plugin.shops.models import Shop

ONE_CLICK = "One-Click"
LONGEST_BODY = 10_000

unsubscribing = Blueprint("unsubscribing", __name__, url_prefix="/u", template_folder="pages")


@unsubscribing.get("/<token>")
def ask(token: str) -> Response:
    """The page with the button. It changes nothing."""
    link = leaving.read(token)
    with db.transaction(link.shop_id) as session:
        shop = shops.shop(session)
        return _page(session, shop, leaving.message(session, shop, link), None)


@unsubscribing.post("/<token>")
def answer(token: str) -> Response:
    """Unsubscribe (a mail program's one click or the page's button), or come back. Repeating it is fine."""
    link = leaving.read(token)
    request.max_content_length = LONGEST_BODY
    with db.transaction(link.shop_id) as session:
        shop = shops.shop(session)
        mail = leaving.message(session, shop, link)
        with force_locale(mail.locale):
            scope = _act(session, shop, mail)
        return _page(session, shop, mail, scope)


@unsubscribing.errorhandler(NotFound)
def not_found(_: NotFound) -> tuple[Response, int]:
    """Forged, cut off, or of another shop: all look the same."""
    return _answer("gone.html"), 404


def _act(session: Session, shop: Shop, mail: Message) -> str | None:
    """Do what was asked; the scope that is ended now, or None after coming back."""
    scope = ALL if request.form.get("scope") == ALL else mail.scope
    if request.form.get("again"):
        leaving.come_back(session, shop, mail, scope, words_again(shop, mail, scope), "unsubscribe_page")
        return None
    one_click = request.form.get("List-Unsubscribe") == ONE_CLICK
    words = "List-Unsubscribe=One-Click" if one_click else words_stop(shop, mail, scope)
    leaving.leave(session, shop, mail, scope, words, "one_click" if one_click else "unsubscribe_page")
    return scope


def words_stop(shop: Shop, mail: Message, scope: str) -> str:
    """What the button says, kept with the withdrawal."""
    if scope == ALL:
        return gettext("Stop all marketing mails from %(shop)s", shop=_name(shop))
    return gettext("Stop “%(field)s”", field=_field(mail))


def words_again(shop: Shop, mail: Message, scope: str) -> str:
    """What the way back says, kept with the consent."""
    if scope == ALL:
        return gettext("Send me marketing mails from %(shop)s again", shop=_name(shop))
    return gettext("Send me “%(field)s” again", field=_field(mail))


def _page(session: Session, shop: Shop, mail: Message, ended: str | None) -> Response:
    """The question, or what was done; in the language of the mail."""
    with force_locale(mail.locale):
        scopes = [mail.scope] if mail.scope == ALL else [mail.scope, ALL]
        return _answer(
            "unsubscribe.html",
            shop_name=_name(shop),
            shop_url=common_context(shop)["shop"]["url"],
            locale=mail.locale,
            address=masked(mail.email),
            ended=ended,
            came_back=bool(request.form.get("again")),
            stops=[(scope, words_stop(shop, mail, scope)) for scope in scopes],
            again=words_again(shop, mail, ended) if ended and leaving.has_left(session, shop, mail, ended) else "",
        )


def _answer(template: str, **values: Any) -> Response:
    nonce = randomness.token_urlsafe(16)
    response = make_response(render_template(template, nonce=nonce, **values))
    policy = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
    response.headers["Content-Security-Policy"] = policy
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def masked(email: str) -> str:
    """Enough of an address to know one's own: o…a@example.com."""
    local, at, domain = email.partition("@")
    return f"{local[:1]}…{local[-1:]}{at}{domain}" if at else ""


def _name(shop: Shop) -> str:
    return str(common_context(shop)["shop"]["name"])


def _field(mail: Message) -> str:
    if mail.scope == PROGRAM:
        return gettext("mails about your points")
    return str((mail.context.get("field") or {}).get("label") or gettext("these mails"))

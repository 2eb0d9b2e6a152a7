"""Mails of the programme: which go out, in which words, how they look, and a test of each."""

from __future__ import annotations

import secrets as randomness

from flask import Blueprint, Response, g, request
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session
from wtforms import StringField, TextAreaField

from admin_ui.campaigns.forms import TestForm
from admin_ui.campaigns.previews import as_typed, shop_of, ticket
from admin_ui.forms import AtMost, Given, PanelForm, stripped
from admin_ui.mails import words
from admin_ui.panel import actor, desk, done, page, told, without_session
from plugin.db.engine import transaction
from plugin.errors import Invalid
from plugin.insights import mails as insights
from plugin.jobs.doorbell import ring
from plugin.loyalty.mails import keeping
from plugin.loyalty.mails.keeping import Setting
from plugin.messages import letters, template_store
from plugin.messages import operations as messages
from plugin.messages.template_store import Source

mails = Blueprint("mails", __name__, url_prefix="/loyalty/mails")
Answer = str | Response | tuple[str, int]


class MailForm(PanelForm):
    """The words of one mail."""

    subject = StringField(_("Subject"), [Given(), AtMost(200)], filters=[stripped])
    preheader = StringField(_("Preview line"), [AtMost(200)], filters=[stripped])
    mjml = TextAreaField(_("Mail (MJML with Liquid)"), [AtMost(100_000)], filters=[stripped])
    text = TextAreaField(_("Plain-text part (Liquid)"), [AtMost(20_000)], filters=[stripped])


@mails.get("")
def index() -> str:
    """All kinds, with their switches and what went out lately."""
    with desk() as session:
        kept = keeping.settings(session, g.shop)
        sent = insights.sent_lately(session, g.shop, kept)
        return page("mails/index.html", rows=kept.values(), sent=sent, words=words)


@mails.get("/<kind>")
def edit(kind: str) -> str:
    """The form of one mail."""
    with desk() as session:
        own = keeping.setting(session, g.shop, kind)
        return _form(own, MailForm(obj=keeping.source(session, g.shop, own)))


@mails.post("/<kind>")
def save(kind: str) -> Answer:
    """Keep the typed words; emptied parts go back to those it came with."""
    form = MailForm(request.form)
    with desk() as session:
        own = keeping.setting(session, g.shop, kind)
        try:
            if not form.validate():
                return _form(own, form), 422
            keeping.rewrite(session, g.shop, kind, _source(kind, form), actor())
        except Invalid as error:
            form.reject(error if error.field else Invalid.at("mjml", error))
            return _form(own, form), 422
    return done(f"/loyalty/mails/{kind}", gettext("Mail saved. What goes out from now on is written like this."))


@mails.post("/<kind>/<any(on,off):state>")
def switch(kind: str, state: str) -> Response:
    """Let a kind go out or not."""
    with desk() as session:
        own = keeping.setting(session, g.shop, kind)
        keeping.switch(session, g.shop, kind, state == "on", actor())
    told_so = gettext("Switched on: %(mail)s.") if state == "on" else gettext("Switched off: %(mail)s.")
    back = f"/loyalty/mails/{kind}/{'off' if state == 'on' else 'on'}"
    return done("/loyalty/mails", told_so % {"mail": words.name(own.kind)}, (gettext("Undo"), back))


@mails.post("/<kind>/again")
def restore(kind: str) -> Response:
    """Go back to the words it came with."""
    with desk() as session:
        keeping.rewrite(session, g.shop, kind, template_store.built_in(_known(session, kind)), actor())
    return done(f"/loyalty/mails/{kind}", gettext("The words it came with are back."))


@mails.post("/<kind>/test")
def send_test(kind: str) -> Answer:
    """The mail as it is kept, with sample contents, to the address that was typed."""
    test = TestForm(request.form)
    with desk() as session:
        own = keeping.setting(session, g.shop, kind)
        if not test.validate():
            return _form(own, MailForm(obj=keeping.source(session, g.shop, own)), test), 422
        _queue_test(session, own, str(test.email.data))
    ring("messages.send_due")
    return told(gettext("A test mail is on its way to %(email)s.", email=test.email.data))


@mails.post("/<kind>/preview")
@without_session
def preview(kind: str) -> Response:
    """The mail as it is typed now, for a frame that cannot carry a session."""
    shop = shop_of(request.form.get("ticket", ""))
    if isinstance(shop, Response):
        return shop
    form = MailForm(request.form)
    with transaction(shop.id) as session:
        own = keeping.setting(session, shop, kind)
        context = letters.common_context(shop) | keeping.sample(session, shop, own.kind)
    context |= {"customer": {"first_name": "Olga", "last_name": "Petrenko"}}
    context["unsubscribe_url"] = "" if own.kind.asked else f"{letters.storefront(shop)}/#unsubscribe"
    return as_typed(_source(kind, form), context)


def _known(session: Session, kind: str) -> str:
    return keeping.setting(session, g.shop, kind).kind.name


def _source(kind: str, form: MailForm) -> Source:
    """The typed texts, line ends as files have them; the built-in ones where a part was emptied."""
    known = template_store.built_in(kind)
    mjml, text = (value.replace("\r\n", "\n") for value in (form.mjml.data or "", form.text.data or ""))
    return Source(form.subject.data or "", form.preheader.data or "", mjml or known.mjml, text or known.text)


def _queue_test(session: Session, own: Setting, email: str) -> None:
    template = {"digest": own.digest} if own.digest else {"name": own.kind.name}
    customer = {"first_name": "Olga", "last_name": "Petrenko"}
    messages.queue(
        session,
        g.shop,
        kind="test",
        key=f"test:{own.kind.name}:{randomness.token_urlsafe(9)}",
        marketing=False,
        email=email,
        customer_id=None,
        template=template,
        context=keeping.sample(session, g.shop, own.kind) | {"customer": customer},
        locale=g.shop.locale,
    )


def _form(own: Setting, form: MailForm, test: TestForm | None = None) -> str:
    return page(
        "mails/form.html",
        own=own,
        form=form,
        test=test or TestForm(data={"email": g.shop.email}),
        ticket=ticket(g.shop.id),
        words=words,
    )

"""Points by hand: a number, a reason, and a way back."""

from __future__ import annotations

import secrets

from flask import Blueprint, Response, g, request
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session
from wtforms import HiddenField, StringField

from admin_ui.customers import words
from admin_ui.forms import AtMost, Given, PanelForm, WholeField, stripped
from admin_ui.panel import actor, desk, done, page
from plugin.commerce import queries as commerce
from plugin.errors import Invalid, Refused
from plugin.loyalty import operations, queries

points = Blueprint("points", __name__, url_prefix="/customers/<int:customer_id>/points")
Answer = str | Response | tuple[str, int]


class AdjustForm(PanelForm):
    """Points to give, or with a minus to take. The key makes a double click one adjustment."""

    points = WholeField(_("Points"), [Given()])
    reason = StringField(_("Reason"), [Given(), AtMost(200)], filters=[stripped])
    key = HiddenField()


@points.get("")
def new(customer_id: int) -> str:
    """The form of an adjustment."""
    with desk() as session:
        return _form(session, customer_id, AdjustForm(data={"key": secrets.token_urlsafe(12)}))


@points.post("")
def adjust(customer_id: int) -> Answer:
    """Give or take the typed points."""
    form = AdjustForm(request.form)
    with desk() as session:
        if not form.validate():
            return _form(session, customer_id, form), 422
        try:
            key = str(form.key.data)
            entry_id = operations.adjust(session, g.shop, customer_id, form.points.data, form.reason.data, actor(), key)
        except Invalid as error:
            form.reject(error)
            return _form(session, customer_id, form), 422
        except Refused as error:
            form.reject(Invalid.at("points", error))
            return _form(session, customer_id, form), 422
    undo = gettext("Undo"), f"/customers/{customer_id}/points/{entry_id}/undo"
    return done(f"/customers/{customer_id}", gettext("Points adjusted."), undo)


@points.post("/<int:entry_id>/undo")
def undo(customer_id: int, entry_id: int) -> Response:
    """Take one adjustment back."""
    with desk() as session:
        operations.undo_adjust(session, g.shop, entry_id, actor())
    return done(f"/customers/{customer_id}", gettext("The adjustment was undone."))


def _form(session: Session, customer_id: int, form: AdjustForm) -> str:
    return page(
        "customers/points.html",
        form=form,
        customer=commerce.customer(session, g.shop, customer_id),
        account=queries.account(session, g.shop, customer_id, g.now),
        words=words,
    )

"""Subscription fields: the list, one field, and which products it is about."""

from __future__ import annotations

from flask import Blueprint, Response, g, request
from flask_babel import gettext
from sqlalchemy.orm import Session

from admin_ui.panel import actor, desk, done, page
from admin_ui.subscriptions.forms import FieldForm
from plugin.errors import Invalid
from plugin.storefront import operations as storefront
from plugin.subscriptions import operations, queries
from plugin.subscriptions.models import SubscriptionField

subscriptions = Blueprint("subscriptions", __name__, url_prefix="/subscriptions")
Answer = str | Response | tuple[str, int]
SHOWN_PRODUCTS = 8


@subscriptions.get("")
def index() -> str:
    """All fields with what became of them."""
    with desk() as session:
        return page("subscriptions/index.html", reports=queries.fields(session, g.shop))


@subscriptions.get("/new")
def new() -> str:
    """The form of a new field."""
    with desk() as session:
        return _form(session, FieldForm(data=_suggested()), None)


@subscriptions.post("/new")
def create() -> Answer:
    """Keep a new field."""
    form = FieldForm(request.form)
    with desk() as session:
        if not form.validate():
            return _form(session, form, None), 422
        try:
            field = operations.create_field(session, g.shop, actor=actor(), **form.values())
            storefront.publish(session, g.shop)
        except Invalid as error:
            form.reject(error)
            return _form(session, form, None), 422
    return done(f"/subscriptions/{field.id}", gettext("Field added. It shows on matching product pages."))


@subscriptions.get("/<int:field_id>")
def show(field_id: int) -> str:
    """The form of one field with its subscribers."""
    with desk() as session:
        field = queries.field(session, g.shop, field_id)
        return _form(session, FieldForm(obj=field), field)


@subscriptions.post("/<int:field_id>")
def save(field_id: int) -> Answer:
    """Keep a changed field."""
    form = FieldForm(request.form)
    with desk() as session:
        field = queries.field(session, g.shop, field_id)
        if not form.validate():
            return _form(session, form, field), 422
        try:
            operations.update_field(session, g.shop, field_id, actor=actor(), **form.values())
            storefront.publish(session, g.shop)
        except Invalid as error:
            form.reject(error)
            return _form(session, form, field), 422
    return done(f"/subscriptions/{field_id}", gettext("Field saved."))


@subscriptions.post("/<int:field_id>/pause")
def pause(field_id: int) -> Response:
    """Stop showing and announcing."""
    with desk() as session:
        operations.pause_field(session, g.shop, field_id, actor=actor())
        storefront.publish(session, g.shop)
    undo = gettext("Undo"), f"/subscriptions/{field_id}/resume"
    return done(f"/subscriptions/{field_id}", gettext("Field paused. Its subscribers are kept."), undo)


@subscriptions.post("/<int:field_id>/resume")
def resume(field_id: int) -> Response:
    """Show and announce again."""
    with desk() as session:
        operations.resume_field(session, g.shop, field_id, actor=actor())
        storefront.publish(session, g.shop)
    undo = gettext("Undo"), f"/subscriptions/{field_id}/pause"
    return done(f"/subscriptions/{field_id}", gettext("Field is shown again."), undo)


@subscriptions.post("/matches")
def matches() -> str:
    """The products the typed type or tag is about, in words; part of the form."""
    kind, value = request.form.get("match_kind", "type"), request.form.get("match_value", "").strip()
    with desk() as session:
        count, products = queries.matching_products(session, g.shop, kind, value, SHOWN_PRODUCTS) if value else (0, [])
        return page("subscriptions/matches.html", products=products, count=count, value=value)


def _form(session: Session, form: FieldForm, field: SubscriptionField | None) -> str:
    return page(
        "subscriptions/form.html",
        form=form,
        field=field,
        types=queries.known_values(session, g.shop, "type"),
        tags=queries.known_values(session, g.shop, "tag"),
        subscribers=queries.subscriptions(session, g.shop, field.id) if field else [],
    )


def _suggested() -> dict[str, str]:
    return {
        "match_kind": "type",
        "label": gettext("Tell me about new products"),
        "consent_text": gettext("Send me an e-mail when a new product arrives. I can unsubscribe at any time."),
        "subject": gettext("Just arrived: {{ product.title }}"),
    }

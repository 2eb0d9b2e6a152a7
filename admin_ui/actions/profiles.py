"""Profile fields, which shoppers fill in on the storefront, and the token for sending events."""

from __future__ import annotations

import json

from flask import Blueprint, Response, g, request
from flask_babel import gettext
from sqlalchemy.orm import Session

from admin_ui.actions.forms import FieldForm
from admin_ui.panel import actor, desk, done, page
from plugin.config import config
from plugin.errors import Invalid
from plugin.loyalty.acting import profiles, tokens
from plugin.loyalty.acting.models import ProfileField

asked = Blueprint("profile_fields", __name__, url_prefix="/loyalty/ways")
Answer = str | Response | tuple[str, int]
FIELDS = "/loyalty/ways/fields"


@asked.get("/fields")
def fields() -> str:
    """What is asked, and the form for one more."""
    with desk() as session:
        return _fields(session, FieldForm())


@asked.post("/fields")
def add() -> Answer:
    """Ask for one more thing."""
    form = FieldForm(request.form)
    with desk() as session:
        if not form.validate() or not _saved(session, form):
            return _fields(session, form), 422
    return done(FIELDS, gettext("Added. Shoppers can answer now."))


@asked.get("/fields/<int:field_id>")
def field(field_id: int) -> str:
    """One field."""
    with desk() as session:
        found = profiles.field(session, g.shop, field_id)
        form = FieldForm(data={"label": found.label, "kind": found.kind, "choices": "\n".join(found.choices)})
        return page("actions/field.html", form=form, field=found)


@asked.post("/fields/<int:field_id>")
def change(field_id: int) -> Answer:
    """Change its words."""
    form = FieldForm(request.form)
    with desk() as session:
        found = profiles.field(session, g.shop, field_id)
        form.kind.data = found.kind
        if not form.validate() or not _saved(session, form, found):
            return page("actions/field.html", form=form, field=found), 422
    return done(FIELDS, gettext("Saved."))


@asked.post("/fields/<int:field_id>/<any(archive, restore):what>")
def archive(field_id: int, what: str) -> Response:
    """Ask no more, or again."""
    with desk() as session:
        profiles.archive_field(session, g.shop, actor(), field_id, what == "archive")
    if what == "archive":
        undo = gettext("Undo"), f"{FIELDS}/{field_id}/restore"
        return done(FIELDS, gettext("Not asked any more. Answers stay with the customers."), undo)
    return done(FIELDS, gettext("Asked again."))


@asked.get("/token")
def token() -> str:
    """Which tokens open the door, without showing one."""
    with desk() as session:
        return page("actions/token.html", tokens=tokens.current(session, g.shop), new=None, sample=_sample())


@asked.post("/token")
def make() -> str:
    """A new token, shown this once."""
    with desk() as session:
        new = tokens.make(session, g.shop, actor())
        return page("actions/token.html", tokens=tokens.current(session, g.shop), new=new, sample=_sample())


@asked.post("/token/end")
def end() -> Response:
    """Let no token open any more."""
    with desk() as session:
        tokens.end(session, g.shop, actor())
    return done("/loyalty/ways/token", gettext("Ended. Nobody can send events now."))


def _sample() -> str:
    """A command that sends an event: code, so the same in every language."""
    event = {"customer": "ann@example.com", "event": "review", "id": "review-1", "occurred_at": "2026-03-02T12:00:00Z"}
    return (
        f"curl {config().app_url.rstrip('/')}/api/v1/events \\\n"
        '  -H "Authorization: Bearer …" -H "Content-Type: application/json" \\\n'
        f"  -d '{json.dumps(event)}'"
    )


def _fields(session: Session, form: FieldForm) -> str:
    return page("actions/fields.html", fields=profiles.fields(session, g.shop), form=form)


def _saved(session: Session, form: FieldForm, found: ProfileField | None = None) -> bool:
    said = form.label.data or "", form.kind.data, (form.choices.data or "").splitlines()
    try:
        profiles.save_field(session, g.shop, actor(), *said, found.id if found else None)
    except Invalid as error:
        form.reject(error)
        return False
    return True

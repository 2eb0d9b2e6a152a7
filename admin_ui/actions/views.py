"""Ways to earn beside orders: the list in its order, one of them with its worked example, and what was decided."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from flask import Blueprint, Response, g, request
from flask_babel import gettext
from sqlalchemy.orm import Session

from admin_ui.actions import words
from admin_ui.actions.forms import WayForm, of_way
from admin_ui.customers import words as people
from admin_ui.panel import actor, desk, done, page
from plugin.commerce import queries as commerce
from plugin.errors import Invalid, NotFound
from plugin.loyalty import queries as loyalty
from plugin.loyalty.acting import profiles, queries, saving
from plugin.loyalty.acting.terms import KINDS, Kind, Way
from plugin.loyalty.rules import ProgramRules

ways = Blueprint("ways", __name__, url_prefix="/loyalty/ways")
Answer = str | Response | tuple[str, int]
SUGGESTED = {"signup": 100, "birthday": 200, "newsletter": 50, "profile_field": 25, "event": 50, "anniversary": 100}


@ways.get("")
def index() -> str:
    """The list, first asked first."""
    with desk() as session:
        program = loyalty.latest_program(session, g.shop)
        return page(
            "actions/index.html",
            program=program,
            ways=program.document.actions.ways if program else (),
            given=queries.given(session, g.shop),
            labels=queries.labels(session, g.shop),
            kinds=KINDS,
            words=words,
        )


@ways.get("/new/<kind>")
def new(kind: str) -> str:
    """An empty form of a kind."""
    with desk() as session:
        program = _program(session)
        way = Way(0, _kind(kind), SUGGESTED[_kind(kind)], name="review" if kind == "event" else "")
        return _form(
            session, way, program, WayForm.for_kind(*_asked(session, way, program), data=of_way(way, program.version))
        )


@ways.post("/new/<kind>")
def add(kind: str) -> Answer:
    """Add the typed way."""
    with desk() as session:
        return _save(session, Way(0, _kind(kind), 1), _program(session))


@ways.get("/<int:way_id>")
def show(way_id: int) -> str:
    """One way."""
    with desk() as session:
        program = _program(session)
        way = saving.find(program.document.actions.ways, way_id)
        return _form(
            session, way, program, WayForm.for_kind(*_asked(session, way, program), data=of_way(way, program.version))
        )


@ways.post("/<int:way_id>")
def save(way_id: int) -> Answer:
    """Keep the typed way as a new version of the programme."""
    with desk() as session:
        program = _program(session)
        return _save(session, saving.find(program.document.actions.ways, way_id), program)


@ways.post("/<int:way_id>/<any(on, off):state>")
def switch(way_id: int, state: str) -> Response:
    """Turn one on or off."""
    with desk() as session:
        saving.switch(session, g.shop, actor(), way_id, state == "on")
    if state == "on":
        return done("/loyalty/ways", gettext("On from now."), (gettext("Undo"), f"/loyalty/ways/{way_id}/off"))
    message = gettext("Off from now. What it gave stays.")
    return done("/loyalty/ways", message, (gettext("Undo"), f"/loyalty/ways/{way_id}/on"))


@ways.post("/<int:way_id>/up")
def up(way_id: int) -> Response:
    """Ask one earlier."""
    with desk() as session:
        saving.move_up(session, g.shop, actor(), way_id)
    return done("/loyalty/ways", gettext("Moved up."))


@ways.post("/<int:way_id>/remove")
def remove(way_id: int) -> Response:
    """Take one out."""
    with desk() as session:
        saving.remove(session, g.shop, actor(), way_id)
    return done("/loyalty/ways", gettext("Removed. What it gave stays."))


@ways.post("/example/<kind>")
def example(kind: str) -> str:
    """What the typed way does, in words; part of the form."""
    with desk() as session:
        program = _program(session)
        way = Way(0, _kind(kind), 1)
        form = WayForm.for_kind(*_asked(session, way, program), request.form)
        today = g.now.astimezone(ZoneInfo(g.shop.timezone)).date()
        labels = queries.labels(session, g.shop)
        said = words.example(form.way(way.kind), program, today, labels) if form.validate() else []
        return page("actions/example.html", lines=said)


@ways.get("/log")
def log() -> str:
    """The latest decisions, of everybody or of one customer."""
    customer_id = request.args.get("customer", type=int)
    with desk() as session:
        found = queries.deeds(session, g.shop, customer_id)
        return page(
            "actions/log.html",
            deeds=found,
            customers=commerce.customers_by_id(session, g.shop, [deed.customer_id for deed in found]),
            one=commerce.customer(session, g.shop, customer_id) if customer_id is not None else None,
            labels=queries.labels(session, g.shop),
            people=people,
            words=words,
        )


def _save(session: Session, way: Way, program: ProgramRules) -> Answer:
    form = WayForm.for_kind(*_asked(session, way, program), request.form)
    if not form.validate():
        return _form(session, way, program, form), 422
    try:
        saved = saving.put(session, g.shop, actor(), form.way(way.kind, way.id), form.shown)
    except Invalid as error:
        form.reject(error)
        return _form(session, way, program, form), 422
    message = gettext("Saved. It holds from now on.")
    return done("/loyalty/ways" if way.id == 0 else f"/loyalty/ways/{saved.id}", message)


def _form(session: Session, way: Way, program: ProgramRules, form: WayForm) -> str:
    fields = profiles.fields(session, g.shop)
    asks = {"has_birthday": any(each.kind == "birthday" for each in fields), "has_fields": bool(fields)}
    return page("actions/way.html", form=form, way=way, program=program, words=words, **asks)


def _asked(session: Session, way: Way, program: ProgramRules) -> tuple[Kind, ProgramRules, dict[int, str]]:
    """What the form of a way needs; the birthday has a kind of its own."""
    fields = {each.id: each.label for each in profiles.fields(session, g.shop)}
    if way.field:
        fields |= {way.field: queries.labels(session, g.shop).get(way.field, str(way.field))}
    return way.kind, program, fields


def _program(session: Session) -> ProgramRules:
    program = loyalty.latest_program(session, g.shop)
    if program is None:
        raise NotFound("Launch the programme first: these points are part of it.")
    return program


def _kind(kind: str) -> Kind:
    if kind not in KINDS:
        raise NotFound("There is no such way to earn.")
    return kind

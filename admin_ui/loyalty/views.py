"""Loyalty: the rules of the programme with worked examples, its versions, and the rewards."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from flask import Blueprint, Response, g, request
from flask_babel import gettext
from sqlalchemy.orm import Session

from admin_ui.loyalty import examples
from admin_ui.loyalty.forms import ProgramForm, of_program, suggested
from admin_ui.loyalty.tier_forms import TierForm
from admin_ui.panel import actor, desk, done, page
from admin_ui.tiers import views as tiers
from plugin.errors import Invalid
from plugin.insights import loyalty as insights
from plugin.jobs.doorbell import ring
from plugin.loyalty import operations, queries
from plugin.loyalty.document import PLAIN
from plugin.loyalty.programs import ProgramDraft, draft_of, rules_of
from plugin.loyalty.replaying import saving as replays
from plugin.loyalty.rules import ProgramRules
from plugin.money import digits
from plugin.storefront import operations as storefront

loyalty = Blueprint("loyalty", __name__, url_prefix="/loyalty")
Answer = str | Response | tuple[str, int]
FIRST_ORDER_EVER = datetime(2000, 1, 1, tzinfo=UTC)


@loyalty.get("")
def index() -> str:
    """The programme's form with rewards and versions."""
    with desk() as session:
        program = queries.latest_program(session, g.shop)
        shown = _tried(session, request.args.get("replay", type=int)) or program
        form = ProgramForm(data=of_program(shown) if shown else suggested(10 ** digits(g.shop.currency)))
        return _form(session, form, program)


def _tried(session: Session, replay_id: int | None) -> ProgramRules | None:
    """The draft of a replay, to go on with."""
    if replay_id is None:
        return None
    return rules_of(replays.draft_of(replays.get(session, g.shop, replay_id)), g.shop.currency)


@loyalty.post("")
def save() -> Answer:
    """Keep the typed rules as a new version."""
    form = ProgramForm(request.form)
    with desk() as session:
        program = queries.latest_program(session, g.shop)
        if not form.validate():
            return _form(session, form, program), 422
        try:
            document = program.document if program else PLAIN
            draft = form.draft(bool(program and program.paused), document)
            _save(session, draft, form.starts.data)
        except Invalid as error:
            form.reject(error)
            return _form(session, form, program), 422
    ring("loyalty.settle_due")
    if program is None:
        return done("/loyalty", gettext("Programme launched. Points for past orders are being counted."))
    return done("/loyalty", gettext("Saved as version %(version)s.", version=program.version + 1))


def _save(session: Session, draft: ProgramDraft, starts: str) -> None:
    operations.save_program(session, g.shop, actor(), draft, FIRST_ORDER_EVER if starts == "past" else None)
    storefront.publish(session, g.shop)


@loyalty.get("/catching-up")
def catching_up() -> str:
    """The banner alone, for the page that watches it."""
    with desk() as session:
        return page("loyalty/catching_up.html", catching_up=insights.is_catching_up(session, g.shop))


@loyalty.post("/pause")
def pause() -> Response:
    """Let orders earn nothing."""
    _switch(paused=True)
    message = gettext("Programme paused. Orders earn nothing until you go on; balances stay.")
    return done("/loyalty", message, (gettext("Undo"), "/loyalty/resume"))


@loyalty.post("/resume")
def resume() -> Response:
    """Let orders earn again."""
    _switch(paused=False)
    return done("/loyalty", gettext("Programme goes on."), (gettext("Undo"), "/loyalty/pause"))


def _switch(paused: bool) -> None:
    with desk() as session:
        program = queries.latest_program(session, g.shop)
        if program is not None and program.paused != paused:
            operations.save_program(session, g.shop, actor(), replace(draft_of(program), paused=paused))
            storefront.publish(session, g.shop)


@loyalty.post("/example")
def example() -> str:
    """Worked examples for what is typed now; part of the form."""
    form = ProgramForm(request.form)
    lines = examples.lines(form.draft(), g.shop.currency) if form.validate() else []
    return page("loyalty/example.html", lines=lines)


@loyalty.post("/moves")
def moves() -> str:
    """Whom the typed tiers would move; part of the form."""
    form = ProgramForm(request.form)
    if not form.validate():
        return page("loyalty/moves.html", moves=None)
    with desk() as session:
        try:
            return page("loyalty/moves.html", **tiers.moves(session, form))
        except Invalid:
            return page("loyalty/moves.html", moves=None)


def _form(session: Session, form: ProgramForm, program: ProgramRules | None) -> str:
    return page(
        "loyalty/index.html",
        form=form,
        blank=_blank_tier(),
        program=program,
        catching_up=insights.is_catching_up(session, g.shop),
        versions=queries.programs(session, g.shop)[::-1],
        rewards=queries.rewards(session, g.shop),
        look_back=tiers.look_back(session),
    )


def _blank_tier() -> TierForm:
    return TierForm(prefix="tiers-__index__-")

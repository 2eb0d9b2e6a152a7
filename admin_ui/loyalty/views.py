"""Loyalty: the rules of the programme with worked examples, its versions, and the rewards."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from flask import Blueprint, Response, g, request
from flask_babel import get_locale, gettext
from sqlalchemy.orm import Session

from admin_ui.loyalty import earn_examples, examples, goods, versions
from admin_ui.loyalty.earn_forms import blanks, offered_tiers, shown_tier
from admin_ui.loyalty.forms import ProgramForm, of_program, suggested
from admin_ui.loyalty.tier_forms import TierForm
from admin_ui.panel import actor, desk, done, page
from admin_ui.tiers import views as tiers
from plugin.errors import Invalid
from plugin.insights import loyalty as insights
from plugin.jobs.doorbell import ring
from plugin.loyalty import operations, queries
from plugin.loyalty.checking import check_ends
from plugin.loyalty.document import PLAIN
from plugin.loyalty.programs import ChangedMeanwhile, ProgramDraft, check, draft_of, rules_of
from plugin.loyalty.replaying import saving as replays
from plugin.loyalty.rules import ProgramRules
from plugin.money import digits
from plugin.storefront import operations as storefront

loyalty = Blueprint("loyalty", __name__, url_prefix="/loyalty")
Answer = str | Response | tuple[str, int]
FIRST_ORDER_EVER = datetime(2000, 1, 1, tzinfo=UTC)
MOST_VERSIONS = 10


@loyalty.get("")
def index() -> str:
    """The programme's form with rewards and versions."""
    with desk() as session:
        program = queries.latest_program(session, g.shop)
        shown = _tried(session, request.args.get("replay", type=int)) or program
        form = ProgramForm(data=of_program(shown) if shown else suggested(10 ** digits(g.shop.currency)))
        form.version.data = program.version if program else 0
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
            check_ends(draft.document.earn, document.earn, g.now)
            _save(session, draft, form.starts.data, request.form.get("over", form.version.data, type=int))
        except Invalid as error:
            form.reject(error)
            return _form(session, form, program), 422
        except ChangedMeanwhile:
            return _form(session, form, program, stale=versions.stale(session, form.version.data, draft)), 422
    ring("loyalty.settle_due")
    if program is None:
        return done("/loyalty", gettext("Programme launched. Points for past orders are being counted."))
    back = gettext("Undo"), f"/loyalty/versions/{program.version}/again"
    return done("/loyalty", gettext("Saved as version %(version)s.", version=program.version + 1), back)


def _save(session: Session, draft: ProgramDraft, starts: str, over: int | None) -> None:
    begins = FIRST_ORDER_EVER if starts == "past" else None
    operations.save_program(session, g.shop, actor(), draft, begins, over)
    storefront.publish(session, g.shop)


@loyalty.get("/goods/<kind>")
def found_goods(kind: str) -> str:
    """What of the store's goods contains the typed word, for a list to choose from."""
    with desk() as session:
        return page(
            "loyalty/found.html", rows=goods.find(session, g.shop, kind, request.args.get("q", "").strip()[:100])
        )


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
    if not form.validate():
        return page("loyalty/example.html", lines=[], steps=[])
    with desk() as session:
        return page("loyalty/example.html", **_worked(session, form.draft()))


def _worked(session: Session, draft: ProgramDraft) -> dict[str, object]:
    try:
        check(draft)
    except Invalid:
        return {"lines": [], "steps": []}
    program = rules_of(draft, g.shop.currency)
    return {
        "lines": examples.lines(draft, g.shop.currency),
        "steps": earn_examples.steps(program, g.now),
        "warning": earn_examples.generous(program, replays.point_value(session, g.shop)),
    }


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


def _form(
    session: Session, form: ProgramForm, program: ProgramRules | None, stale: versions.Stale | None = None
) -> str:
    every = request.args.get("versions") == "all"
    return page(
        "loyalty/index.html",
        **versions.shown(session, None if every else MOST_VERSIONS),
        **blanks(),
        stale=stale,
        goods_name=goods.names(session, g.shop, form),
        offered=offered_tiers(entry.form for entry in form.tiers),
        shown_tier=shown_tier,
        weekdays=[(day, name) for day, name in sorted(get_locale().days["stand-alone"]["wide"].items())],
        form=form,
        blank=_blank_tier(),
        program=program,
        catching_up=insights.is_catching_up(session, g.shop),
        rewards=queries.rewards(session, g.shop),
        look_back=tiers.look_back(session),
    )


def _blank_tier() -> TierForm:
    return TierForm(prefix="tiers-__index__-")

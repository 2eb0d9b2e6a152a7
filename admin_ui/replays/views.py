"""Loyalty › Replays: what a draft would have given, beside today's programme; and the ledger beside the rules."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from flask import Blueprint, Response, g, request
from flask_babel import gettext
from sqlalchemy.orm import Session

from admin_ui import figures
from admin_ui.formats import month
from admin_ui.loyalty.forms import ProgramForm
from admin_ui.panel import actor, desk, done, page
from admin_ui.replays import words
from plugin.commerce import queries as commerce
from plugin.loyalty import operations as loyalty
from plugin.loyalty import queries
from plugin.loyalty.document import PLAIN
from plugin.loyalty.replaying import saving
from plugin.loyalty.replaying.models import Replay
from plugin.storefront import operations as storefront

replays = Blueprint("replays", __name__, url_prefix="/loyalty/replays")
Answer = str | Response | tuple[str, int]
PERIOD = timedelta(days=365)
FIRST_ORDER_EVER = datetime(2000, 1, 1, tzinfo=UTC)


@replays.get("")
def index() -> str:
    """What was tried so far."""
    with desk() as session:
        return page("replays/index.html", words=words, replays=saving.newest(session, g.shop))


@replays.post("")
def start() -> Answer:
    """Try what stands in the programme's form over the last year."""
    form = ProgramForm(request.form)
    if not form.validate():
        return done("/loyalty", gettext("Some of it cannot be used yet. Save to see what."))
    with desk() as session:
        program = queries.latest_program(session, g.shop)
        draft = form.draft(False, program.document if program else PLAIN)
        replay_id = saving.start(session, g.shop, actor(), draft, g.now - PERIOD).id
    return done(f"/loyalty/replays/{replay_id}", gettext("The draft is being tried on your past orders."))


@replays.post("/check")
def check() -> Response:
    """Work out today's programme again, order by order, beside the ledger."""
    with desk() as session:
        replay_id = saving.start(session, g.shop, actor(), None, FIRST_ORDER_EVER).id
    return done(f"/loyalty/replays/{replay_id}", gettext("The ledger is being compared with the rules."))


@replays.get("/<int:replay_id>")
def show(replay_id: int) -> str:
    """One replay, finished or not."""
    with desk() as session:
        replay = saving.get(session, g.shop, replay_id)
        return page("replays/show.html", **_told(session, replay))


@replays.get("/<int:replay_id>/progress")
def progress(replay_id: int) -> str:
    """The part that changes while it runs."""
    with desk() as session:
        replay = saving.get(session, g.shop, replay_id)
        return page("replays/result.html", **_told(session, replay))


@replays.post("/<int:replay_id>/stop")
def stop(replay_id: int) -> Response:
    """End it."""
    with desk() as session:
        saving.stop(session, g.shop, actor(), replay_id)
    return done(f"/loyalty/replays/{replay_id}", gettext("Stopped."))


@replays.post("/<int:replay_id>/launch")
def launch(replay_id: int) -> Response:
    """Make the draft the programme."""
    with desk() as session:
        replay = saving.get(session, g.shop, replay_id)
        before = queries.latest_program(session, g.shop)
        draft = replace(saving.draft_of(replay), paused=bool(before and before.paused))
        saved = loyalty.save_program(session, g.shop, actor(), draft)
        storefront.publish(session, g.shop)
        version = saved.version
    return done("/loyalty", gettext("Saved as version %(version)s.", version=version))


@replays.get("/<int:replay_id>/months.csv")
def months_csv(replay_id: int) -> Response:
    """Points by month under both programmes."""
    with desk() as session:
        found = saving.found(saving.get(session, g.shop, replay_id))
    months = sorted({*found.today.months, *found.draft.months})
    header = [gettext("Month"), gettext("Today’s programme"), gettext("The draft")]
    rows = ([each, found.today.months.get(each, 0), found.draft.months.get(each, 0)] for each in months)
    return figures.as_csv("replay", header, rows)


def _told(session: Session, replay: Replay) -> dict[str, object]:
    found = saving.found(replay)
    value = saving.point_value(session, g.shop)
    people = [*found.winners, *found.losers]
    program = queries.latest_program(session, g.shop)
    return {
        "words": words,
        "replay": replay,
        "found": found,
        "compared": words.compared(found, value, g.shop.currency),
        "scenarios": words.scenarios(found, value, g.shop.currency),
        "worth": words.point_worth(value, g.shop.currency, program.points_many if program else gettext("points")),
        "chart": words.points_chart(replay, found) if found.today.months or found.draft.months else None,
        "tiers": words.tiers(found),
        "names": commerce.names(session, g.shop, [person.customer_id for person in people]),
        "month": month,
    }

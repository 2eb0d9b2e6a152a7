"""Tasks: what Regulars does in the store, what waits, what failed and why, and another try."""

from __future__ import annotations

from flask import Blueprint, Response, g, request
from flask_babel import gettext, ngettext
from sqlalchemy.orm import Session

from admin_ui import listing
from admin_ui.effects import words
from admin_ui.formats import number
from admin_ui.panel import actor, desk, done, page
from plugin import clock
from plugin.effects import breakers, operations, queries
from plugin.effects.breakers import ADMIN_API, MAIL_SERVER
from plugin.effects.queries import Wanted
from plugin.effects.rules import Stand
from plugin.shops import operations as shops

effects = Blueprint("effects", __name__, url_prefix="/sync/tasks")
PATH = "/sync/tasks"


@effects.get("", defaults={"view": "stuck"})
@effects.get("/<any(waiting,done):view>")
def index(view: str) -> str:
    """The list, narrowed as the URL says."""
    look = listing.from_query(_path(view), request.args, [], "", ["kind"])
    with desk() as session:
        found = queries.listed(session, g.shop.id, _wanted(view, look), look.after, look.before)
        counts = queries.counts(session, g.shop.id)
        return page(
            "effects/index.html",
            look=look.paged(listing.Edges(found.first, found.last), _shown(len(found.rows))),
            view=view,
            tabs=_tabs(view, counts),
            rows=[row[0] for row in found.rows],
            failed=queries.failed_count(session, g.shop.id, _kinds(look)) if view == "stuck" else 0,
            away=_away(session),
            now=clock.machine_now(),
            words=words,
        )


@effects.post("/<int:effect_id>/retry")
def retry(effect_id: int) -> Response:
    """Try one task again. What is unknown is looked up first, unless the admin says that it did not happen."""
    did_not_happen = request.form.get("did_not_happen") == "y"
    with desk() as session:
        operations.retry(session, g.shop.id, effect_id, did_not_happen)
        told = {"effect": effect_id, "did_not_happen": did_not_happen}
        shops.audit(session, g.shop, actor(), "task.retry", "outbox", None, told)
    return done(PATH, gettext("The task is tried again. See under Waiting how it goes."))


@effects.post("/retry")
def retry_all() -> Response:
    """Try all again that failed, of one kind or of all."""
    kind = request.form.get("kind", "")
    with desk() as session:
        count = operations.retry_all(session, g.shop.id, [kind] if kind else None)
        shops.audit(session, g.shop, actor(), "task.retry", "outbox", None, {"kind": kind or "all", "rows": count})
    return done(PATH, ngettext("%(num)s task is tried again.", "%(num)s tasks are tried again.", count))


def _path(view: str) -> str:
    return PATH if view == "stuck" else f"{PATH}/{view}"


def _kinds(look: listing.Listing) -> list[str] | None:
    """The chosen kind, narrowed to those that the search names."""
    chosen = [look.filters["kind"]] if look.filters["kind"] else None
    named = words.matching(look.q) if look.q else None
    if chosen is None or named is None:
        return chosen or named
    return [kind for kind in chosen if kind in named]


def _wanted(view: str, look: listing.Listing) -> Wanted:
    """A search names kinds; what names none is taken for a key."""
    key = look.q if look.q and not words.matching(look.q) else ""
    return Wanted(view, _kinds(look), key)


def _tabs(view: str, counts: dict[str, int]) -> list[dict[str, object]]:
    waiting = sum(counts.get(state, 0) for state in ("pending", "claimed", "calling"))
    stuck = counts.get("failed", 0) + counts.get("unknown", 0)
    shown = (
        ("stuck", gettext("Needs you"), stuck),
        ("waiting", gettext("Waiting"), waiting),
        ("done", gettext("Done"), None),
    )
    return [
        {
            "label": label,
            "href": _path(name),
            "current": name == view,
            "count": None if count is None else number(count),
        }
        for name, label, count in shown
    ]


def _shown(count: int) -> str:
    return ngettext("%(num)s task on this page", "%(num)s tasks on this page", count)


def _away(session: Session) -> list[dict[str, object]]:
    """Destinations that are left alone just now, and when they are asked again."""
    waits = gettext("What is to be done there waits and loses no try.")
    named = {
        ADMIN_API: (gettext("Your store does not answer just now"), waits),
        MAIL_SERVER: (gettext("The mail server does not answer just now"), gettext("Mails wait and lose no try.")),
    }
    seen = {destination: breakers.look(session, destination) for destination in named}
    return [
        {"title": named[which][0], "text": named[which][1], "again": words.asked_again(found)}
        for which, found in seen.items()
        if found.stand is not Stand.CLOSED
    ]

"""Sync: what came in, what waits, what failed and why, and how far the import of the history is."""

from __future__ import annotations

from flask import Blueprint, Response, g, request
from flask_babel import gettext, ngettext

from admin_ui import listing
from admin_ui.panel import actor, desk, done, page, toast
from admin_ui.sync import drift_words, words
from plugin import clock
from plugin.effects import queries as effects
from plugin.jobs.doorbell import ring
from plugin.shops import operations as shops
from plugin.sync import drift, operations, overview, retrying

sync = Blueprint("sync", __name__, url_prefix="/sync")


@sync.get("")
def index() -> str:
    """The page."""
    look = listing.from_query("/sync", request.args, [], "")
    with desk() as session:
        health = overview.health(session, g.shop)
        found = overview.parked(session, g.shop, after=look.after, before=look.before)
        now = clock.machine_now()
        count = ngettext("%(num)s webhook", "%(num)s webhooks", health.failed)
        return page(
            "sync/index.html",
            health=health,
            look=look.paged(listing.Edges(found.first, found.last), count),
            parked=[row[0] for row in found.rows],
            topics=overview.topics(session, g.shop, now),
            imports=overview.imports(session, g.shop, now),
            scores=drift.scores(session, g.shop, now),
            stuck=effects.stuck_count(session, g.shop.id),
            words=words,
            drift_words=drift_words,
        )


@sync.get("/imports")
def imports() -> Response:
    """The progress bars alone, for the page that watches them; says so when the last one is done."""
    with desk() as session:
        runs = overview.imports(session, g.shop, clock.machine_now())
        answer = Response(page("sync/imports.html", imports=runs, words=words))
    if any(run.run.state in ("failed", "cancelled") for run in runs):
        message = gettext("The import of your store's history has stopped. The reason stands beside it.")
    else:
        message = gettext("The import of your store's history is done.")
    if not any(run.open for run in runs):
        answer.headers.update(toast(message=message))
    return answer


@sync.post("/imports/retry")
def retry_import() -> Response:
    """Take up an import that failed or was cancelled."""
    with desk() as session:
        run = operations.retry_import(session, g.shop, request.form.get("id", 0, type=int))
        shops.audit(
            session, g.shop, actor(), "sync.retry_import", "sync_runs", None, {"id": run.id, "object": run.object}
        )
    return done("/sync", gettext("The import is tried again."))


@sync.post("/retry")
def retry() -> Response:
    """Try one parked webhook again, or all of them."""
    wanted = request.form.get("id", type=int)
    with desk() as session:
        count = retrying.retry(session, g.shop, None if wanted is None else [wanted])
        shops.audit(session, g.shop, actor(), "sync.retry", "inbox", None, {"rows": count})
    ring("sync.drain_waiting")
    return done("/sync", ngettext("%(num)s webhook is tried again.", "%(num)s webhooks are tried again.", count))

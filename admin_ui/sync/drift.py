"""The comparison with the store: its scores, its history, what was healed, and a button that compares now."""

from __future__ import annotations

from flask import Blueprint, Response, g, request
from flask_babel import gettext

from admin_ui.panel import actor, desk, done, page, refreshed, toast
from admin_ui.sync import drift_words, words
from plugin import clock
from plugin.shops import operations as shops
from plugin.sync import checks, unheard_merges
from plugin.sync import drift as comparisons

drift = Blueprint("drift", __name__, url_prefix="/sync/drift")


@drift.get("")
def index() -> str:
    """The page."""
    with desk() as session:
        check, faults = comparisons.subscriptions(session, g.shop)
        return page(
            "sync/drift.html",
            scores=comparisons.scores(session, g.shop, clock.machine_now()),
            found=comparisons.found(session, g.shop),
            history=comparisons.history(session, g.shop),
            subscriptions=check,
            faults=faults,
            merges=unheard_merges.likely(session, g.shop),
            words=words,
            drift_words=drift_words,
            whole=True,
        )


@drift.get("/scores")
def scores() -> Response:
    """The scores alone, for the page that watches them (`page=whole`: one that shows more of what was found).

    Says so when the last comparison is over.
    """
    whole = request.args.get("page") == "whole"
    with desk() as session:
        now = comparisons.scores(session, g.shop, clock.machine_now())
        answer = Response(page("sync/scores.html", scores=now, words=words, drift_words=drift_words, whole=whole))
    if any(score.running for score in now):
        return answer
    if whole:
        answer = refreshed("/sync/drift")
    answer.headers.update(toast(message=gettext("The comparison with your store is done.")))
    return answer


@drift.post("/check")
def check() -> Response:
    """Compare everything now."""
    with desk() as session:
        opened = checks.begin(session, g.shop, "all", "admin")
        shops.audit(session, g.shop, actor(), "drift.check", "drift_checks", None, {"opened": opened})
    if not opened:
        return done("/sync/drift", gettext("The comparison is running already."))
    return done("/sync/drift", gettext("The comparison with your store has begun."))


@drift.post("/merge")
def merge() -> Response:
    """Somebody says that two customers were merged, though the store never told."""
    from_id, into_id = (request.form.get(name, 0, type=int) for name in ("from_id", "into_id"))
    with desk() as session:
        unheard_merges.believe(session, g.shop, from_id, into_id, actor())
    return done("/sync/drift", gettext("The two are one customer in a moment."))

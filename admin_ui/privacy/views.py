"""Privacy: what customers asked for about their data, by when it is due, what was done, and exports to download."""

from __future__ import annotations

import json

from flask import Blueprint, Response, g, request
from flask_babel import ngettext

from admin_ui import listing
from admin_ui.panel import actor, desk, page
from admin_ui.privacy import words
from plugin.privacy import exporting, queries

privacy = Blueprint("privacy", __name__, url_prefix="/privacy")
MOST_SHOWN = 100  # records of a kind on the page; the file has all


@privacy.get("")
def index() -> str:
    """The list."""
    look = listing.from_query("/privacy", request.args, [], "", ["state"])
    with desk() as session:
        state = look.filters["state"]
        found = queries.page(session, g.shop, state, after=look.after, before=look.before)
        count = queries.count(session, g.shop, state)
        unfinished = queries.open_requests(session, g.shop.id)
        return page(
            "privacy/index.html",
            look=look.paged(
                listing.Edges(found.first, found.last), ngettext("%(num)s request", "%(num)s requests", count)
            ),
            requests=[row[0] for row in found.rows],
            urgent=[one for one in unfinished if queries.urgency(one, g.now)],
            ready=[one for one in unfinished if one.state == "ready"],
            urgency=lambda one: queries.urgency(one, g.now),
            now=g.now,
            words=words,
        )


@privacy.get("/<int:request_id>")
def export(request_id: int) -> str:
    """An export to read."""
    with desk() as session:
        made = json.loads(exporting.fetch(session, g.shop, request_id, actor()))
        about = queries.request(session, g.shop.id, request_id)
        return page("privacy/export.html", export=made, request=about, most=MOST_SHOWN, words=words)


@privacy.get("/<int:request_id>/export.json")
def download(request_id: int) -> Response:
    """An export as a file."""
    with desk() as session:
        made = exporting.fetch(session, g.shop, request_id, actor())
    name = f"customer-data-{request_id}.json"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(made, mimetype="application/json", headers=headers)

"""The mailbox as pages and as JSON."""

from datetime import datetime
from typing import Any

from flask import Blueprint, Response, jsonify, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from plugin.sandbox.app_records import Message
from plugin.sandbox.documents.basics import shop_time
from plugin.sandbox.mailbox import inbox
from plugin.sandbox.runtime import sandbox

blueprint = Blueprint(
    "mailbox", __name__, template_folder="templates", static_folder="styles", static_url_path="/_tools"
)

SHOWN = 200
# The mail is shown as the reader's program would: its pictures load, its scripts and forms do not run.
READER_POLICY = (
    "default-src 'none'; img-src * data:; style-src 'unsafe-inline'; font-src *; "
    "sandbox allow-popups allow-popups-to-escape-sandbox"
)


@blueprint.app_template_filter("on_the_clock")
def on_the_clock(moment: datetime, pattern: str = "%d %b %Y, %H:%M") -> str:
    """A moment as the shop's clock shows it."""
    return shop_time(sandbox().world, moment).strftime(pattern)


@blueprint.get("/mailbox.json")
def as_json() -> Response:
    """Newest first; `to` picks one recipient, `limit` how many (200)."""
    return jsonify(messages=[_json(message) for message in _found(request.args.get("to"))])


def _found(recipient: str | None) -> list[Message]:
    messages = sandbox().world.messages
    limit = request.args.get("limit", SHOWN, type=int)
    if not recipient:
        return messages.newest(limit)
    exact = messages.by("recipient", recipient.strip().lower())
    return exact[::-1][:limit]


def _json(message: Message) -> dict[str, Any]:
    return {
        "id": message.id,
        "to": ", ".join(message.recipients),
        "from": message.sender,
        "subject": message.subject,
        "headers": dict(message.headers),
        "text": message.text,
        "html": message.html,
        "received_at": message.received_at.isoformat(),
    }


@blueprint.delete("/mailbox.json")
def clear() -> Response:
    """Delete everything."""
    return jsonify(deleted=inbox.clear(sandbox().world))


@blueprint.post("/mailbox/clear")
def clear_by_button() -> AnyResponse:
    """The button of the page."""
    inbox.clear(sandbox().world)
    return redirect("/mailbox")


@blueprint.get("/mailbox")
def page() -> str:
    """A list; `q` looks in recipients and subjects."""
    wanted = request.args.get("q", "").strip()
    messages = [message for message in sandbox().world.messages.newest(inbox.KEPT) if _matches(message, wanted)]
    return render_template("mailbox.html", messages=messages[:SHOWN], total=len(messages), wanted=wanted, opened=None)


def _matches(message: Message, wanted: str) -> bool:
    text = " ".join([*message.recipients, message.subject]).casefold()
    return wanted.casefold() in text


@blueprint.get("/mailbox/<int:number>")
def opened(number: int) -> str:
    """One mail, as HTML, plain text and headers."""
    world = sandbox().world
    view = request.args.get("view", "")
    message = world.messages[number]
    if view not in ("html", "text", "headers"):
        view = "html" if message.html else "text"
    return render_template("message.html", message=message, view=view)


@blueprint.get("/mailbox/<int:number>/html")
def body(number: int) -> Response:
    """The HTML part alone, for the frame."""
    in_a_new_tab = '<base target="_blank">'
    response = Response(in_a_new_tab + sandbox().world.messages[number].html, mimetype="text/html")
    response.headers["Content-Security-Policy"] = READER_POLICY
    return response


@blueprint.get("/mailbox/<int:number>/raw")
def raw(number: int) -> Response:
    """The mail as it came."""
    return Response(sandbox().world.messages[number].raw, mimetype="text/plain")

"""A door that belongs to the machine, not to the product: in the sandbox alone, what time is it."""

import base64
import hmac

from flask import Blueprint, Response, abort, request

from plugin import clock
from plugin.config import config
from plugin.db.engine import system_transaction
from plugin.jobs.doorbell import ring
from plugin.jobs.schedule import BEAT

LONGEST_BODY = 1000

local = Blueprint("local", __name__)


@local.post("/_sandbox/clock")
def move_clock() -> Response:
    """Follows the pretend store's business time: `{"offset_seconds": n}`, signed. What is due by now is rung for."""
    if not config().sandbox:
        abort(404)
    body = request.get_data() if (request.content_length or 0) <= LONGEST_BODY else abort(413)
    if not _is_signed(body, request.headers.get("X-Sandbox-Hmac", "")):
        abort(401)
    with system_transaction() as session:
        clock.forward(session, _offset(request.get_json(force=True, silent=True)))
    all(ring(entry["task"]) for entry in BEAT.values())  # a bell that is dead once is not tried again
    return Response(status=204)


def _is_signed(body: bytes, signature: str) -> bool:
    expected = base64.b64encode(hmac.digest(config().api_secret.encode(), body, "sha256"))
    return hmac.compare_digest(expected, signature.encode("utf-8", "replace"))


def _offset(body: object) -> int:
    if not isinstance(body, dict) or not isinstance(body.get("offset_seconds"), int):
        abort(400)
    return int(body["offset_seconds"])

"""The sandbox moves the clock of business time, forward only. Answers 404 outside of the sandbox.

It stands among the webhooks because it is one: signed over the raw body, from the store's side, acknowledged when kept.
"""

from __future__ import annotations

import json

from flask import Blueprint, Response, abort, request

from plugin import clock
from plugin.config import config
from plugin.db import engine as db
from plugin.errors import Refused
from plugin.jobs.doorbell import ring
from plugin.jobs.schedule import BEAT
from plugin.shopify.signatures import is_webhook

sandbox_clock = Blueprint("sandbox_clock", __name__)
LARGEST_OFFSET = 100 * 366 * 24 * 3600


@sandbox_clock.post("/_sandbox/clock")
def move() -> Response:
    """Body {"offset_seconds": n}; what became due is rung for at once. 401 unsigned, 422 malformed, 409 backwards."""
    if not config().sandbox:
        abort(404)
    if not is_webhook(request.get_data(), request.headers.get("X-Sandbox-Hmac"), config().secrets):
        abort(401)
    try:
        with db.system_transaction() as session:
            clock.forward(session, _offset(request.get_data()))
    except Refused:
        abort(409)
    _ring_everything()
    return Response(status=204)


def _offset(body: bytes) -> int:
    try:
        seconds = json.loads(body)["offset_seconds"]
    except (ValueError, KeyError, TypeError):
        abort(422)
    if isinstance(seconds, bool) or not isinstance(seconds, int) or not 0 <= seconds <= LARGEST_OFFSET:
        abort(422)
    return int(seconds)


def _ring_everything() -> None:
    all(ring(tick["task"]) for tick in BEAT.values())  # the first that is not heard: nobody hears the others either

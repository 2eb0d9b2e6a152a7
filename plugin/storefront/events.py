"""The door for the shop's other tools: `POST /api/v1/events`, with the shop's token (docs/events-api.yaml).

Errors are JSON: `{"error": {"field", "reason"}}`, in English. Whoever sends gets the same answer for customers there
are and for those there are not, and the second time the same as the first.
"""

from __future__ import annotations

import json
from typing import Any

from flask import Blueprint, Response, jsonify, request

from plugin.db.engine import transaction
from plugin.errors import Invalid, NotFound, RegularsError
from plugin.loyalty.acting import events, tokens
from plugin.shops import queries as shops
from plugin.shops.models import Shop
from plugin.storefront import limits
from plugin.storefront.asked import client

LARGEST_BODY = 10_000
A_MINUTE = 600
WRONG_TOKENS_A_MINUTE = 30
RETRY_SECONDS = "60"

api = Blueprint("api", __name__, url_prefix="/api/v1")


class WrongToken(RegularsError):
    """There is no such token, or it has ended."""

    status = 401


@api.post("/events")
def tell() -> tuple[Response, int]:
    """One event of one customer: 202 as soon as it is kept."""
    shop = _shop()
    limits.allow("events", A_MINUTE, shop.id)
    event = events.read(_body())
    with transaction(shop.id) as session:
        events.tell(session, shop, event)
    return jsonify(id=event.id, status="accepted"), 202


def _shop() -> Shop:
    """The shop whose token was sent. Raises WrongToken."""
    token = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
    found = _of(token)
    if found is None:
        limits.allow("wrong tokens", WRONG_TOKENS_A_MINUTE, client())
        raise WrongToken("Send a valid token in the header Authorization, as Bearer. It is made under Ways to earn.")
    return found


def _of(token: str) -> Shop | None:
    shop_id = tokens.shop_id_of(token)
    if shop_id is None:
        return None
    with transaction(shop_id) as session:
        try:
            shop = shops.shop(session)
        except NotFound:
            return None
        return shop if shops.is_installed(shop) and tokens.opens(session, shop, token) else None


def _body() -> Any:
    raw = request.get_data(cache=False) if (request.content_length or 0) <= LARGEST_BODY else b""
    if not raw or len(raw) > LARGEST_BODY:
        raise Invalid("Send a JSON object of at most %(most)s bytes.", most=LARGEST_BODY)
    try:
        return json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise Invalid("This is not JSON.") from error


@api.errorhandler(RegularsError)
def refused(error: RegularsError) -> tuple[Response, int]:
    """A no, with the field and the reason."""
    field = "Authorization" if isinstance(error, WrongToken) else getattr(error, "field", "")
    answer = jsonify(error={"field": field, "reason": str(error)})
    if isinstance(error, limits.TooMany):
        answer.headers["Retry-After"] = RETRY_SECONDS
    if isinstance(error, WrongToken):
        answer.headers["WWW-Authenticate"] = "Bearer"
    return answer, error.status


@api.after_request
def never_cached(response: Response) -> Response:
    """Nothing of it is kept."""
    response.headers["Cache-Control"] = "no-store"
    return response

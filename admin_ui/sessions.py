"""Who opens the panel: session tokens of the store's admin, the bounce page, and the headers that keep the frame safe.

There is no cookie. A page request proves itself by the `id_token` in its URL or by a bearer token, everything else by a
bearer token alone, so a write cannot be forged from another site. The shop comes from the verified token, never from
the query. Facts: "Session tokens", "Set up iframe protection" and "Token exchange" in Shopify's documentation.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, Response, abort, g, redirect, request, url_for
from markupsafe import Markup
from shopify import session_token
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as AnyResponse

from plugin.config import Config, Platform, config

RETRY_HEADER = "X-Shopify-Retry-Invalid-Session-Request"
LARGEST_TOKEN = 8192
SESSION_PARAMETERS = ("id_token", "hmac", "timestamp", "session")

auth = Blueprint("auth", __name__)


class BadToken(Exception):
    """The session token proves nothing: forged, stale, for another app, or of no shop."""


@dataclass(frozen=True)
class Claims:
    """What a verified session token says: the shop's domain, the staff member, the token for the exchange."""

    domain: str
    user_id: str
    token: str


def verify(token: str, settings: Config) -> Claims:
    """The claims of a session token, by either secret, with 10 seconds of leeway. Raises BadToken."""
    if len(token) > LARGEST_TOKEN:
        raise BadToken("The token is too long.")
    payload = _decode(token, settings)
    domain = urlsplit(str(payload["dest"])).hostname or ""
    if not {"exp", "nbf"} <= payload.keys() or payload["aud"] != settings.api_key:
        raise BadToken("The token lacks a claim.")
    if not settings.platform.is_shop_domain(domain) or urlsplit(str(payload["iss"])).hostname != domain:
        raise BadToken("The token is of no shop.")
    return Claims(domain, str(payload["sub"]), token)


def _decode(token: str, settings: Config) -> dict[str, object]:
    for secret in settings.secrets:
        try:
            payload: dict[str, object] = session_token.decode_from_header(f"Bearer {token}", settings.api_key, secret)
            return payload
        except session_token.SessionTokenError:
            continue
    raise BadToken("No secret of ours signed the token.")


def authenticate() -> Claims | AnyResponse:
    """The claims of this request, or the answer that gets the browser to prove itself."""
    header = request.headers.get("Authorization", "")
    if header or not _is_page_request():
        return _claims_or(unauthorized, header.removeprefix("Bearer ") if header.startswith("Bearer ") else "")
    return _claims_or(_send_to_prove, request.args.get("id_token", ""))


def _claims_or(refuse, token: str) -> Claims | AnyResponse:  # type: ignore[no-untyped-def]
    try:
        claims = verify(token, config())
    except BadToken:
        return refuse()
    g.shop_domain = claims.domain
    return claims


def _is_page_request() -> bool:
    """A browser opening a document, not a script fetching: only that can follow a redirect to the bounce page."""
    if request.method != "GET" or "HX-Request" in request.headers:
        return False
    return request.headers.get("Sec-Fetch-Dest", "document") in ("document", "iframe", "frame")


def unauthorized() -> Response:
    """401 that makes App Bridge try once more with a fresh token."""
    return Response("Unauthorized", 401, {RETRY_HEADER: "1"}, mimetype="text/plain")


def _send_to_prove() -> AnyResponse:
    """A page without a good token: into the admin when it stands outside of it, else to the bounce page."""
    query = MultiDict((name, value) for name, value in request.args.items(multi=True) if name not in SESSION_PARAMETERS)
    if request.args.get("embedded") != "1" and (admin := admin_address(request.args.get("host", ""))):
        return redirect(admin)
    if not config().platform.is_shop_domain(request.args.get("shop", "")):
        return Response("Open Regulars from your store's admin, under Apps.", 401, mimetype="text/plain")
    g.shop_domain = request.args["shop"]
    reload = f"{request.path}?{urlencode(list(query.items(multi=True)))}"
    query["shopify-reload"] = reload
    return redirect(f"{url_for('auth.bounce')}?{urlencode(list(query.items(multi=True)))}")


def admin_address(host: str) -> str | None:
    """Where the app lives inside the admin, from the launch's base64 `host`; None unless it is the store's admin."""
    try:
        decoded = base64.urlsafe_b64decode(host + "=" * (-len(host) % 4)).decode()
    except (ValueError, UnicodeDecodeError):
        return None
    origin = urlsplit(config().platform.admin_origin)
    if not re.fullmatch(r"[A-Za-z0-9.:-]+(/[A-Za-z0-9_-]+)*", decoded) or decoded.split("/")[0] != origin.netloc:
        return None
    return f"{origin.scheme}://{decoded}/apps/{config().api_key}"


@auth.get("/auth/session-token")
def bounce() -> Response:
    """A page that holds App Bridge alone: it fetches a token and asks for `shopify-reload` again with it."""
    if not config().platform.is_shop_domain(request.args.get("shop", "")):
        abort(400, "The shop's domain is missing or malformed.")
    if not is_own_path(request.args.get("shopify-reload", "")):
        abort(400, "The page to return to is not one of ours.")
    g.shop_domain = request.args["shop"]
    script = Markup('<script data-api-key="{}" src="{}"></script>')
    page = script.format(config().api_key, config().platform.app_bridge_url)
    return Response(f"<!doctype html>{page}", mimetype="text/html")


def is_own_path(target: str) -> bool:
    """Whether a redirect stays on our origin: one slash first, no backslash, no control characters."""
    return re.fullmatch(r"/(?![/\\])[^\\\x00-\x20\x7f]*", target) is not None


@auth.after_app_request
def protect(response: AnyResponse) -> AnyResponse:
    """Headers of every response: who may frame it, and what a page may load.

    What goes through the app proxy becomes part of the store's own pages and stands under their headers.
    """
    if request.path.startswith("/proxy/"):
        return response
    response.headers.setdefault("Content-Security-Policy", content_policy(config().platform, g.get("shop_domain")))
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "strict-origin-when-cross-origin")
    return response


def content_policy(platform: Platform, domain: str | None) -> str:
    """The Content-Security-Policy of the panel for one shop; nobody may frame what belongs to no shop."""
    bridge = _origin(platform.app_bridge_url)
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self' {bridge}",
            "style-src 'self'",
            "img-src 'self' data: https:",
            "font-src 'self'",
            f"connect-src 'self' {bridge} https://monorail-edge.shopifysvc.com",
            "frame-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            f"frame-ancestors {ancestors(platform, domain)}",
        )
    )


def ancestors(platform: Platform, domain: str | None) -> str:
    """Who may frame a page of this shop; the domain must have been checked against the pattern."""
    return platform.frame_ancestors.format(shop=domain) if domain else "'none'"


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"

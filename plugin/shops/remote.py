"""The store's OAuth endpoint: an id token, or a refresh token, becomes a pair of tokens.

Facts: "Token exchange" and "Expiring offline access tokens" in Shopify's documentation. Access tokens live an hour,
refresh tokens 90 days; a pair replaces the pair before it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import requests

from plugin.config import config
from plugin.errors import RemoteError, Throttled, Unauthorized, Unavailable

TIMEOUTS = 3.05, 10.0  # seconds to connect and between bytes
OFFLINE = "urn:shopify:params:oauth:token-type:offline-access-token"
EXCHANGE = {
    "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
    "subject_token_type": "urn:ietf:params:oauth:token-type:id_token",
    "requested_token_type": OFFLINE,
    "expiring": "1",
}
DEAD_GRANTS = {"invalid_grant", "invalid_subject_token"}


class StaleIdToken(Unauthorized):
    """The id token was too old, or not of this store: the browser brings a fresh one."""


class DeadGrant(Unauthorized):
    """The refresh token was revoked or is too old: the merchant must open the panel again."""


@dataclass(frozen=True)
class Grant:
    """A pair of tokens; lives in seconds from the answer."""

    access_token: str = field(repr=False)
    expires_in: int
    refresh_token: str = field(repr=False)
    refresh_expires_in: int
    scopes: tuple[str, ...]


def exchange(domain: str, id_token: str) -> Grant:
    """Tokens of the store for an id token its admin signed.

    Raises StaleIdToken, Throttled, Unavailable, or RemoteError when our own credentials are refused.
    """
    return _grant(_post(domain, EXCHANGE | {"subject_token": id_token}), StaleIdToken)


def refresh(domain: str, refresh_token: str) -> Grant:
    """A new pair for a refresh token. Raises DeadGrant, Throttled, Unavailable or RemoteError."""
    return _grant(_post(domain, {"grant_type": "refresh_token", "refresh_token": refresh_token}), DeadGrant)


def _post(domain: str, fields: dict[str, str]) -> requests.Response:
    ours = {"client_id": config().api_key, "client_secret": config().api_secret}
    address = f"{config().platform.base(domain)}/admin/oauth/access_token"
    try:
        # A redirect would carry the client secret to wherever it points.
        return requests.post(address, json=ours | fields, timeout=TIMEOUTS, allow_redirects=False)
    except requests.RequestException as error:
        raise Unavailable("The store did not answer the request for an access token.") from error


def _grant(response: requests.Response, dead: type[Unauthorized]) -> Grant:
    if response.status_code == 429:
        raise Throttled("The store asks to wait with requests for access tokens.", _after(response))
    if response.status_code >= 500:
        raise Unavailable("The store could not give an access token now.")
    body = _json(response)
    if response.status_code == 200:
        return _parsed(body)
    if body.get("error") in DEAD_GRANTS:
        raise dead("The store does not accept this sign-in any more. Open Regulars from the store's admin again.")
    raise RemoteError("The store refused to give an access token (status %(status)s).", status=response.status_code)


def _parsed(body: dict[str, Any]) -> Grant:
    try:
        return Grant(
            access_token=str(body["access_token"]),
            expires_in=int(body["expires_in"]),
            refresh_token=str(body["refresh_token"]),
            refresh_expires_in=int(body["refresh_token_expires_in"]),
            scopes=tuple(scope.strip() for scope in str(body.get("scope", "")).split(",") if scope.strip()),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise RemoteError("The store's answer holds no expiring token.") from error


def _json(response: requests.Response) -> dict[str, Any]:
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _after(response: requests.Response) -> float:
    try:
        return min(max(float(response.headers.get("Retry-After", "2")), 0.1), 60.0)
    except ValueError:
        return 2.0

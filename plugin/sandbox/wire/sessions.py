"""Id tokens (session tokens) and the address under which the admin opens the app."""

import base64
import time
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from plugin.sandbox.settings import Settings
from plugin.sandbox.wire.signing import launch_signature, read_token, sign_token

TOKEN_SECONDS = 60
STAFF_ID = "96412237915"


def id_token(settings: Settings, domain: str, *, lifetime: int = TOKEN_SECONDS) -> str:
    """A fresh id token of one minute for the owner of the store, by machine time."""
    now = int(time.time())
    claims = {
        "iss": f"https://{domain}/admin",
        "dest": f"https://{domain}",
        "aud": settings.client_id,
        "sub": STAFF_ID,
        "exp": now + lifetime,
        "nbf": now,
        "iat": now,
        "jti": str(uuid4()),
        "sid": uuid4().hex,
        "sig": uuid4().hex,
    }
    return sign_token(claims, settings.client_secret)


def is_fresh(settings: Settings, domain: str, token: str) -> bool:
    """Whether this is an id token of ours, for this store and app, that has not run out."""
    claims: dict[str, Any] | None = read_token(token, settings.client_secret)
    if claims is None or claims.get("aud") != settings.client_id or claims.get("dest") != f"https://{domain}":
        return False
    return int(claims.get("exp", 0)) > time.time()


def host_parameter(domain: str) -> str:
    """`host` of a launch: base64 of the admin's address without its scheme."""
    handle = domain.removesuffix(".myshopify.com")
    return base64.b64encode(f"admin.shopify.com/store/{handle}".encode()).decode().rstrip("=")


def launch_url(settings: Settings, domain: str, path: str = "/", *, locale: str = "en") -> str:
    """The app's address for the admin's iframe, signed, with an id token in it. `path` may bring its own query."""
    path, _, query = path.partition("?")
    parameters = {
        "embedded": "1",
        "shop": domain,
        "host": host_parameter(domain),
        "locale": locale,
        "protocol": "https://",
        "session": uuid4().hex,
        "timestamp": str(int(time.time())),
        "id_token": id_token(settings, domain),
    }
    parameters["hmac"] = launch_signature(parameters, settings.client_secret)
    return f"{settings.app_url}{path}?{f'{query}&' if query else ''}{urlencode(parameters)}"

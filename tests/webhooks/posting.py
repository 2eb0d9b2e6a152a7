"""Posting signed webhooks into the receiver without a server."""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
from collections.abc import Mapping
from typing import Any

from tests.conftest import DOMAIN, SECRET


def signature(body: bytes, secret: str = SECRET) -> str:
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def headers(body: bytes, topic: str, **changed: str | None) -> dict[str, str]:
    """The store's headers; a keyword replaces one, None leaves it out (`hmac`, `shop`, `id`, `event`, `at`)."""
    named = {
        "hmac": signature(body),
        "shop": DOMAIN,
        "id": None,
        "event": "event-1",
        "at": "2026-11-20T10:00:00.123456789Z",
    } | changed
    sent = {
        "X-Shopify-Topic": topic,
        "X-Shopify-Hmac-Sha256": named["hmac"],
        "X-Shopify-Shop-Domain": named["shop"],
        "X-Shopify-Webhook-Id": named["id"],
        "X-Shopify-Event-Id": named["event"],
        "X-Shopify-Triggered-At": named["at"],
        "X-Shopify-API-Version": "2026-10",
    }
    return {name: value for name, value in sent.items() if value is not None}


def call(app: Any, body: bytes, sent: Mapping[str, str], method: str = "POST", chunked: bool = False) -> int:
    """One request straight into a WSGI app; the status it answers."""
    stream = io.BytesIO(body)
    environ: dict[str, Any] = {"REQUEST_METHOD": method, "PATH_INFO": "/webhooks", "wsgi.input": stream}
    environ |= {"HTTP_TRANSFER_ENCODING": "chunked"} if chunked else {"CONTENT_LENGTH": str(len(body))}
    environ |= {"HTTP_" + name.upper().replace("-", "_"): value for name, value in sent.items()}
    seen: list[str] = []
    list(app(environ, lambda status, _: seen.append(status)))
    assert not stream.read(1), "the body was left unread"
    return int(seen[0][:3])


def post(app: Any, body: bytes, topic: str = "orders/create", **changed: str | None) -> int:
    """One signed webhook, answered."""
    return call(app, body, headers(body, topic, **changed))

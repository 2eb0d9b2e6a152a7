"""One delivery on its way from the socket to the disk."""

from __future__ import annotations

import hashlib
from _thread import allocate_lock
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from webhooks.topics import TOPICS

HEADER_CHARACTERS = 200  # an index cannot hold more than 2,700 bytes, and no honest header comes near


class Delivery:
    """What the inbox keeps of a request. `wait` returns whether the row is durable."""

    __slots__ = (
        "_written",
        "api_version",
        "body",
        "domain",
        "event_id",
        "stored",
        "topic",
        "triggered_at",
        "webhook_id",
    )

    def __init__(self, environ: Mapping[str, Any], domain: str, body: bytes) -> None:
        self.domain = domain
        self.body = body
        self.topic = _short(environ.get("HTTP_X_SHOPIFY_TOPIC")) or "(none)"
        self.webhook_id = _short(environ.get("HTTP_X_SHOPIFY_WEBHOOK_ID")) or _of_content(self.topic, body)
        self.event_id = _short(environ.get("HTTP_X_SHOPIFY_EVENT_ID"))
        self.api_version = _short(environ.get("HTTP_X_SHOPIFY_API_VERSION"))
        self.triggered_at = _moment(environ.get("HTTP_X_SHOPIFY_TRIGGERED_AT"))
        self.stored = False
        # A bare lock costs a tenth of threading.Event, and this happens for every webhook.
        self._written = allocate_lock()
        self._written.acquire()

    @property
    def state(self) -> str:
        return "new" if self.topic in TOPICS else "ignored"

    def settle(self, stored: bool) -> None:
        """Tell whoever waits how it went; called once, by the writer."""
        self.stored = stored
        self._written.release()

    def wait(self, seconds: float) -> bool:
        """Whether the row was durable within `seconds`."""
        return self._written.acquire(timeout=seconds) and self.stored


def _of_content(topic: str, body: bytes) -> str:
    """The key of a delivery that came without an id: the same news twice is one row."""
    return f"sha256:{hashlib.sha256(body).hexdigest()}:{topic}"


def _short(value: str | None) -> str | None:
    return value[:HEADER_CHARACTERS].strip() if value else None


def _moment(value: str | None) -> datetime | None:
    """A header's moment; None when it is no moment or names no time zone."""
    try:
        moment = datetime.fromisoformat(value or "")
    except ValueError:
        return None
    return moment if moment.tzinfo else None

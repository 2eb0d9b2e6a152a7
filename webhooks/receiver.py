"""The way in: `POST /webhooks`. Verify the signature over the raw bytes, keep the bytes, answer.

A small WSGI callable in front of Flask, because Flask's request machinery costs fifteen times the signature. 200 means
that the row is durable; no JSON is read here. The store gives up after 5 s and retries for 4 h, so 503 loses nothing.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from plugin.config import config
from webhooks.delivery import Delivery
from webhooks.ringer import Ringer
from webhooks.writer import Writer

BODY_BYTES = 5 * 2**20
DISCARD_BYTES = 64 * 2**20  # how much of a body that is too long is read before the connection is given up
PIECE_BYTES = 64 * 2**10
WAIT_SECONDS = 4.0
PATHS = ("/webhooks", "/webhooks/")

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]


class TooLong(ValueError):
    """The body is over 5 MiB."""


class Webhooks:
    """WSGI middleware: takes `/webhooks`, passes everything else on."""

    def __init__(self, app: Application) -> None:
        self._app = app
        self._lock = threading.Lock()
        self._pid = 0

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] not in PATHS:
            return self._app(environ, start_response)
        status = self._receive(environ)
        start_response(status, [("Content-Length", "0"), *((("Allow", "POST"),) if status[:3] == "405" else ())])
        return (b"",)

    def _receive(self, environ: Environ) -> str:
        # The body is read before any answer: a server that finds it unread has to break the connection.
        try:
            body = read_body(environ)
        except TooLong:
            return "413 Content Too Large"
        if environ["REQUEST_METHOD"] != "POST":
            return "405 Method Not Allowed"
        if not is_signed(body, environ.get("HTTP_X_SHOPIFY_HMAC_SHA256", ""), self._secrets()):
            return "401 Unauthorized"
        domain = environ.get("HTTP_X_SHOPIFY_SHOP_DOMAIN", "").lower()
        if not config().platform.is_shop_domain(domain):
            return "401 Unauthorized"
        delivery = Delivery(environ, domain, body)
        self._writer.put(delivery)
        return "200 OK" if delivery.wait(WAIT_SECONDS) else "503 Service Unavailable"

    def _secrets(self) -> tuple[bytes, ...]:
        """The process's secrets; its writer starts with the first request, after the server has forked."""
        if self._pid != os.getpid():
            with self._lock:
                if self._pid != os.getpid():
                    self._keys = tuple(secret.encode() for secret in config().secrets)
                    self._writer = Writer(config().database_url, after=Ringer().notify)
                    self._pid = os.getpid()
        return self._keys


def is_signed(body: bytes, signature: str, secrets: Iterable[bytes]) -> bool:
    """Whether `signature` is the base64 HMAC-SHA256 of the raw body under one of the secrets.

    During a rotation the store may sign with the previous secret for up to an hour.
    """
    try:
        # WSGI headers are latin-1 text; base64's lax mode would skip junk, and comparing non-ASCII text raises.
        given = base64.b64decode(signature.encode("latin-1"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return False
    matches = [hmac.compare_digest(hmac.digest(secret, body, "sha256"), given) for secret in secrets]
    return any(matches)


def read_body(environ: Environ) -> bytes:
    """The raw body. Raises TooLong, after reading it away, when it is over 5 MiB; with or without a length given."""
    length = environ.get("CONTENT_LENGTH") or ""
    if length.isascii() and length.isdigit() and int(length) <= BODY_BYTES:
        return environ["wsgi.input"].read(int(length))
    if not length and not _is_chunked(environ):
        return b""
    pieces = _pieces(environ["wsgi.input"], int(length) if length.isdigit() else DISCARD_BYTES)
    body = bytearray()
    for piece in pieces:
        body += piece
        if len(body) > BODY_BYTES:
            for _ in pieces:
                pass
            raise TooLong
    return bytes(body)


def _is_chunked(environ: Environ) -> bool:
    return "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower() or bool(environ.get("wsgi.input_terminated"))


def _pieces(stream: Any, length: int) -> Iterator[bytes]:
    left = min(length, DISCARD_BYTES)
    while left > 0:
        piece = stream.read(min(PIECE_BYTES, left))
        if not piece:
            return
        left -= len(piece)
        yield piece

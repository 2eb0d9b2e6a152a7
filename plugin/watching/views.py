"""Doors for those who watch: does the process live, can it work, and the figures."""

from __future__ import annotations

import hmac
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, request

from plugin.config import config
from plugin.watching import readiness

watching = Blueprint("watching", __name__)
LOOPBACK = ("127.0.0.1", "::1")
FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Via")


@watching.get("/healthz")
def healthz() -> dict[str, str]:
    """Answers while the process lives; it asks nobody else, so a slow database does not get it restarted."""
    return {"status": "ok"}


@watching.get("/readyz")
def readyz() -> tuple[dict[str, object], int]:
    """200 while the database answers and is migrated, else 503; Redis is only reported."""
    found = readiness.look()
    parts = {"database": found.database, "schema": found.schema, "redis": found.redis}
    return {"ready": found.ready, **parts}, 200 if found.ready else 503


@watching.get("/metrics")
def metrics() -> Response:
    """Figures, for whoever has METRICS_TOKEN; without one set, for this machine alone."""
    if not _may_read():
        abort(404)
    from plugin.watching.metrics import FORMAT, exposition  # only the process that is scraped pays for it

    return Response(exposition(), headers={"Cache-Control": "no-store", "Content-Type": FORMAT})


def _may_read() -> bool:
    if token := config().metrics_token:
        given = request.headers.get("Authorization", "").encode("utf-8", "replace")
        return hmac.compare_digest(given, f"Bearer {token}".encode())
    # A proxy on this machine comes from loopback too, with a stranger behind it.
    direct = not any(name in request.headers for name in FORWARDED)
    host = urlsplit(f"//{request.host}").hostname
    return direct and request.remote_addr in LOOPBACK and host in (*LOOPBACK, "localhost")

"""A store on loopback that plays prepared answers and remembers what it was asked. A fake, not a mock: real sockets."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.conftest import forget_settings


@dataclass
class Asked:
    """One request as it arrived."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]


@dataclass
class Answer:
    """What is answered; `cut` closes the connection without a word, `slow` seconds pass first."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    slow: float = 0.0
    cut: bool = False


Reply = Answer | Callable[[Asked], Answer]


class FakeStore:
    """Answers in order; the last one is repeated for ever."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.answers: list[Reply] = []
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def will(self, *answers: Reply) -> None:
        """From now on these are the answers."""
        self.answers = list(answers)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, asked: Asked) -> Answer:
        with self._lock:
            self.asked.append(asked)
            reply = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return reply(asked) if callable(reply) else reply

    def _handler(store: FakeStore) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                answer = store.answer(Asked(self.path, dict(self.headers), body))
                time.sleep(answer.slow)
                if answer.cut:
                    self.close_connection = True
                    return
                content = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                pass

        return Handler


@contextmanager
def fake_store(patch: pytest.MonkeyPatch) -> Iterator[FakeStore]:
    """A running fake store, which the settings of this process take for every shop's store."""
    store = FakeStore()
    patch.setenv("REGULARS_SANDBOX", "1")
    patch.setenv("PLATFORM_STORE_URL", store.url)
    forget_settings()
    try:
        yield store
    finally:
        store.close()
        patch.undo()
        forget_settings()


def grant(number: int = 1, **changes: Any) -> dict[str, Any]:
    """The answer to a token request: pair number `number`."""
    return {
        "access_token": f"access-{number}",
        "expires_in": 3600,
        "refresh_token": f"refresh-{number}",
        "refresh_token_expires_in": 7776000,
        "scope": "read_customers,write_discounts",
    } | changes


def data(**fields: Any) -> Answer:
    """A successful GraphQL answer."""
    return Answer({"data": fields, "extensions": {"cost": cost()}})


def cost(requested: float = 10, available: float = 1990, rate: float = 100) -> dict[str, Any]:
    """`extensions.cost` as the platform sends it."""
    status = {"maximumAvailable": 2000, "currentlyAvailable": available, "restoreRate": rate}
    return {"requestedQueryCost": requested, "actualQueryCost": requested, "throttleStatus": status}


def throttled(requested: float = 100, available: float = 80, rate: float = 100) -> Answer:
    """The answer of an empty bucket: status 200, no data."""
    told = cost(requested, available, rate) | {"actualQueryCost": None}
    errors = [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}]
    return Answer({"errors": errors, "extensions": {"cost": told}})


SHOP_INFO = {
    "id": "gid://shopify/Shop/548380009",
    "name": "Vector Roasters",
    "email": "owner@example.com",
    "contactEmail": "hello@example.com",
    "currencyCode": "EUR",
    "ianaTimezone": "Europe/Berlin",
    "primaryDomain": {"url": "https://roasters.example/"},
    "plan": {"publicDisplayName": "Basic"},
}

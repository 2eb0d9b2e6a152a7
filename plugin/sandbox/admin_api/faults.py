"""Answers of the Admin API that are not what the app hopes for, in the order in which they were asked for."""

import threading
from collections import deque
from dataclasses import dataclass

from flask import Response


@dataclass(frozen=True)
class Fault:
    """One bad answer: its HTTP status, seconds for `Retry-After`, and whether the operation is carried out first."""

    status: int
    retry_after: float | None = None
    after: bool = False

    def response(self) -> Response:
        """The answer without a useful body, as a proxy on the way gives it."""
        response = Response("The request could not be completed", self.status, mimetype="text/plain")
        if self.retry_after is not None:
            response.headers["Retry-After"] = f"{self.retry_after:.1f}"
        return response


class Faults:
    """A queue of faults: each call of the API takes one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[Fault] = deque()

    def set(self, faults: list[Fault]) -> None:
        """Replace what waits."""
        with self._lock:
            self._waiting = deque(faults)

    def take(self) -> Fault | None:
        """The next fault, or None for a good answer."""
        with self._lock:
            return self._waiting.popleft() if self._waiting else None

    def __len__(self) -> int:
        return len(self._waiting)

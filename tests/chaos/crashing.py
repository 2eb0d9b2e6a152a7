"""Crashing a process at its n-th statement: by an exception nobody catches, by a lost connection, or by SIGKILL.

Counted are the driver's own calls (statements, COPY, COMMIT, and the moment after a COMMIT), because not all of the
product's statements pass through SQLAlchemy.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import psycopg
import pytest


class Killed(BaseException):
    """The process is gone: nobody may catch this."""


How = Callable[[Any], None]


def killed(connection: Any) -> None:
    raise Killed


def dropped(connection: Any) -> None:
    """The server never hears the rest; an answer that was under way is lost."""
    connection.close()
    raise psycopg.OperationalError("the connection was lost")


def sigkilled(connection: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Points:
    """The places passed so far; at the `last` one it crashes, once."""

    def __init__(self, last: int = 0, how: How = killed) -> None:
        self.passed, self.last, self.how = 0, last, how

    def reach(self, connection: Any) -> None:
        self.passed += 1
        if self.passed == self.last:
            self.how(connection)


@contextmanager
def crashing(points: Points) -> Iterator[Points]:
    """While it lasts, every statement of this process is a point."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("execute", "executemany", "copy"):
            patch.setattr(psycopg.Cursor, name, _before(getattr(psycopg.Cursor, name), points))
        patch.setattr(psycopg.Connection, "commit", _around(psycopg.Connection.commit, points))
        yield points


def _before(method: Callable[..., Any], points: Points) -> Callable[..., Any]:
    @wraps(method)
    def call(cursor: Any, *args: Any, **options: Any) -> Any:
        points.reach(cursor.connection)
        return method(cursor, *args, **options)

    return call


def _around(commit: Callable[..., Any], points: Points) -> Callable[..., Any]:
    @wraps(commit)
    def call(connection: Any) -> None:
        points.reach(connection)
        commit(connection)
        points.reach(connection)

    return call

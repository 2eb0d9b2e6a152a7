"""Doing something in one process at a time, by a lock that ends with its transaction and so cannot be left behind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import text

from plugin.db.engine import engine


@contextmanager
def alone(name: str) -> Iterator[bool]:
    """Whether this process is the one that may do `name` now; the others get False and come back later."""
    with engine().connect() as connection, connection.begin():
        # The transaction only holds the lock while its holder works elsewhere, which may take a while.
        connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = '15min'"))
        lock = text("SELECT pg_try_advisory_xact_lock(hashtextextended(:name, 0))")
        yield bool(connection.execute(lock, {"name": f"regulars:{name}"}).scalar_one())

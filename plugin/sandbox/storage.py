"""Records on disk: one SQLite file, one row a record, written in the transaction of the change that made it."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

SCHEMA = "CREATE TABLE IF NOT EXISTS records (kind TEXT, key TEXT, body BLOB NOT NULL, PRIMARY KEY (kind, key))"


class Storage:
    """The file. Not safe for threads by itself: the world's lock is held around every call."""

    def __init__(self, home: Path) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(home / "sandbox.sqlite3", check_same_thread=False, isolation_level=None)
        # A lost last second after a power cut would be a wrong store, not a wrong product: speed wins here.
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "temp_store=MEMORY"):
            self._connection.execute(f"PRAGMA {pragma}")
        self._connection.execute(SCHEMA)

    def read(self, kind: str) -> Iterator[bytes]:
        """Bodies of one kind in the order in which they were first written."""
        rows = self._connection.execute("SELECT body FROM records WHERE kind = ? ORDER BY rowid", (kind,))
        return (body for (body,) in rows)

    def write(self, kept: list[tuple[str, str, bytes]], dropped: list[tuple[str, str]]) -> None:
        """Store and remove rows, all or nothing."""
        if not kept and not dropped:
            return
        self._connection.execute("BEGIN")
        self._connection.executemany(
            "INSERT INTO records VALUES (?, ?, ?) ON CONFLICT (kind, key) DO UPDATE SET body = excluded.body", kept
        )
        self._connection.executemany("DELETE FROM records WHERE kind = ? AND key = ?", dropped)
        self._connection.execute("COMMIT")

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

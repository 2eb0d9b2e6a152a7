"""Whether this installation can do its work: the database answers and has the schema this code was written for.

Redis is reported and not asked for: it is a doorbell. Each probe uses a connection of its own with short time-outs, so
that it says something about the database and nothing about a busy pool.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psycopg
from redis import Redis
from redis.exceptions import RedisError

from plugin.config import ROOT, config

SECONDS = 2
REVISION = re.compile(r'^(down_)?revision = (?:"(\w+)"|None)', re.MULTILINE)
SCRIPTS = ROOT / "plugin" / "migrations" / "versions"


@dataclass(frozen=True)
class Readiness:
    """`ready`, and each part in a word: "ok", "away", "behind"."""

    database: str
    schema: str
    redis: str

    @property
    def ready(self) -> bool:
        return self.database == self.schema == "ok"


def look() -> Readiness:
    """The state of this moment; at most about four seconds."""
    try:
        with psycopg.connect(
            config().database_url, connect_timeout=SECONDS, options=f"-c statement_timeout={SECONDS}s", autocommit=True
        ) as connection:
            found = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except psycopg.errors.UndefinedTable:
        return Readiness("ok", "behind", redis())
    except psycopg.Error:
        return Readiness("away", "unknown", redis())
    return Readiness("ok", schema(found[0] if found else ""), redis())


def schema(revision: str) -> str:
    """Whether the database's revision will do. One we do not know is newer: migrations work under the code before."""
    known, head = revisions()
    return "behind" if revision != head and (revision in known or not revision) else "ok"


@cache
def revisions(scripts: Path = SCRIPTS) -> tuple[frozenset[str], str]:
    """All revisions this code knows, and the newest. Read as text: Alembic would cost a web process its memory."""
    known: set[str] = set()
    older: set[str] = set()
    for script in scripts.glob("*.py"):
        for is_older, revision in REVISION.findall(script.read_text()):
            (older if is_older else known).add(revision)
    [head] = known - older
    return frozenset(known), head


def redis() -> str:
    """Whether Redis can be rung."""
    try:
        with Redis.from_url(config().redis_url, socket_timeout=1, socket_connect_timeout=1) as client:
            client.ping()
    except (RedisError, OSError, ValueError):
        return "away"
    return "ok"

"""How long the inbox keeps what came: bodies a week, the keys that make twice once a month, what was parked a quarter.

Bodies hold people's data, and the mirror has said what they said; keys must outlive every retry of the store (four
hours) and every replay by hand. Rows go in short transactions of a thousand, along the index of receipt, so nothing
waits for this. A webhook that was not applied yet is never touched.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

import structlog
from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from plugin import clock
from plugin.config import config
from plugin.db import engine as db
from plugin.effects import retention as effects
from plugin.shops import queries as shops

KEYS_DAYS = 30
PARKED_DAYS = 90
STRAYS_DAYS = 30
DIGESTS_DAYS = 90
BATCH_ROWS = 1000
log = structlog.get_logger()

_NEXT = text("""
    SELECT webhook_id, received_at, state, octet_length(body) > 0 AS whole FROM inbox
    WHERE shop_id = :shop AND received_at >= :at AND received_at < :before AND (received_at, webhook_id) > (:at, :id)
    ORDER BY received_at, webhook_id LIMIT :rows
""")
_EMPTY = text("""
    UPDATE inbox SET body = '' WHERE shop_id = :shop AND webhook_id = ANY (:ids) AND state IN ('done', 'ignored')
""")
_DELETE = text("DELETE FROM inbox WHERE shop_id = :shop AND webhook_id = ANY (:ids) AND state <> 'new'")
_STRAYS = text("""
    DELETE FROM inbox_strays WHERE id IN (SELECT id FROM inbox_strays WHERE received_at < :before LIMIT :rows)
""")
_DIGESTS = text("""
    DELETE FROM body_digests WHERE digest IN (SELECT digest FROM body_digests WHERE seen_at < :before LIMIT :rows)
""")


@dataclass
class Kept:
    """What one run let go of."""

    emptied: int = 0
    deleted: int = 0
    finished: bool = False


@dataclass(frozen=True)
class Limits:
    """Moments of receipt (machine time) before which bodies, keys and parked rows are let go."""

    bodies: datetime
    keys: datetime
    parked: datetime

    @classmethod
    def at(cls, now: datetime) -> Limits:
        days = min(config().keep_bodies_days, KEYS_DAYS)
        return cls(now - timedelta(days=days), now - timedelta(days=KEYS_DAYS), now - timedelta(days=PARKED_DAYS))

    def is_over(self, row: Row[Any]) -> bool:
        """Whether the row has had its time."""
        parked = row.state in ("failed", "quarantined")
        return bool(row.state != "new" and row.received_at < (self.parked if parked else self.keys))

    def is_read(self, row: Row[Any]) -> bool:
        """Whether only the row's key is still needed."""
        return bool(row.whole) and row.state in ("done", "ignored") and row.received_at < self.bodies


def retain(seconds: float = 60.0) -> Kept:
    """Let go of what has been kept long enough: of every shop, strays and digests. After `seconds` the rest is left."""
    ends, kept = monotonic() + seconds, Kept()
    for _ in _batches(clock.machine_now(), kept):
        if monotonic() > ends:
            break
    else:
        kept.finished = True
    log.info("retention", rows=kept.emptied, count=kept.deleted, state="done" if kept.finished else "goes on")
    return kept


def _batches(now: datetime, kept: Kept) -> Iterator[None]:
    """Each step is a transaction of its own, and what it let go is not met again."""
    for shop_id in shops.all_ids():
        yield from _inbox(shop_id, Limits.at(now), kept)
        for deleted in effects.forget_done(shop_id, now):
            kept.deleted += deleted
            yield
    for delete, days in ((_strays, STRAYS_DAYS), (_digests, DIGESTS_DAYS)):
        while (rows := delete(now - timedelta(days=days))) == BATCH_ROWS:
            kept.deleted += rows
            yield
        kept.deleted += rows


def _inbox(shop_id: int, limits: Limits, kept: Kept) -> Iterator[None]:
    at, id = datetime(1970, 1, 1, tzinfo=UTC), ""
    while True:
        with db.transaction(shop_id) as session:
            asked = {"shop": shop_id, "at": at, "id": id, "before": limits.bodies, "rows": BATCH_ROWS}
            rows = session.execute(_NEXT, asked).all()
            _let_go(session, shop_id, rows, limits, kept)
        yield
        if len(rows) < BATCH_ROWS:
            return
        at, id = rows[-1].received_at, rows[-1].webhook_id


def _let_go(session: Session, shop_id: int, rows: Sequence[Row[Any]], limits: Limits, kept: Kept) -> None:
    over = [row.webhook_id for row in rows if limits.is_over(row)]
    read = [row.webhook_id for row in rows if limits.is_read(row) and not limits.is_over(row)]
    if over:
        session.execute(_DELETE, {"shop": shop_id, "ids": over})
    if read:
        session.execute(_EMPTY, {"shop": shop_id, "ids": read})
    kept.deleted += len(over)
    kept.emptied += len(read)


def _strays(before: datetime) -> int:
    with db.system_transaction() as session:
        return _count(session.execute(_STRAYS, {"before": before, "rows": BATCH_ROWS}))


def _digests(before: datetime) -> int:
    with db.engine().begin() as connection:
        return _count(connection.execute(_DIGESTS, {"before": before, "rows": BATCH_ROWS}))


def _count(result: Any) -> int:
    return int(result.rowcount)

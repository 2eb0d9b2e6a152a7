"""The inbox as the drain sees it: what waits, what became of it, and strays that found their shop."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from plugin.jobs.doorbell import ring_after_commit

BATCH_ROWS = 500
BATCH_BYTES = 16 * 2**20
LONGEST_ERROR = 500


class Waiting(NamedTuple):
    id: int
    webhook_id: str
    topic: str
    triggered_at: datetime | None
    received_at: datetime
    body: bytes
    attempts: int
    error: str | None


# The oldest first, as many as fit: octet_length of a compressed body does not unpack it.
_WAITING = """
    SELECT id, webhook_id, topic, triggered_at, received_at, body, attempts, error FROM (
        SELECT *, sum(octet_length(body)) OVER (ORDER BY id) AS bytes, row_number() OVER (ORDER BY id) AS place FROM (
            SELECT * FROM inbox WHERE shop_id = %(shop)s AND state = 'new' AND id <= %(through)s
                AND (next_attempt_at IS NULL OR next_attempt_at <= clock_timestamp())
            ORDER BY id LIMIT %(rows)s
        ) AS oldest
    ) AS counted
    WHERE place = 1 OR bytes <= %(bytes)s ORDER BY id
"""
_DONE = text("""
    UPDATE inbox SET state = 'done', done_at = clock_timestamp(), error = NULL
    WHERE shop_id = :shop AND id = ANY (:ids) AND state = 'new'
""")
_PARK = text("""
    UPDATE inbox SET state = :state, error = :error, done_at = clock_timestamp()
    WHERE shop_id = :shop AND id = :id AND state = 'new'
""")
_COUNT = text("""
    UPDATE inbox SET attempts = attempts + 1, error = :error WHERE shop_id = :shop AND id = :id AND state = 'new'
""")
_UNCOUNT = text("UPDATE inbox SET attempts = :attempts WHERE shop_id = :shop AND webhook_id = :webhook_id")
_POSTPONE = text("""
    UPDATE inbox SET error = :error, next_attempt_at = clock_timestamp() + make_interval(secs => :seconds)
    WHERE shop_id = :shop AND id = :id AND state = 'new'
""")
_PUT = text("""
    INSERT INTO inbox (shop_id, webhook_id, topic, triggered_at, body)
    VALUES (:shop, :webhook_id, :topic, :triggered_at, :body)
    ON CONFLICT DO NOTHING
""")
_ADOPT = text("""
    WITH adopted AS (
        DELETE FROM inbox_strays s USING shops WHERE shops.domain = s.domain
        RETURNING shops.id AS shop_id, s.*
    )
    INSERT INTO inbox (shop_id, webhook_id, topic, state, api_version, event_id, triggered_at, received_at, body)
    SELECT shop_id, webhook_id, topic, CASE WHEN topic = ANY (:known) THEN 'new' ELSE 'ignored' END,
        api_version, event_id, triggered_at, received_at, body
    FROM adopted ORDER BY shop_id, webhook_id
    ON CONFLICT DO NOTHING
    RETURNING shop_id
""")
_SHOPS_WAITING = text("""
    SELECT shop_id FROM inbox
    WHERE state = 'new' AND (next_attempt_at IS NULL OR next_attempt_at <= clock_timestamp())
    GROUP BY shop_id HAVING EXISTS (SELECT FROM shops WHERE shops.id = shop_id) ORDER BY min(id) LIMIT 1000
""")
_WAITING_AMONG = text("""
    SELECT shop_id FROM unnest(CAST(:shops AS bigint[])) AS asked (shop_id) WHERE EXISTS (
        SELECT FROM inbox WHERE inbox.shop_id = asked.shop_id AND state = 'new'
            AND (next_attempt_at IS NULL OR next_attempt_at <= clock_timestamp()))
""")


def waiting(session: Session, shop_id: int, through: int = 2**62, most: int = BATCH_ROWS) -> list[Waiting]:
    """The oldest rows that are due, up to inbox id `through`; at most 500 and about 16 MiB."""
    asked = {"shop": shop_id, "through": through, "rows": most, "bytes": BATCH_BYTES}
    # The driver's own binary cursor: as text a body would travel twice as long and be decoded.
    driver: Any = session.connection().connection.driver_connection
    return [Waiting(*row) for row in driver.cursor(binary=True).execute(_WAITING, asked)]


def done(session: Session, shop_id: int, ids: Collection[int]) -> None:
    if ids:
        session.execute(_DONE, {"shop": shop_id, "ids": list(ids)})


def park(session: Session, shop_id: int, id: int, state: str, error: str) -> None:
    """Put aside as `failed` or `quarantined`, with the reason the panel shows."""
    said = error.replace("\x00", "\ufffd")[:LONGEST_ERROR]
    session.execute(_PARK, {"shop": shop_id, "id": id, "state": state, "error": said})


def count_attempt(session: Session, shop_id: int, id: int, error: str) -> None:
    session.execute(_COUNT, {"shop": shop_id, "id": id, "error": error})


def uncount(session: Session, shop_id: int, row: Waiting) -> None:
    """The attempt came to its end: it counts for nothing any more."""
    session.execute(_UNCOUNT, {"shop": shop_id, "webhook_id": row.webhook_id, "attempts": row.attempts})


def postpone(session: Session, shop_id: int, id: int, error: str, seconds: float) -> None:
    """Try again after `seconds` of machine time."""
    session.execute(_POSTPONE, {"shop": shop_id, "id": id, "error": error[:LONGEST_ERROR], "seconds": seconds})


def put(session: Session, shop_id: int, topic: str, webhook_id: str, body: bytes, triggered_at: datetime) -> None:
    """A row of our own making, such as the answer to a fetch; the same id again changes nothing. Rings after commit."""
    row: dict[str, Any] = {"shop": shop_id, "webhook_id": webhook_id, "topic": topic, "body": body}
    session.execute(_PUT, row | {"triggered_at": triggered_at})
    ring_after_commit(session, "sync.drain", shop_id)


def adopt_strays(session: Session, known_topics: Collection[str]) -> set[int]:
    """Move strays whose shop is known by now into its inbox; in system scope. Ids of shops that got some."""
    return set(session.execute(_ADOPT, {"known": sorted(known_topics)}).scalars())


def shops_waiting(session: Session) -> list[int]:
    """Shops with rows that are due, the longest waiting first; in system scope."""
    return list(session.execute(_SHOPS_WAITING).scalars())


def waiting_among(session: Session, shop_ids: Collection[int]) -> list[int]:
    """Those of the shops that have rows which are due; in system scope."""
    return list(session.execute(_WAITING_AMONG, {"shops": list(shop_ids)}).scalars())

"""The way in's part in exporting and erasing a person: bodies that name them, wherever they stand in their life.

A body that still waits cannot be emptied before it was applied: the drain does that itself then
(plugin.sync.shielding), and whoever erases comes back.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from plugin.shops.models import Shop
from plugin.shops.people import Person
from plugin.sync.mentions import Mentions

CHUNK_ROWS = 500
CHUNK_BYTES = 16 * 2**20
ERASED = "The person it was about was erased."

# As in plugin.sync.inbox: octet_length of a compressed body does not unpack it.
_CHUNK = text("""
    SELECT webhook_id, id, topic, state, received_at, body FROM (
        SELECT *, sum(octet_length(body)) OVER (ORDER BY webhook_id) AS bytes,
            row_number() OVER (ORDER BY webhook_id) AS place
        FROM (
            SELECT * FROM inbox WHERE shop_id = :shop AND webhook_id > :after ORDER BY webhook_id LIMIT :rows
        ) AS next
    ) AS counted
    WHERE place = 1 OR bytes <= :bytes ORDER BY webhook_id
""")
_EMPTY = text("""
    UPDATE inbox SET body = '', state = CASE WHEN state IN ('failed', 'quarantined') THEN 'ignored' ELSE state END,
        error = CASE WHEN state = 'done' THEN NULL ELSE CAST(:reason AS text) END
    WHERE shop_id = :shop AND webhook_id = ANY (:ids) AND state <> 'new'
""")
_LINES = text("SELECT line FROM import_lines WHERE shop_id = :shop")
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('sync', :shop))")


@dataclass(frozen=True)
class Chunk:
    """A stretch of the inbox that was gone through: up to where (None: to its end), what was found in it.

    `waits`: something that names the person is not applied yet.
    """

    read_to: str | None
    emptied: int = 0
    waits: bool = False
    bodies: tuple[dict[str, Any], ...] = ()


def wait_for_turn(session: Session, shop_id: int) -> None:
    """Become the shop's one writer until the transaction ends (plugin.sync.drain.lock, with patience)."""
    session.execute(_LOCK, {"shop": shop_id})


def erase_bodies(session: Session, shop: Shop, person: Person, after: str) -> Chunk:
    """Empty the next bodies that name the person, in order of their webhook ids; what waits is left and said."""
    read = _chunk(session, shop, after)
    named = _naming(read, person)
    waiting = [row.webhook_id for row in named if row.state == "new"]
    ready = [row.webhook_id for row in named if row.state != "new"]
    empty(session, shop.id, ready)
    waits = bool(waiting) or (not read and _lines_wait(session, shop, person))
    return Chunk(read[-1].webhook_id if read else None, len(ready), waits)


def empty(session: Session, shop_id: int, webhook_ids: Collection[str]) -> None:
    """Empty bodies that were applied or parked; what was parked is done with."""
    if webhook_ids:
        session.execute(_EMPTY, {"shop": shop_id, "ids": list(webhook_ids), "reason": ERASED})


def export_bodies(session: Session, shop: Shop, person: Person, after: str) -> Chunk:
    """The next bodies that name the person, as they came."""
    read = _chunk(session, shop, after)
    bodies = tuple(
        {"topic": row.topic, "received_at": row.received_at, "body": _shown(row.body)} for row in _naming(read, person)
    )
    return Chunk(read[-1].webhook_id if read else None, bodies=bodies)


def _chunk(session: Session, shop: Shop, after: str) -> list[Any]:
    asked = {"shop": shop.id, "after": after, "rows": CHUNK_ROWS, "bytes": CHUNK_BYTES}
    return list(session.execute(_CHUNK, asked))


def _naming(rows: list[Any], person: Person) -> list[Any]:
    mentions = mentions_of(person)
    return [row for row in rows if row.body and mentions.in_body(row.body)]


def mentions_of(person: Person) -> Mentions:
    """How bodies name this person."""
    return Mentions(person.customer_ids | person.order_ids, person.emails | person.phones | person.tokens)


def _lines_wait(session: Session, shop: Shop, person: Person) -> bool:
    """Whether an import keeps a line about the person until its parent comes; it goes with the run."""
    mentions = mentions_of(person)
    return any(mentions.in_body(line) for line in session.execute(_LINES, {"shop": shop.id}).scalars())


def _shown(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return body.decode("utf-8", "replace")

"""A body that came to another shop before: captured there, and sent again under this shop's name.

The signature covers the body alone, so the shop in the headers is only said. The store's ids are its own: the same
bytes, if they say anything, cannot truly come from two stores. Digests are asked for where webhooks are applied and not
where they are received, because there one statement serves a whole batch.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import CursorResult, text
from sqlalchemy.orm import Session

SHORTEST_BYTES = 200  # less than that names an id at most, and two stores may well send `{}`
OWN_TOPICS = ("fetched/", "absent/")  # answers we fetched ourselves, which nobody signed
DIGEST_BYTES = 16
REASON = "The same body came to another shop before."

# One value for all digests: an array of them costs three times as much. Ordered, so that two shops' batches wait for
# each other instead of deadlocking; the second then sees the first's.
_CAME = "SELECT substr(CAST(:digests AS bytea), n * 16 + 1, 16) AS digest FROM generate_series(0, :last) AS n"
_KEEP = text(f"""
    INSERT INTO body_digests (digest, shop_id) SELECT digest, :shop FROM ({_CAME}) AS came ORDER BY digest
    ON CONFLICT DO NOTHING
""")
_OF_OTHERS = text(f"""
    SELECT digest FROM ({_CAME}) AS came JOIN body_digests USING (digest) WHERE body_digests.shop_id <> :shop
""")


def says_something(topic: str, body: bytes) -> bool:
    """Whether a body can belong to one store only."""
    return len(body) >= SHORTEST_BYTES and not topic.startswith(OWN_TOPICS)


def replayed(session: Session, shop_id: int, digests: Iterable[bytes]) -> set[bytes]:
    """Of these SHA-256s those that another shop had first; the others are this shop's from now on."""
    whole = {digest[:DIGEST_BYTES]: digest for digest in digests}
    if not whole:
        return set()
    asked = {"shop": shop_id, "digests": b"".join(sorted(whole)), "last": len(whole) - 1}
    kept: CursorResult[Any] = session.execute(_KEEP, asked)  # type: ignore[assignment]
    if kept.rowcount == len(whole):
        return set()
    return {whole[bytes(digest)] for digest in session.execute(_OF_OTHERS, asked).scalars()}

"""An entry as a line of JSON: what is sealed, exported, and read by the stand-alone checker, byte by byte the same.

Both sides stand in it: `points` on the customer's, `counter_points` on `counter_account`. Names are sorted, there are
no spaces, moments are UTC. A test pins the bytes, because a line that changes breaks every seal.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
from sqlalchemy.orm import Session

from plugin.loyalty import ledger

PAGE = 5_000
_COLUMNS = (
    "id", "customer_id", "kind", "points", "counter_account", "order_id", "redemption_id", "program_id", "key",
    "explanation", "actor", "occurred_at", "available_at", "expires_at", "created_at",
)  # fmt: skip
_READ = f"""
    SELECT {", ".join(_COLUMNS)} FROM point_entries
    WHERE shop_id = %(shop)s AND id > %(after)s AND id <= %(through)s ORDER BY id LIMIT %(page)s
"""
_encoder = msgspec.json.Encoder(order="sorted")


class Line(NamedTuple):
    """An entry's id and points, and its bytes without a line feed."""

    id: int
    points: int
    text: bytes

    @property
    def mark(self) -> int:
        return zlib.crc32(self.text)


def lines(session: Session, shop_id: int, after: int, through: int, most: int = 2**62) -> Iterator[Line]:
    """The entries with ids in (after, through], by id, at most so many; read in pages."""
    while most > 0:
        asked = {"shop": shop_id, "after": after, "through": through, "page": min(PAGE, most)}
        rows = ledger.raw(session).execute(_READ, asked).fetchall()
        for row in rows:
            yield _line(row)
        if len(rows) < asked["page"]:
            return
        after, most = rows[-1][0], most - len(rows)


def _line(row: tuple[Any, ...]) -> Line:
    told: dict[str, Any] = dict(zip(_COLUMNS, row, strict=True))
    told["counter_points"] = -told["points"]
    return Line(row[0], told["points"], _encoder.encode(told))

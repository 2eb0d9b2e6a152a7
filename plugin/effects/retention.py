"""What is kept of effects that happened: nobody asks for them after a month; what failed or is unknown stays."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import text

from plugin.db import engine as db

DAYS = 30
BATCH_ROWS = 1000

# Ids grow with time, so a walk along the primary key reads old rows only and ends at the first young one.
_NEXT = text("""
    SELECT id, state = 'done' AND done_at < :before AS old, created_at < :before AS goes_on
    FROM outbox WHERE shop_id = :shop AND id > :after ORDER BY id LIMIT :rows
""")
_DELETE = text("DELETE FROM outbox WHERE shop_id = :shop AND id = ANY (:ids) AND state = 'done'")


def forget_done(shop_id: int, now: datetime) -> Iterator[int]:
    """Delete one shop's effects that were done 30 days before `now` (machine time), a transaction a step: how many."""
    before, after = now - timedelta(days=DAYS), 0
    while True:
        with db.transaction(shop_id) as session:
            asked = {"shop": shop_id, "before": before, "after": after, "rows": BATCH_ROWS}
            rows = session.execute(_NEXT, asked).all()
            ids = [row.id for row in rows if row.old]
            if ids:
                session.execute(_DELETE, {"shop": shop_id, "ids": ids})
        yield len(ids)
        if len(rows) < BATCH_ROWS or not rows[-1].goes_on:
            return
        after = rows[-1].id

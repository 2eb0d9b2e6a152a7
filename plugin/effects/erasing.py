"""The outbox's part in erasing a person: payloads hold ids alone; answers and the other side's words are emptied."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

_ERASE = text("""
    UPDATE outbox SET result = CASE WHEN kind = 'fetch' THEN NULL ELSE result END, error = NULL
    WHERE shop_id = :shop AND (result IS NOT NULL OR error IS NOT NULL)
        AND (kind = 'fetch' AND key = ANY (:fetched) OR payload->>'customer_id' = ANY (:customers))
""")


def erase_customer(
    session: Session, shop_id: int, customer_ids: Collection[int], order_ids: Collection[int]
) -> dict[str, int]:
    """Empty what was answered about these customers and orders; how many rows."""
    fetched = [f"customers:{id}" for id in customer_ids] + [f"orders:{id}" for id in order_ids]
    named = {"shop": shop_id, "fetched": fetched, "customers": [str(id) for id in customer_ids]}
    result: Any = session.execute(_ERASE, named)
    return {"outbox": int(result.rowcount)}

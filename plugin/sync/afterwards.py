"""Customers whose orders an import brought: counted and settled once each, when the orders are in.

A customer's orders lie anywhere in a result. Settled chunk by chunk, everybody would be read and written again at each;
so a chunk only notes whose orders are new in it (in its own transaction: a crash delays, and loses nothing), and the
import ends after all that is noted is worked off. Orders that were there before are settled at once, as everywhere.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from sqlalchemy.orm import Session

from plugin.db import engine as db
from plugin.loyalty import operations as loyalty
from plugin.shops.models import Shop
from plugin.sync import apply_customers, plans
from plugin.sync.staging import Cursor

AT_ONCE = 2  # transactions beside each other: one waits for the database while the other reckons
CUSTOMERS = 500  # a transaction

_NOTE: Any = """
    INSERT INTO import_customers (shop_id, customer_id) SELECT %s, id FROM unnest(%b::bigint[]) AS noted (id)
    ON CONFLICT DO NOTHING
"""
_NOTED = "SELECT customer_id FROM import_customers WHERE shop_id = %b ORDER BY customer_id LIMIT %b"
_ORDERS: Any = """
    SELECT o.id FROM (SELECT %b::bigint AS shop_id) AS mine CROSS JOIN unnest(%b::bigint[]) AS i (id)
    CROSS JOIN LATERAL (SELECT id FROM orders WHERE shop_id = mine.shop_id AND customer_id = i.id OFFSET 0) AS o
"""
_DONE = "DELETE FROM import_customers WHERE shop_id = %b AND customer_id = ANY (%b::bigint[])"


def note(cursor: Cursor, shop_id: int, customer_ids: Collection[int]) -> None:
    """These customers have orders that wait to be counted and settled."""
    if customer_ids:
        cursor.execute(_NOTE, (shop_id, sorted(customer_ids)))


def work_off(session: Session, shop: Shop) -> bool:
    """Count and settle some of those who were noted, in transactions of their own; False when there was nobody.

    `session` is the shop's one writer, so that nobody else counts the same customer meanwhile.
    """
    found = plans.steady(session).execute(_NOTED, (shop.id, AT_ONCE * CUSTOMERS))
    ids = [id for (id,) in found]
    parts = [ids[start : start + CUSTOMERS] for start in range(0, len(ids), CUSTOMERS)]
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="settle") as threads:
        list(threads.map(partial(_settle, shop), parts))
    return bool(ids)


def _settle(shop: Shop, customer_ids: Sequence[int]) -> None:
    """Whoever leaves the notes was counted and settled in the same transaction."""
    with db.transaction(shop.id) as session:
        cursor = plans.steady(session)
        asked = shop.id, list(customer_ids)
        apply_customers.count_orders(cursor, *asked)
        loyalty.settle_orders(session, shop, {id for (id,) in cursor.execute(_ORDERS, asked)})
        cursor.execute(_DONE, asked)

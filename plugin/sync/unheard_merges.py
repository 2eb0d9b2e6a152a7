"""A merge whose news got lost altogether: what it looks like, and a person's word that it was one.

The Admin API does not tell whom a customer was merged into. But a customer who is gone and whose orders all name one
other living customer was most likely merged into that one. Points are the memory of whose an order was: entries of the
ledger keep naming the old customer. Nothing is moved until somebody says so, for orders can be put right by hand too.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
from sqlalchemy import text
from sqlalchemy.orm import Session

from plugin import clock
from plugin.errors import Refused
from plugin.shops import operations as shops
from plugin.shops.models import Shop
from plugin.sync import inbox

_LIKELY = text("""
    SELECT gone.id AS from_id, kept.id AS into_id, concat_ws(' ', kept.first_name, kept.last_name) AS name,
        there.orders
    FROM customers gone, LATERAL (
        SELECT min(o.customer_id) AS into_id, count(*) AS orders
        FROM (SELECT DISTINCT order_id FROM point_entries WHERE shop_id = :shop AND customer_id = gone.id) AS earned
        JOIN orders o ON o.shop_id = :shop AND o.id = earned.order_id AND o.deleted_at IS NULL
        HAVING count(*) = count(o.customer_id) AND min(o.customer_id) = max(o.customer_id)
    ) AS there
    JOIN customers kept ON kept.shop_id = :shop AND kept.id = there.into_id AND kept.known AND kept.deleted_at IS NULL
    WHERE gone.shop_id = :shop AND gone.deleted_at IS NOT NULL AND kept.id <> gone.id
        AND NOT EXISTS (SELECT FROM customer_merges m WHERE m.shop_id = :shop AND m.from_id = gone.id)
        AND NOT EXISTS (SELECT FROM erasures e WHERE e.shop_id = :shop AND e.key = 'customer:' || gone.id)
    ORDER BY gone.id LIMIT 50
""")


@dataclass(frozen=True)
class Likely:
    """Customer `from_id` is gone, and all `orders` they had points of name `into_id` now, who is called `name`."""

    from_id: int
    into_id: int
    name: str
    orders: int


def likely(session: Session, shop: Shop) -> list[Likely]:
    """What looks like a merge that was never told, at most fifty."""
    return [Likely(**row) for row in session.execute(_LIKELY, {"shop": shop.id}).mappings()]


def believe(session: Session, shop: Shop, from_id: int, into_id: int, actor: str) -> None:
    """Have it done as if the store had told of it now. Raises Refused when it does not look like a merge any more."""
    if not any((one.from_id, one.into_id) == (from_id, into_id) for one in likely(session, shop)):
        raise Refused("This does not look like a merge any more. Load the page again.")
    told = {
        "admin_graphql_api_customer_deleted_id": f"gid://shopify/Customer/{from_id}",
        "admin_graphql_api_customer_kept_id": f"gid://shopify/Customer/{into_id}",
        "status": "COMPLETED",
    }
    body, now = msgspec.json.encode(told), clock.now(session)
    inbox.put(session, shop.id, "customers/merge", f"believed:{from_id}:{into_id}", body, now)
    shops.audit(session, shop, actor, "customers.merge_believed", f"customer:{from_id}", None, {"into": into_id})

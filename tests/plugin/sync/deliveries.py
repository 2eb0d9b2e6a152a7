"""Putting webhooks into the inbox and looking at what became of them."""

from __future__ import annotations

from datetime import datetime
from itertools import count
from typing import Any

from sqlalchemy import Engine, text

from plugin.shops.models import Shop
from tests.payloads import encode

_numbers = count(1)
MIRROR = (
    "customers",
    "customer_terms",
    "orders",
    "order_lines",
    "refunds",
    "refund_lines",
    "checkouts",
    "fulfillments",
    "products",
    "variants",
    "inventory_levels",
)


def deliver(owner: Engine, shop: Shop, topic: str, body: Any, at: str = "2026-11-20T12:00:00Z", id: str = "") -> str:
    """A webhook in the inbox, as the receiver leaves it; its webhook id."""
    webhook_id = id or f"delivery-{next(_numbers)}"
    row = {
        "shop": shop.id,
        "id": webhook_id,
        "topic": topic,
        "at": datetime.fromisoformat(at),
        "body": body if isinstance(body, bytes) else encode(body),
    }
    with owner.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO inbox (shop_id, webhook_id, topic, triggered_at, body)"
                " VALUES (:shop, :id, :topic, :at, :body)"
            ),
            row,
        )
    return webhook_id


def rows(owner: Engine, table: str, shop: Shop | None = None, order: str = "1, 2") -> list[dict[str, Any]]:
    """A table as the owner sees it, of one shop or of all."""
    where = "WHERE shop_id = :shop" if shop else ""
    with owner.connect() as connection:
        found = connection.execute(
            text(f"SELECT * FROM {table} {where} ORDER BY {order}"), {"shop": shop.id} if shop else {}
        )
        return [dict(row) for row in found.mappings()]


def one(owner: Engine, table: str, shop: Shop) -> dict[str, Any]:
    [row] = rows(owner, table, shop)
    return row


def states(owner: Engine, shop: Shop) -> dict[str, str]:
    """webhook id → state."""
    return {row["webhook_id"]: row["state"] for row in rows(owner, "inbox", shop)}


def mirror(owner: Engine, shop: Shop) -> dict[str, list[Any]]:
    """All of the mirror of one shop, in a form that can be compared."""
    return {table: sorted(map(repr, (list(row.values()) for row in rows(owner, table, shop)))) for table in MIRROR}

"""The baseline of apply and backfill: binary COPY, as the owner, of the very rows ours left, into identical tables."""

from __future__ import annotations

from time import perf_counter
from typing import Any

import psycopg

from plugin.commerce.models import Customer, Order, OrderLine
from plugin.shops.models import Shop
from plugin.sync.staging import Staged

TABLES = {"orders": Order, "order_lines": OrderLine, "customers": Customer}


def copy_seconds(connection: psycopg.Connection, shop: Shop) -> float:
    """How long COPY takes for the shop's orders, lines and customers, committed table by table; not the reading."""
    rows = {
        name: connection.execute(f"SELECT * FROM {name} WHERE shop_id = %s", [shop.id]).fetchall() for name in TABLES
    }
    for name in TABLES:
        connection.execute(f"DROP TABLE IF EXISTS bench_{name}")
        connection.execute(f"CREATE TABLE bench_{name} (LIKE {name} INCLUDING ALL)")
    elapsed = 0.0
    for name, model in TABLES.items():
        types = _types(connection, name, model)
        started = perf_counter()
        with connection.cursor() as cursor, cursor.copy(f"COPY bench_{name} FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(types)
            for row in rows[name]:
                copy.write_row(row)
        elapsed += perf_counter() - started
    return elapsed


def _types(connection: psycopg.Connection, name: str, model: Any) -> list[str]:
    found = connection.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped"
        " ORDER BY attnum",
        [name],
    )
    return Staged(model.__table__, [column for (column,) in found]).types

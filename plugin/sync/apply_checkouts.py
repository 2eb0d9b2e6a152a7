"""Checkouts into the mirror. Their token is their only key, and a deletion may not name it.

A deletion by cart or by old id leaves a tombstone under `cart:…` or `id:…`; a checkout that begins before such a
tombstone is emptied by it, whichever of the two came first.
"""

from __future__ import annotations

from typing import Any

from plugin.commerce.models import Checkout
from plugin.sync import rows
from plugin.sync.batch import Batch
from plugin.sync.staging import Cursor, Upsert, arrays

CHECKOUTS = Upsert(Checkout.__table__, rows.CheckoutRow._fields)
_EMPTY = """
    store_id = NULL, cart_token = NULL, customer_id = NULL, email = NULL, phone = NULL, locale = NULL,
    recovery_url = NULL, accepts_marketing = false, currency = '', subtotal_minor = 0, total_minor = 0, lines = '[]',
    created_at = NULL, updated_at = NULL, completed_at = NULL, closed_at = NULL"""
_BURY: Any = f"""
    INSERT INTO checkouts AS t (shop_id, token, deleted_at, version)
    SELECT %s, token, deleted_at, version FROM unnest(%s::text[], %s::timestamptz[], %s::bytea[])
        AS gone (token, deleted_at, version)
    ON CONFLICT (shop_id, token) DO UPDATE
        SET {_EMPTY}, deleted_at = EXCLUDED.deleted_at, version = EXCLUDED.version
        WHERE t.version < EXCLUDED.version
    RETURNING token
"""
_FOLLOW: Any = f"""
    UPDATE checkouts c SET {_EMPTY}, deleted_at = gone.deleted_at, version = gone.version
    FROM checkouts gone
    WHERE c.shop_id = %(shop)s AND gone.shop_id = c.shop_id AND gone.deleted_at IS NOT NULL AND c.deleted_at IS NULL
        AND gone.token IN ('cart:' || c.cart_token, 'id:' || c.store_id)
        AND (c.created_at IS NULL OR c.created_at <= gone.deleted_at)
        AND (c.token = ANY (%(tokens)s) OR c.cart_token = ANY (%(carts)s) OR c.store_id = ANY (%(ids)s))
    RETURNING c.token
"""


def apply(cursor: Cursor, shop_id: int, batch: Batch) -> set[str]:
    """Write the batch's checkouts; tokens of those that changed."""
    changed = set(CHECKOUTS.run(cursor, batch.checkouts.values()))
    if gone := batch.deleted_checkouts.values():
        changed |= {token for (token,) in cursor.execute(_BURY, (shop_id, *arrays(gone)))}
    if changed:
        changed |= _follow(cursor, shop_id, changed)
    return {token for token in changed if not token.startswith(("cart:", "id:"))}


def _follow(cursor: Cursor, shop_id: int, tokens: set[str]) -> set[str]:
    named = {
        "shop": shop_id,
        "tokens": sorted(tokens),
        "carts": [token.removeprefix("cart:") for token in tokens if token.startswith("cart:")],
        "ids": [int(token.removeprefix("id:")) for token in tokens if token.startswith("id:")],
    }
    return {token for (token,) in cursor.execute(_FOLLOW, named)}

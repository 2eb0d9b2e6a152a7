"""When the store makes one person of two: wishes go to who is kept, each once, and to that address.

A moved wish remembers whose it was. It ends when the kept customer has, or has ended, a wish for the same field: one
person is told once, and a no stands. The words the person agreed to go along as a consent of the new address.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import text
from sqlalchemy.orm import Session

from plugin.commerce import merges
from plugin.shops.models import Shop

_MOVE = text("""
    UPDATE subscriptions s SET customer_id = m.kept_id, merged_from = coalesce(s.merged_from, s.customer_id)
    FROM customer_merges m
    WHERE m.shop_id = :shop AND m.from_id = ANY (:ids) AND s.shop_id = :shop AND s.customer_id = m.from_id
""")
_END_DOUBLES = text("""
    UPDATE subscriptions s SET ended_at = m.merged_at, ended_by = 'merged'
    FROM customer_merges m, customers c
    WHERE s.shop_id = :shop AND s.customer_id = ANY (:kept) AND s.merged_from IS NOT NULL AND s.ended_at IS NULL
        AND m.shop_id = :shop AND m.from_id = s.merged_from AND c.shop_id = :shop AND c.id = s.customer_id
        AND EXISTS (
            SELECT FROM subscriptions o
            WHERE o.shop_id = :shop AND o.field_id = s.field_id AND o.id <> s.id
                AND (o.customer_id = s.customer_id OR o.email = lower(c.email)) AND o.ended_by IS DISTINCT FROM 'merged'
                AND (o.merged_from IS NULL OR (o.started_at, o.id) < (s.started_at, s.id))
        )
""")
_READDRESS = text("""
    WITH moved AS (
        UPDATE subscriptions s SET email = lower(c.email)
        FROM customers c, subscriptions was
        WHERE s.shop_id = :shop AND s.customer_id = ANY (:kept) AND s.merged_from IS NOT NULL AND s.ended_at IS NULL
            AND c.shop_id = :shop AND c.id = s.customer_id AND s.email <> lower(c.email)
            AND was.shop_id = :shop AND was.id = s.id
        RETURNING s.customer_id, s.email, was.email AS former, 'field:' || s.field_id AS scope
    )
    INSERT INTO consents (shop_id, email, customer_id, scope, granted, words, source, occurred_at)
    SELECT :shop, moved.email, moved.customer_id, moved.scope, true, yes.words, 'merged', yes.occurred_at
    FROM moved CROSS JOIN LATERAL (
        SELECT words, occurred_at FROM consents
        WHERE shop_id = :shop AND email = moved.former AND scope = moved.scope AND granted ORDER BY id DESC LIMIT 1
    ) AS yes
""")


def follow_merges(session: Session, shop: Shop, from_ids: Collection[int]) -> None:
    """Wishes of these merged customers go over, also to a new address of who is kept. Again changes nothing."""
    kept = merges.kept(session, shop.id, from_ids)
    if not kept:
        return
    asked = {"shop": shop.id, "ids": sorted(kept), "kept": sorted(set(kept.values()))}
    for statement in (_MOVE, _END_DOUBLES, _READDRESS):
        session.execute(statement, asked)

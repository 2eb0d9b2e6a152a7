"""When the store makes one person of two: carts under way, and why others stopped, belong to who is kept.

A cart is let in once, whoever it belongs to, so nothing begins again; orders of either stop the carts of both.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import text
from sqlalchemy.orm import Session

from plugin.commerce import merges
from plugin.shops.models import Shop

_LOCK = text("""
    SELECT id FROM enrollments WHERE shop_id = :shop AND customer_id = ANY (:ids) ORDER BY id FOR UPDATE
""")
_DECISIONS = text("""
    UPDATE decisions SET customer_id = m.kept_id FROM customer_merges m, enrollments e
    WHERE m.shop_id = :shop AND m.from_id = ANY (:ids) AND e.shop_id = :shop AND e.customer_id = m.from_id
        AND decisions.shop_id = :shop AND decisions.enrollment_id = e.id AND decisions.customer_id = m.from_id
""")
_ENROLLMENTS = text("""
    UPDATE enrollments SET customer_id = m.kept_id FROM customer_merges m
    WHERE m.shop_id = :shop AND m.from_id = ANY (:ids)
        AND enrollments.shop_id = :shop AND enrollments.customer_id = m.from_id
""")


def follow_merges(session: Session, shop: Shop, from_ids: Collection[int]) -> None:
    """Enrollments and decisions of these merged customers go over. Again changes nothing."""
    asked = {"shop": shop.id, "ids": sorted(merges.kept(session, shop.id, from_ids))}
    for statement in (_LOCK, _DECISIONS, _ENROLLMENTS) if asked["ids"] else ():
        session.execute(statement, asked)

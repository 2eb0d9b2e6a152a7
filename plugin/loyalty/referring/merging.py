"""When the store makes one person of two: links and referrals, on either side, go to who is kept.

Both links go on working, and a referral remembers whose it was. Who turns out to have referred themselves is then found
by deriving the referral anew.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import text
from sqlalchemy.orm import Session

from plugin.commerce import merges
from plugin.loyalty.referring import following
from plugin.shops.models import Shop

_MOVES = (
    text("""
        UPDATE referral_links l SET customer_id = m.kept_id FROM customer_merges m
        WHERE m.shop_id = :shop AND m.from_id = ANY (:ids) AND l.shop_id = :shop AND l.customer_id = m.from_id
    """),
    text("""
        UPDATE referrals r SET advocate_was = coalesce(r.advocate_was, r.advocate_id), advocate_id = m.kept_id
        FROM customer_merges m
        WHERE m.shop_id = :shop AND m.from_id = ANY (:ids) AND r.shop_id = :shop AND r.advocate_id = m.from_id
    """),
    text("""
        UPDATE referrals r SET friend_id = m.kept_id FROM customer_merges m
        WHERE m.shop_id = :shop AND m.from_id = ANY (:ids) AND r.shop_id = :shop AND r.friend_id = m.from_id
    """),
)


def follow_merges(session: Session, shop: Shop, from_ids: Collection[int]) -> None:
    """What these merged customers had goes over; again changes nothing."""
    kept = merges.kept(session, shop.id, from_ids)
    if not kept:
        return
    for move in _MOVES:
        session.execute(move, {"shop": shop.id, "ids": sorted(kept)})
    following.follow_people(session, shop, set(kept.values()))

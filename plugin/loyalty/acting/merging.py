"""When the store makes one person of two: deeds and answers go to who is kept.

What both were given stays given; from then on both count for caps. Of two answers the kept one's own stands.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import delete, text
from sqlalchemy.orm import Session

from plugin.commerce import merges
from plugin.loyalty.acting import recording
from plugin.loyalty.acting.models import Deed, ProfileValue
from plugin.shops.models import Shop

_ANSWERS = text("""
    INSERT INTO profile_values (shop_id, customer_id, field_id, value, changed_at)
    SELECT DISTINCT ON (m.kept_id, v.field_id) v.shop_id, m.kept_id, v.field_id, v.value, v.changed_at
    FROM customer_merges m JOIN profile_values v ON v.shop_id = :shop AND v.customer_id = m.from_id
    WHERE m.shop_id = :shop AND m.from_id = ANY (:ids)
    ORDER BY m.kept_id, v.field_id, v.changed_at DESC
    ON CONFLICT DO NOTHING
""")


def follow_merges(session: Session, shop: Shop, from_ids: Collection[int]) -> None:
    """What these merged customers did and said goes over; again changes nothing."""
    kept = merges.kept(session, shop.id, from_ids)
    if not kept:
        return
    for deed in recording.locked(session, Deed.shop_id == shop.id, Deed.customer_id.in_(kept)):
        deed.customer_id = kept[deed.customer_id]
    session.flush()
    session.execute(_ANSWERS, {"shop": shop.id, "ids": sorted(kept)})
    gone = ProfileValue.shop_id == shop.id, ProfileValue.customer_id.in_(kept)
    session.execute(delete(ProfileValue).where(*gone))

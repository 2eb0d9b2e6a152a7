"""When the store makes one person of two: mails show under who is kept, and a "no" of either goes on counting.

The consent of the kept customer is the store's word. What people told us themselves is stricter: who said no to
something under the old id has said it for the kept address too, from the moment of the merge, until a later yes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from plugin.commerce import merges
from plugin.commerce.models import Customer
from plugin.messages import rules
from plugin.messages.suppressing import suppress_many
from plugin.shops.models import Shop

_MOVE = text("""
    UPDATE messages SET customer_id = m.kept_id FROM customer_merges m
    WHERE m.shop_id = :shop AND m.from_id = ANY (:ids) AND messages.shop_id = :shop AND messages.customer_id = m.from_id
""")
_NOES = text("""
    SELECT c.email, s.scope, max(greatest(s.created_at, m.merged_at))
    FROM customer_merges m
    JOIN customers c ON c.shop_id = m.shop_id AND c.id = m.kept_id AND c.email IS NOT NULL
    JOIN consents said ON said.shop_id = m.shop_id AND said.customer_id = m.from_id AND NOT said.granted
    JOIN suppressions s ON s.shop_id = m.shop_id AND s.email = said.email AND s.scope = said.scope
        AND s.reason = 'unsubscribed'
    WHERE m.shop_id = :shop AND m.kept_id = ANY (:kept) AND s.email <> lower(c.email)
        AND (s.scope = 'all' AND c.email_consent = 'subscribed'
            AND c.email_consent_at > greatest(s.created_at, m.merged_at)) IS NOT TRUE
        AND NOT EXISTS (
            SELECT FROM consents yes WHERE yes.shop_id = m.shop_id AND yes.email = lower(c.email)
            AND yes.scope = s.scope AND yes.granted AND yes.occurred_at > greatest(s.created_at, m.merged_at)
        )
    GROUP BY c.email, s.scope
""")
_BEHIND = text("""
    SELECT DISTINCT customer_id FROM messages
    WHERE shop_id = :shop AND email = :email AND marketing AND sent_at IS NOT NULL AND customer_id IS NOT NULL
""")


def follow_merges(session: Session, shop: Shop, from_ids: Collection[int]) -> None:
    """Mails of these merged customers go over, and their noes hold for who is kept. Again changes nothing."""
    kept = merges.kept(session, shop.id, from_ids)
    if not kept:
        return
    session.execute(_MOVE, {"shop": shop.id, "ids": sorted(kept)})
    noes: dict[str, dict[str, datetime | None]] = defaultdict(dict)
    for email, scope, since in session.execute(_NOES, {"shop": shop.id, "kept": sorted(set(kept.values()))}):
        noes[scope][email] = since
    for scope, since_by_email in sorted(noes.items()):
        suppress_many(session, shop, since_by_email, scope, "unsubscribed")


def kept_behind(session: Session, shop: Shop, email: str) -> Customer | None:
    """Who is kept, and has another address, of the person we wrote to under this one before a merge."""
    asked: dict[str, Any] = {"shop": shop.id, "email": rules.address(email)}
    written_to = set(session.scalars(_BEHIND, asked))
    kept = sorted({row.kept_id for row in merges.into(session, shop.id, written_to)})
    there = Customer.shop_id == shop.id, Customer.id.in_(kept), Customer.deleted_at.is_(None)
    return session.scalars(select(Customer).where(*there).order_by(Customer.id).limit(1)).first() if kept else None

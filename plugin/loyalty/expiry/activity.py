"""Expiry by inactivity: whatever a customer earns or spends gives all their points the whole time again.

The date follows from the entries, so news in any order, or twice, end in the same. It never comes nearer. An order that
is told late, after points expired that it would have kept, brings them back.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from plugin import clock
from plugin.loyalty import ledger
from plugin.loyalty.lots import Book, Entry, Lot
from plugin.loyalty.rules import ProgramRules, days_later
from plugin.shops.models import Shop

# What raises an order's points later is news about the order and no new deed of the customer: only first entries count.
_LAST = """
    SELECT i.id, max(e.occurred_at) FROM unnest(%(customers)s::bigint[]) AS i (id)
    JOIN point_entries e ON e.shop_id = %(shop)s AND e.customer_id = i.id
    WHERE e.kind = 'redeem' OR e.kind IN ('earn', 'bonus') AND right(e.key, 2) = ':1' GROUP BY i.id
"""
_EXPIRED = text("""
    SELECT id FROM point_lots WHERE shop_id = :shop AND customer_id = ANY (:customers) AND expired > 0
""")


def follow(session: Session, shop: Shop, program: ProgramRules | None, customer_ids: Collection[int]) -> None:
    """Move the dates of these customers' points on to what their last activity says, if the programme goes by it."""
    if program is None or program.document.expiry.by != "inactivity" or program.expiry_days is None:
        return
    books = ledger.lock(session, shop.id, customer_ids) if customer_ids else {}
    if not books:
        return
    now = clock.now(session)
    asked = {"shop": shop.id, "customers": sorted(books)}
    last = {row[0]: row[1] for row in ledger.raw(session).execute(_LAST, asked)}
    ledger.load_open_lots(session, shop.id, books.values())
    ledger.load_lots(session, shop.id, books, set(session.scalars(_EXPIRED, asked)))
    for customer_id, moment in last.items():
        _move_on(books[customer_id], moment, days_later(moment, program.expiry_days, shop.timezone), now)
    ledger.write(session, shop.id, books.values(), now)


def _move_on(book: Book, moment: datetime, until: datetime, now: datetime) -> None:
    for lot in book.lots:
        if lot.expires_at is None or lot.expires_at >= until or lot.expires_at <= moment:
            continue
        if lot.expired and until > now:
            book.revive(lot, _entry(book, lot, moment), until, now)
        elif lot.remaining:
            book.move_expiry(lot, until)


def _entry(book: Book, lot: Lot, moment: datetime) -> Entry:
    told = {"points": lot.expired, "why": "activity", "active_at": moment.isoformat()}
    key = f"unexpire:activity:{lot.name}:{lot.expiries}"
    return Entry(book.customer_id, "unexpire", lot.expired, "breakage", key, moment, told, lot.order_id)

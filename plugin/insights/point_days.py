"""Days of the ledger: sums by day, kind and counter account that follow the entries by their ids.

Entries never change, so each is added once. Ids are drawn before transactions commit: only those are added that nothing
older can still come before (plugin/loyalty/books/sealing.py). Readers add what is newer by themselves, so every figure
is the ledger's at every moment. An entry is of the day it was about, or of the day it was written if that was earlier.
"""

from __future__ import annotations

from sqlalchemy import delete, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from plugin.insights.models import MoneyBook, PointDay
from plugin.loyalty.books import sealing
from plugin.shops.models import Shop

STEP = 50_000  # entries of one transaction
DAY = "(least(occurred_at, created_at) AT TIME ZONE :zone)::date"

_UPTO = text("""
    SELECT max(id) FROM (
        SELECT id FROM point_entries WHERE shop_id = :shop AND id > :after AND id <= :bound ORDER BY id LIMIT :most
    ) AS next
""")
_COUNT = text(f"""
    INSERT INTO point_days AS d (shop_id, day, kind, counter_account, plus, minus, entries)
    SELECT shop_id, {DAY}, kind, counter_account, sum(greatest(points, 0)), sum(greatest(-points, 0)), count(*)
    FROM point_entries WHERE shop_id = :shop AND id > :after AND id <= :upto
    GROUP BY shop_id, 2, kind, counter_account
    ON CONFLICT (shop_id, day, kind, counter_account) DO UPDATE
    SET plus = d.plus + excluded.plus, minus = d.minus + excluded.minus, entries = d.entries + excluded.entries
""")
_XID = text("SELECT pg_current_xact_id()::text::bigint")
_DIFFERENT = text(f"""
    SELECT count(*) FROM (
        SELECT {DAY} AS day, kind, counter_account, sum(greatest(points, 0)) AS plus,
            sum(greatest(-points, 0)) AS minus, count(*) AS entries
        FROM point_entries
        WHERE shop_id = :shop AND id <= (SELECT through_id FROM money_books WHERE shop_id = :shop)
        GROUP BY 1, 2, 3
    ) AS ledger
    FULL JOIN (SELECT * FROM point_days WHERE shop_id = :shop) AS days USING (day, kind, counter_account)
    WHERE (ledger.plus, ledger.minus, ledger.entries) IS DISTINCT FROM (days.plus, days.minus, days.entries)
""")


def count_step(session: Session, shop: Shop) -> bool:
    """Add the next settled entries; whether there may be more at once. Call it first in a transaction."""
    there = session.get(MoneyBook, shop.id, populate_existing=True)
    drawn = sealing.draw(session) if there is None or there.bound_id is None else None
    book = locked_book(session, shop)
    if book.timezone != shop.timezone:
        _forget(session, shop, book)
    bound = _bound(session, book, drawn)
    if bound is None or not sealing.has_settled(session, bound):
        return False
    asked = {"shop": shop.id, "after": book.through_id, "bound": bound.id, "most": STEP, "zone": shop.timezone}
    upto = session.execute(_UPTO, asked).scalar()
    if upto is None:
        book.bound_id = book.bound_xid = None
        return False
    session.execute(_COUNT, asked | {"upto": upto})
    book.through_id = upto
    return True


def rebuild(session: Session, shop: Shop) -> None:
    """Forget all days; the next steps count them afresh, and readers see the ledger itself until then."""
    _forget(session, shop, locked_book(session, shop))


def differences(session: Session, shop: Shop) -> int:
    """How many days and kinds disagree with the ledger; reads all of it."""
    found: int = session.execute(_DIFFERENT, {"shop": shop.id, "zone": shop.timezone}).scalar_one()
    return found


def locked_book(session: Session, shop: Shop) -> MoneyBook:
    """The shop's row, made where missing: who has it counts, the others wait."""
    session.execute(insert(MoneyBook).values(shop_id=shop.id, timezone=shop.timezone).on_conflict_do_nothing())
    mine = select(MoneyBook).where(MoneyBook.shop_id == shop.id).with_for_update()
    return session.execute(mine, execution_options={"populate_existing": True}).scalar_one()


def _forget(session: Session, shop: Shop, book: MoneyBook) -> None:
    session.execute(delete(PointDay).where(PointDay.shop_id == shop.id))
    book.through_id, book.bound_id, book.bound_xid, book.timezone = 0, None, None, shop.timezone


def _bound(session: Session, book: MoneyBook, drawn: sealing.Bound | None) -> sealing.Bound | None:
    """The bound that waits, else the one just drawn. A database that was restored counts transactions anew."""
    if book.bound_id is not None and book.bound_xid is not None:
        if book.bound_xid <= session.execute(_XID).scalar_one():
            return sealing.Bound(book.bound_id, book.bound_xid)
        book.bound_id = book.bound_xid = None
        return None
    if drawn is not None:
        book.bound_id, book.bound_xid = drawn
    return drawn

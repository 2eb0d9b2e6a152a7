"""The ledger's rows: lock accounts, load lots, write what movements made; one statement a step for any number.

Lookups are by key, row after row (LATERAL, ON CONFLICT): a first import fills these tables faster than statistics are
gathered, and a planner that believes them empty would read them from end to end for each batch.

Every writer goes through `lock` first, in customer order, and reads what is posted in a later statement: under READ
COMMITTED one statement that locks and reads would see the state from before it got the lock.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
import psycopg
from sqlalchemy.orm import Session

from plugin.loyalty.lots import Book, Entry, Lot

_ENTER = """
    INSERT INTO point_accounts (shop_id, customer_id)
    SELECT %(shop)s, c.id FROM unnest(%(customers)b::bigint[]) AS i (id)
    CROSS JOIN LATERAL (SELECT id FROM customers WHERE shop_id = %(shop)s AND id = i.id OFFSET 0) AS c
    ON CONFLICT DO NOTHING
"""
_LOCK = """
    SELECT a.* FROM unnest(%(customers)b::bigint[]) AS i (id)
    CROSS JOIN LATERAL (
        SELECT customer_id, available, pending, debt, tier_id, tier_name, tier_spend_minor, tier_since
        FROM point_accounts WHERE shop_id = %(shop)s AND customer_id = i.id FOR UPDATE
    ) AS a
"""
_LOT = """
    SELECT l.* FROM unnest(%(ids)b::{}[]) AS i (id)
    CROSS JOIN LATERAL (
        SELECT id, customer_id, order_id, source, granted, remaining, expired, expiries, pending, available_at,
            expires_at
        FROM point_lots WHERE shop_id = %(shop)s AND {} OFFSET 0
    ) AS l
"""
_ENTRIES = """
    INSERT INTO point_entries (shop_id, customer_id, kind, points, counter_account, key, occurred_at, explanation,
        order_id, redemption_id, program_id, actor, available_at, expires_at, created_at)
    SELECT %s, customer_id, kind, points, counter_account, key, occurred_at, explanation::jsonb,
        order_id, redemption_id, program_id, actor, available_at, expires_at, %s
    FROM unnest(%b::bigint[], %b::text[], %b::bigint[], %b::text[], %b::text[], %b::timestamptz[], %b::text[],
        %b::bigint[], %b::bigint[], %b::bigint[], %b::text[], %b::timestamptz[], %b::timestamptz[])
        AS e (customer_id, kind, points, counter_account, key, occurred_at, explanation,
            order_id, redemption_id, program_id, actor, available_at, expires_at)
"""
_NEW_LOTS = """
    INSERT INTO point_lots (shop_id, created_at, customer_id, order_id, source, granted, remaining, expired, expiries,
        pending, available_at, expires_at)
    SELECT %s, %s, l.* FROM unnest(%b::bigint[], %b::bigint[], %b::text[], %b::bigint[], %b::bigint[], %b::bigint[],
        %b::bigint[], %b::boolean[], %b::timestamptz[], %b::timestamptz[]) AS l
"""
_LOTS = """
    INSERT INTO point_lots AS l (shop_id, created_at, id, customer_id, order_id, source, granted, remaining, expired,
        expiries, pending, available_at, expires_at)
    SELECT %s, %s, n.* FROM unnest(%b::bigint[], %b::bigint[], %b::bigint[], %b::text[], %b::bigint[], %b::bigint[],
        %b::bigint[], %b::bigint[], %b::boolean[], %b::timestamptz[], %b::timestamptz[]) AS n
    ON CONFLICT (shop_id, id) DO UPDATE SET granted = excluded.granted, remaining = excluded.remaining,
        expired = excluded.expired, expiries = excluded.expiries, pending = excluded.pending,
        available_at = excluded.available_at, expires_at = excluded.expires_at
"""
_BORN = """
    WITH e AS MATERIALIZED (
        SELECT * FROM unnest(%(order)b::bigint[], %(customer)b::bigint[], %(points)b::bigint[], %(at)b::timestamptz[],
            %(told)b::text[], %(program)b::bigint[], %(available)b::timestamptz[], %(expires)b::timestamptz[])
            AS e (order_id, customer_id, points, occurred_at, told, program_id, available_at, expires_at)
    ), lots AS (
        INSERT INTO point_lots (shop_id, customer_id, order_id, granted, remaining, pending, available_at, expires_at,
            created_at)
        SELECT %(shop)s, customer_id, order_id, points, points, available_at > %(now)s, available_at, expires_at,
            %(now)s FROM e
    )
    INSERT INTO point_entries (shop_id, customer_id, kind, points, counter_account, key, occurred_at, explanation,
        order_id, program_id, available_at, expires_at, created_at)
    SELECT %(shop)s, customer_id, 'earn', points, 'sales', 'order:' || order_id || ':' || customer_id || ':1',
        occurred_at, told::jsonb, order_id, program_id, available_at, expires_at, %(now)s FROM e
"""
_ACCOUNTS = """
    INSERT INTO point_accounts (shop_id, updated_at, customer_id, available, pending, debt, tier_id, tier_name,
        tier_spend_minor, tier_since)
    SELECT %s, %s, n.* FROM unnest(%b::bigint[], %b::bigint[], %b::bigint[], %b::bigint[], %b::bigint[], %b::text[],
        %b::bigint[], %b::timestamptz[]) AS n
    ON CONFLICT (shop_id, customer_id) DO UPDATE SET available = excluded.available, pending = excluded.pending,
        debt = excluded.debt, updated_at = excluded.updated_at, tier_id = excluded.tier_id,
        tier_name = excluded.tier_name, tier_spend_minor = excluded.tier_spend_minor, tier_since = excluded.tier_since
"""


_NEWS = """
    INSERT INTO point_news (shop_id, customer_id, noted_at) SELECT %s, c.id, %s FROM unnest(%b::bigint[]) AS c (id)
    ON CONFLICT (shop_id, customer_id) DO UPDATE SET noted_at = excluded.noted_at
"""


def lock(session: Session, shop_id: int, customer_ids: Collection[int]) -> dict[int, Book]:
    """The accounts of these customers, made where missing and locked in customer order; no lots loaded yet.

    First those that are there, then the new ones, each in order: two writers wait for each other in one direction only.
    """
    cursor = raw(session)
    books = _locked(cursor, shop_id, sorted(customer_ids))
    missing = sorted(set(customer_ids) - books.keys())
    if missing:
        cursor.execute(_ENTER, {"shop": shop_id, "customers": missing})
        books |= _locked(cursor, shop_id, missing)
    return books


def _locked(cursor: psycopg.Cursor[Any], shop_id: int, customer_ids: list[int]) -> dict[int, Book]:
    asked = {"shop": shop_id, "customers": customer_ids}
    return {row[0]: Book(*row) for row in cursor.execute(_LOCK, asked)}


def load_open_lots(session: Session, shop_id: int, books: Iterable[Book]) -> None:
    """All lots that still hold points, into their locked books."""
    by_id = {book.customer_id: book for book in books}
    where = "customer_id = i.id AND remaining > 0"
    _load(session, shop_id, by_id, where, sorted(by_id))


def load_order_lots(session: Session, shop_id: int, books: dict[int, Book], order_ids: Collection[int]) -> None:
    """The lots of these orders, whatever is left of them, into their locked books."""
    _load(session, shop_id, books, "order_id = i.id", sorted(order_ids))


def load_lots(session: Session, shop_id: int, books: dict[int, Book], lot_ids: Collection[int]) -> None:
    """Lots by id, into their locked books."""
    _load(session, shop_id, books, "id = i.id", sorted(lot_ids))


def load_source_lots(session: Session, shop_id: int, books: Iterable[Book], sources: Collection[str]) -> None:
    """The lots that no order but one of these sources brought, whatever is left of them, into their locked books."""
    _load(session, shop_id, {book.customer_id: book for book in books}, "source = i.id", sorted(sources), "text")


def _load(
    session: Session, shop_id: int, books: dict[int, Book], where: str, ids: Sequence[object], type: str = "bigint"
) -> None:
    if not ids:
        return
    for row in raw(session).execute(_LOT.format(type, where), {"shop": shop_id, "ids": ids}):
        book = books.get(row[1])
        if book is not None and all(lot.id != row[0] for lot in book.lots):
            book.lots.append(Lot(*row))


def write(session: Session, shop_id: int, books: Iterable[Book], now: datetime) -> None:
    """Everything the movements changed. The books are spent afterwards."""
    changed = [book for book in books if book.changed]
    cursor = raw(session)
    lots = [lot for book in changed for lot in book.lots if lot.changed]
    born, entries, new = _apart([entry for book in changed for entry in book.entries], lots)
    _write_entries(cursor, shop_id, entries, now)
    _write_born(cursor, shop_id, born, now)
    _write_lots(cursor, _NEW_LOTS, (shop_id, now), [_lot(lot)[1:] for lot in new])
    _write_lots(cursor, _LOTS, (shop_id, now), [_lot(lot) for lot in lots if lot.id is not None])
    _write_accounts(cursor, shop_id, changed, now)
    moved = sorted(book.customer_id for book in changed if book.entries or any(lot.changed for lot in book.lots))
    if moved:
        cursor.execute(_NEWS, (shop_id, now, moved))


def _apart(entries: Iterable[Entry], lots: Iterable[Lot]) -> tuple[list[Entry], list[Entry], list[Lot]]:
    """Orders' first entries whose lots are still whole: nearly all, and one statement writes both. Then the others."""
    new = [lot for lot in lots if lot.id is None]
    whole = {
        (lot.order_id, lot.customer_id, lot.granted)
        for lot in new
        if lot.order_id is not None and lot.remaining == lot.granted
    }
    born: list[Entry] = []
    others: list[Entry] = []
    for entry in entries:
        is_born = entry.kind == "earn" and (entry.order_id, entry.customer_id, entry.points) in whole
        (born if is_born else others).append(entry)
    return born, others, [lot for lot in new if (lot.order_id, lot.customer_id, lot.granted) not in whole]


def _write_born(cursor: psycopg.Cursor[Any], shop_id: int, entries: list[Entry], now: datetime) -> None:
    if not entries:
        return
    encode = msgspec.json.encode
    values = {
        "shop": shop_id,
        "now": now,
        "order": [e.order_id for e in entries],
        "customer": [e.customer_id for e in entries],
        "points": [e.points for e in entries],
        "at": [e.occurred_at for e in entries],
        "told": [encode(e.explanation).decode() for e in entries],
        "program": [e.program_id for e in entries],
        "available": [e.available_at for e in entries],
        "expires": [e.expires_at for e in entries],
    }
    cursor.execute(_BORN, values)


def _write_accounts(cursor: psycopg.Cursor[Any], shop_id: int, books: list[Book], now: datetime) -> None:
    if not books:
        return
    rows = [
        (b.customer_id, b.available, b.pending, b.debt, b.tier_id, b.tier_name, b.tier_spend_minor, b.tier_since)
        for b in books
    ]
    cursor.execute(_ACCOUNTS, (shop_id, now, *_columns(rows)))


def _write_entries(cursor: psycopg.Cursor[Any], shop_id: int, entries: Sequence[Entry], now: datetime) -> None:
    if not entries:
        return
    encode = msgspec.json.encode
    columns = _columns(
        (
            e.customer_id,
            e.kind,
            e.points,
            e.counter_account,
            e.key,
            e.occurred_at,
            encode(e.explanation).decode(),
            e.order_id,
            e.redemption_id,
            e.program_id,
            e.actor,
            e.available_at,
            e.expires_at,
        )
        for e in entries
    )
    cursor.execute(_ENTRIES, (shop_id, now, *columns))


def _write_lots(
    cursor: psycopg.Cursor[Any], statement: str, common: tuple[Any, ...], rows: list[tuple[Any, ...]]
) -> None:
    if rows:
        cursor.execute(statement, (*common, *_columns(rows)))


def _lot(lot: Lot) -> tuple[Any, ...]:
    return (
        lot.id,
        lot.customer_id,
        lot.order_id,
        lot.source,
        lot.granted,
        lot.remaining,
        lot.expired,
        lot.expiries,
        lot.pending,
        lot.available_at,
        lot.expires_at,
    )


def _columns(rows: Iterable[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


def raw(session: Session) -> psycopg.Cursor[Any]:
    """The driver's own cursor inside the session's transaction: row tuples and binary arrays, a third of the time."""
    session.flush()
    driver: psycopg.Connection[Any] = session.connection().connection.driver_connection  # type: ignore[assignment]
    return driver.cursor(binary=True)

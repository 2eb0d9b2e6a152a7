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
        SELECT customer_id, available, pending, debt FROM point_accounts
        WHERE shop_id = %(shop)s AND customer_id = i.id FOR UPDATE
    ) AS a
"""
_LOT = """
    SELECT l.* FROM unnest(%(ids)b::bigint[]) AS i (id)
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
        expired = excluded.expired, expiries = excluded.expiries, pending = excluded.pending
"""
_ACCOUNTS = """
    INSERT INTO point_accounts (shop_id, updated_at, customer_id, available, pending, debt)
    SELECT %s, %s, n.* FROM unnest(%b::bigint[], %b::bigint[], %b::bigint[], %b::bigint[]) AS n
    ON CONFLICT (shop_id, customer_id) DO UPDATE SET available = excluded.available, pending = excluded.pending,
        debt = excluded.debt, updated_at = excluded.updated_at
"""


def lock(session: Session, shop_id: int, customer_ids: Collection[int]) -> dict[int, Book]:
    """The accounts of these customers, made where missing and locked in customer order; no lots loaded yet."""
    asked = {"shop": shop_id, "customers": sorted(customer_ids)}
    cursor = raw(session)
    cursor.execute(_ENTER, asked)
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


def _load(session: Session, shop_id: int, books: dict[int, Book], where: str, ids: list[int]) -> None:
    if not ids:
        return
    for row in raw(session).execute(_LOT.format(where), {"shop": shop_id, "ids": ids}):
        book = books.get(row[1])
        if book is not None and all(lot.id != row[0] for lot in book.lots):
            book.lots.append(Lot(*row))


def write(session: Session, shop_id: int, books: Iterable[Book], now: datetime) -> None:
    """Everything the movements changed. The books are spent afterwards."""
    changed = [book for book in books if book.changed]
    cursor = raw(session)
    _write_entries(cursor, shop_id, [entry for book in changed for entry in book.entries], now)
    lots = [lot for book in changed for lot in book.lots if lot.changed]
    _write_lots(cursor, _NEW_LOTS, (shop_id, now), [_lot(lot)[1:] for lot in lots if lot.id is None])
    _write_lots(cursor, _LOTS, (shop_id, now), [_lot(lot) for lot in lots if lot.id is not None])
    if changed:
        columns = _columns((b.customer_id, b.available, b.pending, b.debt) for b in changed)
        cursor.execute(_ACCOUNTS, (shop_id, now, *columns))


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

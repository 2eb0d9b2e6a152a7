"""settle: orders settled a second in a shop with a million ledger entries, next to one with ten thousand.

Customers have ten entries each in both, so a shop with more entries has more people and not longer histories.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from time import perf_counter

import psycopg

from plugin.db import engine as db
from plugin.loyalty import operations as loyalty
from plugin.shops import queries as shops
from plugin.shops.models import Shop
from tests.bench.figures import Figure, of_rounds
from tests.bench.house import House, make_shop

MANY, FEW = 1_000_000, 10_000
AN_ACCOUNT = 10
BATCH = 500
ROUNDS = 7
GOAL = 1.3
FILL = (
    """
    INSERT INTO customers (shop_id, id, known) SELECT %(shop)s, n, true FROM generate_series(1, %(people)s) AS n
    """,
    """
    INSERT INTO point_accounts (shop_id, customer_id, available)
    SELECT %(shop)s, n, 42 * %(each)s FROM generate_series(1, %(people)s) AS n
    """,
    """
    INSERT INTO orders (shop_id, id, customer_id, processed_at, created_at, financial_status, currency, taxes_included,
        known)
    SELECT %(shop)s, n, 1 + n %% %(people)s, now() - (n %% 700 + 30) * interval '1 day', now(), 'paid', 'EUR', true,
        true
    FROM generate_series(1, %(entries)s) AS n
    """,
    """
    INSERT INTO point_entries (shop_id, customer_id, kind, points, counter_account, order_id, program_id, key,
        explanation, occurred_at, created_at)
    SELECT shop_id, customer_id, 'earn', 42, 'sales', id, %(program)s, 'order:' || id || ':' || customer_id || ':1',
        '{"points": 42}', processed_at, processed_at FROM orders WHERE shop_id = %(shop)s
    """,
    """
    INSERT INTO point_lots (shop_id, customer_id, order_id, granted, remaining, available_at, expires_at, created_at)
    SELECT shop_id, customer_id, id, 42, 42, processed_at, now() + interval '1 year', processed_at
    FROM orders WHERE shop_id = %(shop)s
    """,
)
KEYS = """
    SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE contype = 'f' AND conrelid::regclass::text IN ('orders', 'point_entries', 'point_lots', 'point_accounts')
"""
ORDERS = """
    INSERT INTO orders (shop_id, id, customer_id, processed_at, created_at, financial_status, currency, taxes_included,
        known)
    SELECT %(shop)s, n, 1 + n::bigint * 7919 %% %(people)s, now(), now(), 'paid', 'EUR', true, true
    FROM generate_series(%(first)s, %(last)s) AS n
"""
LINES = """
    INSERT INTO order_lines (shop_id, order_id, id, position, quantity, current_quantity, price_minor, discount_minor,
        tax_minor)
    SELECT %(shop)s, n, n, 0, 1, 1, 4200, 0, 0 FROM generate_series(%(first)s, %(last)s) AS n
"""


def run(house: House) -> Figure:
    few, many = _fill(house, 741, FEW), _fill(house, 742, MANY)
    batches = count(MANY + 1, BATCH)
    for shop, entries in ((few, FEW), (many, MANY)):
        _a_second(house, shop, entries, next(batches))
    rounds = [
        (_a_second(house, few, FEW, next(batches)), _a_second(house, many, MANY, next(batches))) for _ in range(ROUNDS)
    ]
    return of_rounds("settle", rounds, GOAL, less_is_better=True, detail={"unit": "orders/s", "entries": MANY})


def _fill(house: House, number: int, entries: int) -> Shop:
    shop = make_shop(house, number, programme=True)
    with house.owner() as owner:
        program = owner.execute("SELECT id FROM programs WHERE shop_id = %s", [shop.id]).fetchone()
        owner.execute("UPDATE programs SET history_after = NULL, accounts_after = NULL WHERE shop_id = %s", [shop.id])
        assert program
        asked = {"shop": shop.id, "entries": entries, "people": entries // AN_ACCOUNT, "each": AN_ACCOUNT}
        with unchecked(owner):
            for statement in FILL:
                owner.execute(statement, asked | {"program": program[0]})
        owner.execute("ANALYZE customers, orders, point_entries, point_lots, point_accounts")
    return shop


@contextmanager
def unchecked(owner: psycopg.Connection) -> Iterator[None]:
    """Without foreign keys, whose checks take most of the filling; back afterwards, for what is settled."""
    keys = owner.execute(KEYS).fetchall()
    for table, name, _ in keys:
        owner.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}".encode())
    yield
    for table, name, told in keys:
        owner.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {told} NOT VALID".encode())


def _a_second(house: House, shop: Shop, entries: int, first: int) -> float:
    """Orders a second over one batch of new orders of people who have a history."""
    asked = {"shop": shop.id, "people": entries // AN_ACCOUNT, "first": first, "last": first + BATCH - 1}
    with house.owner() as owner:
        owner.execute(ORDERS, asked)
        owner.execute(LINES, asked)
    started = perf_counter()
    with db.transaction(shop.id) as session:
        loyalty.settle_orders(session, shops.shop(session), set(range(first, first + BATCH)))
    taken = perf_counter() - started
    with house.owner() as owner:
        count_ = "SELECT count(*) FROM point_entries WHERE shop_id = %s AND order_id >= %s AND kind = 'earn'"
        posted = owner.execute(count_, [shop.id, first]).fetchone()
        assert posted == (BATCH,), posted
    return BATCH / taken

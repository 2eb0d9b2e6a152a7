"""replay: orders a second of a draft programme over a shop's history, next to reading the same rows; and flat memory.

The baseline reads every order and line of the shop, the fastest way the driver has, and does nothing with them.
"""

from __future__ import annotations

import os
import resource
from dataclasses import replace
from datetime import UTC, datetime
from time import perf_counter

from plugin.db import engine as db
from plugin.loyalty.document import Document, Earn, Multiplier
from plugin.loyalty.programs import draft_of
from plugin.loyalty.queries import latest_program
from plugin.loyalty.replaying import running, saving
from plugin.shops import queries as shops
from plugin.shops.models import Shop
from tests.bench.figures import Figure, middle
from tests.bench.house import House, make_shop

ORDERS = int(os.environ.get("REPLAY_ORDERS", 200_000))  # a million takes a minute to fill
A_CUSTOMER = 5
ROUNDS = 3
GOAL = 0.2
SINCE = datetime(2020, 1, 1, tzinfo=UTC)
FILL = (
    """
    INSERT INTO customers (shop_id, id, known) SELECT %(shop)s, n, true FROM generate_series(1, %(people)s) AS n
    """,
    """
    INSERT INTO orders (shop_id, id, customer_id, processed_at, created_at, financial_status, currency, taxes_included,
        known, name)
    SELECT %(shop)s, n, 1 + n %% %(people)s, now() - (n %% 700 + 1) * interval '1 day', now(), 'paid', 'EUR', true,
        true, '#' || n
    FROM generate_series(1, %(orders)s) AS n
    """,
    """
    INSERT INTO order_lines (shop_id, order_id, id, position, title, quantity, current_quantity, price_minor,
        discount_minor, tax_minor, product_id, vendor)
    SELECT %(shop)s, n, n * 2 + line, line, 'Beans', 1, 1, 500 + n %% 4000, 0, 0, 7, 'Roaster'
    FROM generate_series(1, %(orders)s) AS n CROSS JOIN generate_series(0, 1) AS line
    """,
)
READ = (
    "SELECT id, customer_id, processed_at, currency, financial_status, test, cancelled_at, deleted_at, taxes_included"
    " FROM orders WHERE shop_id = %s",
    "SELECT order_id, id, quantity, current_quantity, price_minor, discount_minor, tax_minor, gift_card"
    " FROM order_lines WHERE shop_id = %s",
)


def run(house: House) -> list[Figure]:
    shop = make_shop(house, 970, programme=True)
    with house.owner() as owner:
        for statement in FILL:
            owner.execute(statement, {"shop": shop.id, "orders": ORDERS, "people": ORDERS // A_CUSTOMER})
        owner.execute("ANALYZE customers, orders, order_lines")
    _replay(shop)
    before = _peak_mib()
    rounds = [(ORDERS / _replay(shop), ORDERS / _read(house, shop)) for _ in range(ROUNDS)]
    ours, baseline = (middle([pair[side] for pair in rounds]) for side in (0, 1))
    speed = Figure("replay", ours, baseline, GOAL, detail={"unit": "orders/s", "orders": ORDERS})
    memory = Figure("replay_memory", _peak_mib(), before, 1.1, less_is_better=True, detail={"unit": "MiB"})
    return [speed, memory]


def _replay(shop: Shop) -> float:
    """Seconds of a whole replay of a draft with a multiplier, step by step as the worker does it."""
    with db.transaction(shop.id) as session:
        found = shops.shop(session)
        version = latest_program(session, found)
        assert version is not None
        double = Document(earn=Earn(multipliers=(Multiplier("Weekend", (2, 1), weekdays=(5, 6)),)))
        replay_id = saving.start(session, found, "bench", replace(draft_of(version), document=double), SINCE).id
    started = perf_counter()
    while _step(shop):
        pass
    taken = perf_counter() - started
    with db.transaction(shop.id) as session:
        done = saving.get(session, shops.shop(session), replay_id)
        assert done.state == "done" and saving.found(done).draft.orders == ORDERS
    return taken


def _step(shop: Shop) -> bool:
    with db.transaction(shop.id) as session:
        return running.step(session, shops.shop(session))


def _read(house: House, shop: Shop) -> float:
    with house.owner() as owner:
        started = perf_counter()
        for statement in READ:
            with owner.cursor(binary=True) as cursor:
                for _ in cursor.stream(statement, [shop.id], size=2_000):
                    pass
        return perf_counter() - started


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

"""tiers: seconds to tell a million customers the tier of today, next to the same written by hand in SQL.

Both start from the same accounts, told the day before: windows have let go of orders since, and every fortieth customer
sent something back. By hand is one UPDATE with what such a statement needs at least: units that are left, whole
cancellations, the ladder. Ours also locks in customer order, judges refunds by their dates, and writes the history.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from time import perf_counter

from plugin import clock
from plugin.db import engine as db
from plugin.loyalty import queries as loyalty
from plugin.loyalty.tiers import evaluating
from plugin.shops import queries as shops
from plugin.shops.models import Shop
from tests.bench.figures import Figure, of_rounds
from tests.bench.house import House, make_shop
from tests.bench.settle import unchecked

PEOPLE = 1_000_000
ROUNDS = 3
GOAL = 1.5
FILL = (
    "INSERT INTO customers (shop_id, id, known) SELECT %(shop)s, n, true FROM generate_series(1, %(people)s) AS n",
    "INSERT INTO point_accounts (shop_id, customer_id) SELECT %(shop)s, n FROM generate_series(1, %(people)s) AS n",
    """
    INSERT INTO orders (shop_id, id, customer_id, processed_at, created_at, financial_status, currency, taxes_included,
        known)
    SELECT %(shop)s, n, 1 + (n::bigint * 7919) %% %(people)s, %(now)s - (n %% 700) * interval '1 day', %(now)s, 'paid',
        'EUR', true, true
    FROM generate_series(1, 2 * %(people)s) AS n
    """,
    """
    INSERT INTO order_lines (shop_id, order_id, id, position, quantity, current_quantity, price_minor, discount_minor,
        tax_minor)
    SELECT %(shop)s, n, n, 0, 1, 1, 1000 + (n %% 40) * 1000, 0, 0 FROM generate_series(1, 2 * %(people)s) AS n
    """,
    """
    INSERT INTO refunds (shop_id, id, order_id, created_at, processed_at)
    SELECT shop_id, id, id, %(now)s - interval '5 days', %(now)s - interval '5 days' FROM orders
    WHERE shop_id = %(shop)s AND id %% 80 = 0
    """,
    """
    INSERT INTO refund_lines (shop_id, id, refund_id, order_id, line_id, quantity, subtotal_minor, tax_minor)
    SELECT shop_id, id, id, order_id, order_id, 1, 1000, 0 FROM refunds WHERE shop_id = %(shop)s
    """,
    "UPDATE order_lines SET current_quantity = 0 WHERE shop_id = %(shop)s AND order_id %% 80 = 0",
)
BY_HAND = """
    UPDATE point_accounts a SET tier_spend_minor = n.minor, tier_id = n.wanted, updated_at = %(now)s
    FROM (
        SELECT p.customer_id, coalesce(s.minor, 0) AS minor,
            CASE WHEN s.minor >= 30000 THEN %(gold)s ELSE %(lowest)s END AS wanted
        FROM point_accounts p LEFT JOIN (
            SELECT o.customer_id, sum((l.price_minor * l.quantity - l.discount_minor)
                * (l.quantity - coalesce(r.quantity, 0)) / l.quantity)::bigint AS minor
            FROM orders o JOIN order_lines l ON l.shop_id = o.shop_id AND l.order_id = o.id
            LEFT JOIN (
                SELECT order_id, line_id, sum(quantity) AS quantity FROM refund_lines WHERE shop_id = %(shop)s
                GROUP BY order_id, line_id
            ) AS r ON r.order_id = l.order_id AND r.line_id = l.id
            WHERE o.shop_id = %(shop)s AND l.shop_id = %(shop)s AND o.processed_at >= %(now)s - interval '365 days'
                AND o.processed_at <= %(now)s AND o.known AND o.deleted_at IS NULL AND o.cancelled_at IS NULL
                AND NOT o.test AND o.currency = 'EUR' AND NOT l.gift_card
                AND lower(o.financial_status) IN ('paid', 'partially_refunded', 'refunded')
            GROUP BY o.customer_id
        ) AS s ON s.customer_id = p.customer_id
        WHERE p.shop_id = %(shop)s
    ) AS n
    WHERE a.shop_id = %(shop)s AND a.customer_id = n.customer_id
        AND (a.tier_spend_minor <> n.minor OR a.tier_id IS DISTINCT FROM n.wanted)
"""


def run(house: House) -> Figure:
    shop, tiers, today = _fill(house)
    rounds = []
    for number in range(1, ROUNDS + 1):
        before, after = today + timedelta(days=number - 1), today + timedelta(days=number)
        _by_hand(house, shop, before, tiers)
        by_hand = _by_hand(house, shop, after, tiers)
        _by_hand(house, shop, before, tiers)
        rounds.append((_ours(shop, after), by_hand))
        left = _differences(house, shop, after, tiers)
        assert left == 0, left
    return of_rounds("tiers", rounds, GOAL, less_is_better=True, detail={"unit": "s", "customers": PEOPLE})


def _fill(house: House) -> tuple[Shop, dict[str, int], datetime]:
    shop = make_shop(house, 703, programme=True)
    with db.transaction(shop.id) as session:
        now = clock.now(session) + timedelta(hours=1)
        program = loyalty.latest_program(session, shops.shop(session))
        assert program is not None
    tiers = {"lowest": program.tiers[0].id, "gold": program.tiers[1].id}
    asked = {"shop": shop.id, "people": PEOPLE, "now": now}
    with house.owner() as owner:
        owner.execute("UPDATE programs SET history_after = NULL WHERE shop_id = %s", [shop.id])
        with unchecked(owner):
            for statement in FILL:
                owner.execute(statement.encode(), asked)
        owner.execute("ANALYZE customers, orders, order_lines, point_accounts, refunds, refund_lines")
    return shop, tiers, now


def _by_hand(house: House, shop: Shop, now: datetime, tiers: dict[str, int]) -> float:
    """Seconds; committed, and the table tidied afterwards."""
    with house.owner() as owner:
        started = perf_counter()
        owner.execute(BY_HAND, {"shop": shop.id, "now": now, **tiers})
        taken = perf_counter() - started
        owner.execute("VACUUM point_accounts")
    return taken


def _differences(house: House, shop: Shop, now: datetime, tiers: dict[str, int]) -> int:
    with house.owner() as owner:
        return owner.execute(BY_HAND, {"shop": shop.id, "now": now, **tiers}).rowcount


def _ours(shop: Shop, now: datetime) -> float:
    started, after = perf_counter(), 0
    while after is not None:
        with db.transaction(shop.id) as session:
            found = shops.shop(session)
            program = loyalty.program(session, found, now)
            assert program is not None and evaluating.can(program)
            after, _ = evaluating.follow(session, found, program, after, now)
    return perf_counter() - started

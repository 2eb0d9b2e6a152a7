"""storefront: p95 of what the widget asks, signed in, with a million accounts next to the same with a thousand.

The proxy's whole way: signature, limits, the reads of programme, rewards, account, tier, codes and history, and JSON.
"""

from __future__ import annotations

import hashlib
import hmac
from time import perf_counter
from urllib.parse import urlencode

import app
from plugin import clock
from plugin.db import engine as db
from plugin.loyalty import operations as loyalty
from plugin.loyalty.rewards import RewardDraft
from plugin.shops import queries as shops
from plugin.shops.models import Shop
from tests.bench.figures import Figure, of_rounds
from tests.bench.house import SECRET, House, make_shop

MANY = 200_000
FEW = 1_000
ROUNDS = 3
ASKED = 120
GOAL = 1.3
ENTRIES = 4  # of each account
FILL = (
    """
    INSERT INTO customers (shop_id, id, email, created_at, version)
    SELECT %(shop)s, n, 'person' || n || '@example.com', now(), 'v' FROM generate_series(1, %(many)s) AS n
    """,
    """
    INSERT INTO orders (shop_id, id, customer_id, name, processed_at, created_at, currency, financial_status, known,
        taxes_included)
    SELECT %(shop)s, n, n, '#' || n, now() - interval '40 days', now() - interval '40 days', 'EUR', 'paid', true, true
    FROM generate_series(1, %(many)s) AS n
    """,
    """
    INSERT INTO order_lines (shop_id, order_id, id, position, quantity, current_quantity, price_minor, discount_minor,
        tax_minor)
    SELECT %(shop)s, n, n, 0, 1, 1, 5000, 0, 0 FROM generate_series(1, %(many)s) AS n
    """,
    """
    INSERT INTO point_accounts (shop_id, customer_id, available, updated_at)
    SELECT %(shop)s, n, 200, now() FROM generate_series(1, %(many)s) AS n
    """,
    """
    INSERT INTO point_lots (shop_id, customer_id, source, granted, remaining, expired, expiries, pending, available_at,
        expires_at, created_at)
    SELECT %(shop)s, n, 'fill:' || n, 200, 200, 0, 0, false, now() - interval '20 days', now() + interval '99 days',
        now() FROM generate_series(1, %(many)s) AS n
    """,
    """
    INSERT INTO point_entries (shop_id, customer_id, kind, points, counter_account, order_id, key, explanation,
        occurred_at, created_at)
    SELECT %(shop)s, n, 'earn', 50, 'sales', n, 'fill:' || n || ':' || e, '{}', now() - interval '40 days', now()
    FROM generate_series(1, %(many)s) AS n, generate_series(1, %(entries)s) AS e
    """,
)
TABLES = "customers, orders, order_lines, point_accounts, point_lots, point_entries"


def run(house: House) -> Figure:
    many, few = make_shop(house, 311, programme=True), make_shop(house, 312, programme=True)
    _fill(house, many, MANY)
    _fill(house, few, FEW)
    client = app.create_app().test_client()
    for shop in (many, few):
        _p95(client, shop, FEW)
    rounds = [(_p95(client, many, MANY) * 1000, _p95(client, few, FEW) * 1000) for _ in range(ROUNDS)]
    return of_rounds("storefront", rounds, GOAL, less_is_better=True, detail={"unit": "ms p95", "accounts": MANY})


def _fill(house: House, shop: Shop, many: int) -> None:
    with house.owner() as owner:
        for statement in FILL:
            owner.execute(statement, {"shop": shop.id, "many": many, "entries": ENTRIES})
        owner.execute(f"ANALYZE {TABLES}")
    with db.transaction(shop.id) as session:
        for cost in (100, 250, 500):
            loyalty.add_reward(session, shops.shop(session), "bench", RewardDraft(f"{cost} off", cost, 5_00))


def _p95(client: object, shop: Shop, many: int) -> float:
    """Of people spread over all of them, each asking once."""
    times = [_asked(client, shop, 1 + number * 7919 % many) for number in range(ASKED)]
    return sorted(times)[int(len(times) * 0.95)]


def _asked(client: object, shop: Shop, customer_id: int) -> float:
    address = _signed(shop, customer_id)
    started = perf_counter()
    answer = client.get(address, headers={"Accept": "application/json"})  # type: ignore[attr-defined]
    taken = perf_counter() - started
    assert answer.status_code == 200, answer.text[:300]
    told = answer.get_json()["customer"]
    assert (told["available"], len(told["history"])) == (200, ENTRIES), told
    return taken


def _signed(shop: Shop, customer_id: int) -> str:
    asked = {
        "logged_in_customer_id": str(customer_id),
        "path_prefix": "/apps/regulars",
        "shop": shop.domain,
        "timestamp": str(int(clock.machine_now().timestamp())),
    }
    text = "".join(f"{name}={value}" for name, value in sorted(asked.items()))
    signature = hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()
    return f"/proxy/loyalty?{urlencode(asked | {'signature': signature})}"

"""redeem: rewards bought a second over distinct accounts by eight threads, next to the same writes by hand in SQL.

Both buy one reward with a monthly budget, so its tally is the one row they all wait for; both are durable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import count, islice
from time import perf_counter

import psycopg
from psycopg.types.json import Jsonb

from plugin.config import config
from plugin.db import engine as db
from plugin.loyalty import operations as loyalty
from plugin.loyalty.rewards import RewardDraft
from plugin.loyalty.terms import Terms
from plugin.shops import queries as shops
from plugin.shops.models import Shop
from tests.bench.figures import Figure, of_rounds
from tests.bench.house import House, make_shop

THREADS = 8
A_ROUND = 800
ROUNDS = 5
WARM = 80
GOAL = 0.7
COST, WORTH = 100, 500
BUDGET_MINOR = 10**11
FILL = (
    "INSERT INTO customers (shop_id, id, known) SELECT %(shop)s, n, true FROM generate_series(1, %(people)s) AS n",
    """
    INSERT INTO point_accounts (shop_id, customer_id, available)
    SELECT %(shop)s, n, 1000 FROM generate_series(1, %(people)s) AS n
    """,
    """
    INSERT INTO point_lots (shop_id, customer_id, source, granted, remaining, available_at, expires_at, created_at)
    SELECT %(shop)s, n, 'bench:' || n, 1000, 1000, now() - interval '1 day', now() + interval '1 year', now()
    FROM generate_series(1, %(people)s) AS n
    """,
    "ANALYZE customers, point_accounts, point_lots",
)


def run(house: House) -> Figure:
    people = 2 * (WARM + ROUNDS * A_ROUND)
    shop = make_shop(house, 721, programme=True)
    with house.owner() as owner:
        for statement in FILL:
            owner.execute(statement, {"shop": shop.id, "people": people} if "%(" in statement else None)
    reward_id = _reward(shop)
    everybody = iter(range(1, people + 1))
    hands = Hands(shop.id, reward_id)
    _a_second(hands.buy, everybody, WARM)
    _a_second(_ours(shop, reward_id), everybody, WARM)
    rounds = [
        (_a_second(_ours(shop, reward_id), everybody, A_ROUND), _a_second(hands.buy, everybody, A_ROUND))
        for _ in range(ROUNDS)
    ]
    hands.close()
    _check(house, shop, people)
    return of_rounds("redeem", rounds, GOAL, detail={"unit": "redemptions/s", "threads": THREADS})


def _reward(shop: Shop) -> int:
    with db.transaction(shop.id) as session:
        draft = RewardDraft("5 off", COST, WORTH, terms=Terms(budget_minor=BUDGET_MINOR))
        return loyalty.add_reward(session, shops.shop(session), "bench", draft).id


def _ours(shop: Shop, reward_id: int) -> Callable[[int], object]:
    def buy(customer_id: int) -> object:
        with db.transaction(shop.id) as session:
            return loyalty.redeem(session, shop, customer_id, reward_id, f"click-{customer_id}")

    return buy


def _a_second(buy: Callable[[int], object], everybody: Iterator[int], many: int) -> float:
    """Each buys once."""
    buyers = list(islice(everybody, many))
    with ThreadPoolExecutor(THREADS) as pool:
        began = perf_counter()
        list(pool.map(buy, buyers))
        return many / (perf_counter() - began)


class Hands:
    """The same rows, each written as somebody would in psql: what is bought is known, and nothing is asked."""

    def __init__(self, shop_id: int, reward_id: int) -> None:
        self.shop_id, self.reward_id = shop_id, reward_id
        self.idle = [psycopg.connect(config().database_url, prepare_threshold=5) for _ in range(THREADS)]
        self.keys = count(1)

    def close(self) -> None:
        for connection in self.idle:
            connection.close()

    def buy(self, customer_id: int) -> None:
        connection = self.idle.pop()
        try:
            self._write(connection, customer_id)
        finally:
            self.idle.append(connection)

    def _write(self, connection: psycopg.Connection, customer: int) -> None:
        now = datetime.now(UTC)
        code, key = f"BEANS-{next(self.keys):012}", f"click-{customer}"
        values = {"shop": self.shop_id, "reward": self.reward_id, "customer": customer, "code": code, "key": key}
        values |= {"now": now, "ends": now + timedelta(days=90), "month": now.date().replace(day=1)}
        values |= {"cost": COST, "worth": WORTH}
        with connection.transaction(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('app.shop_id', %s, true)", [str(self.shop_id)])
            cursor.execute(ACCOUNT, values)
            (lot,) = cursor.execute(LOT, values).fetchone() or (0,)
            (redemption,) = cursor.execute(REDEMPTION, values).fetchone() or (0,)
            values |= {"redemption": redemption, "lot": lot, "name": f"redeem:{redemption}"}
            told = {"points": -COST, "reward": "5 off", "value_minor": WORTH, "currency": "EUR"}
            cursor.execute(ENTRY, values | {"told": Jsonb(told)})
            cursor.execute(USE, values)
            payload = {"redemption_id": redemption, "code": code, "title": "5 off", "customer_id": customer}
            payload |= {"amount": "5.00", "minimum": None, "starts_at": str(now), "ends_at": str(values["ends"])}
            cursor.execute(EFFECT, values | {"key": str(redemption), "payload": Jsonb(payload)})
            cursor.execute(NEWS, values)
            cursor.execute(BUDGET, values)


ACCOUNT = """
    UPDATE point_accounts SET available = available - %(cost)s, updated_at = %(now)s
    WHERE shop_id = %(shop)s AND customer_id = %(customer)s AND available >= %(cost)s
"""
LOT = """
    UPDATE point_lots SET remaining = remaining - %(cost)s
    WHERE shop_id = %(shop)s AND customer_id = %(customer)s AND remaining >= %(cost)s RETURNING id
"""
REDEMPTION = """
    INSERT INTO redemptions (shop_id, customer_id, reward_id, request_key, points, value_minor, currency, code, kind,
        reward_version, cost_minor, created_at, expires_at)
    VALUES (%(shop)s, %(customer)s, %(reward)s, %(key)s, %(cost)s, %(worth)s, 'EUR', %(code)s, 'amount_off', 1,
        %(worth)s, %(now)s, %(ends)s) RETURNING id
"""
ENTRY = """
    INSERT INTO point_entries (shop_id, customer_id, kind, points, counter_account, redemption_id, key, explanation,
        occurred_at, created_at)
    VALUES (%(shop)s, %(customer)s, 'redeem', -%(cost)s, 'rewards', %(redemption)s, %(name)s, %(told)s, %(now)s,
        %(now)s)
"""
USE = (
    "INSERT INTO lot_uses (shop_id, redemption_id, lot_id, points) VALUES (%(shop)s, %(redemption)s, %(lot)s, %(cost)s)"
)
EFFECT = """
    INSERT INTO outbox (shop_id, kind, key, urgent, payload)
    VALUES (%(shop)s, 'discount_code', %(key)s, true, %(payload)s) ON CONFLICT DO NOTHING
"""
NEWS = """
    INSERT INTO point_news (shop_id, customer_id, noted_at) VALUES (%(shop)s, %(customer)s, %(now)s)
    ON CONFLICT (shop_id, customer_id) DO UPDATE SET noted_at = excluded.noted_at
"""
BUDGET = """
    UPDATE reward_tallies SET taken = taken + 1, month = %(month)s, month_minor = month_minor + %(worth)s
    WHERE shop_id = %(shop)s AND reward_id = %(reward)s AND month_minor + %(worth)s <= budget_minor
"""
CHECK = """
    SELECT (SELECT count(*) FROM redemptions WHERE shop_id = %(shop)s),
        (SELECT taken FROM reward_tallies WHERE shop_id = %(shop)s),
        (SELECT count(*) FROM outbox WHERE shop_id = %(shop)s AND kind = 'discount_code'),
        (SELECT count(*) FROM point_accounts WHERE shop_id = %(shop)s AND available = 900)
"""


def _check(house: House, shop: Shop, people: int) -> None:
    """Both bought for everybody, once, and wrote the same rows."""
    with house.owner() as owner:
        found = owner.execute(CHECK, {"shop": shop.id}).fetchone()
    assert found == (people,) * 4, found

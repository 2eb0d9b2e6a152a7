"""backfill: orders a second from a bulk result into the tables, ledger settled; and memory that does not grow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

import psutil

from plugin.db import engine as db
from plugin.shops import queries as shops
from plugin.sync import backfill
from tests.bench import bodies
from tests.bench.copying import copy_seconds
from tests.bench.figures import Figure, of_rounds, seconds
from tests.bench.house import House, make_shop

ORDERS = 5_000
CUSTOMERS = 2_000
ROUNDS = 3
GOAL = 0.25
READ_AT = datetime(2026, 11, 20, tzinfo=UTC)


def run(house: House) -> Figure:
    memory = psutil.Process().memory_info
    small = ORDERS // 10
    rounds = []
    _round(house, 200, small)  # code and plans warm, pools open
    before = memory().rss
    for number in range(1, ROUNDS + 1):
        rounds.append(_round(house, 200 + number, ORDERS))
    grown = (memory().rss - before) / 2**20
    detail = {"unit": "orders/s", "orders": ORDERS, "grown_mib_from_a_tenth": round(grown, 1)}
    return of_rounds("backfill", rounds, GOAL, detail=detail)


def _round(house: House, number: int, orders: int) -> tuple[float, float]:
    shop = make_shop(house, number, programme=True)
    customers = list(bodies.customer_lines(CUSTOMERS))
    lines = list(bodies.order_lines(0, orders, CUSTOMERS))
    _import(shop.id, "customers", customers)
    ours = seconds(lambda: _import(shop.id, "orders", lines))
    with house.owner() as owner:
        earned = owner.execute("SELECT count(*) FROM point_entries WHERE shop_id = %s", [shop.id]).fetchone()
        assert earned and earned[0] >= orders, earned
        return orders / ours, orders / copy_seconds(owner, shop)


def _import(shop_id: int, kind: str, lines: Iterable[bytes]) -> None:
    for chunk in backfill.chunks(kind, _with_ends(lines)):
        with db.transaction(shop_id) as session:
            backfill.write(session, shops.shop(session), kind, chunk, READ_AT)


def _with_ends(lines: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    end = 0
    for line in lines:
        end += len(line)
        yield end, line.rstrip(b"\n")

"""end_to_end: webhooks a second received and settled together, next to receiving alone; and what that takes of memory.

The web process and the worker of the Procfile, several shops, one order a webhook. The clock runs from the first
request until the last order is settled, so whatever piles up in between counts against us.
"""

from __future__ import annotations

from time import perf_counter, sleep

import psycopg

from plugin.shops.models import Shop
from tests.bench import bodies, load
from tests.bench.figures import Figure
from tests.bench.house import House, make_shop
from tests.bench.processes import memory_mib, web, worker
from tests.bench.receive import CONNECTIONS, requests

SHOPS = 4
ORDERS = 3_000
CUSTOMERS = 500
SECONDS = 3.0
CALM_ORDERS = 240
CALM_CONNECTIONS = 4
CALM_PAUSE = 0.05  # each connection rests so long after an answer: about 80 webhooks a second
GOAL = 0.4
MEMORY_MIB = 130
WAIT_SECONDS = 90


def run(house: House) -> list[Figure]:
    shops = [make_shop(house, 400 + number, programme=True) for number in range(SHOPS)]
    with web("app:wsgi") as (port, web_pid), house.owner() as owner:
        alone = _alone(port, shops[0])
        owner.execute("TRUNCATE inbox")
        with worker() as worker_pid:
            _send(owner, port, shops, 0, 200)  # code and plans warm, pools open
            owner.execute("TRUNCATE inbox")
            started = perf_counter()
            _send(owner, port, shops, 1_000, ORDERS)
            rate = ORDERS / (perf_counter() - started)
            full = _p99_ms(owner)
            owner.execute("TRUNCATE inbox")
            _send(owner, port, shops, 10_000, CALM_ORDERS, CALM_CONNECTIONS, CALM_PAUSE)
            calm = _p99_ms(owner)
            held = memory_mib(web_pid), memory_mib(worker_pid)
    detail = {"unit": "webhooks/s", "webhooks": ORDERS, "p99_ms_to_settled": full, "p99_ms_when_calm": calm}
    return [
        Figure("end_to_end", rate, alone, GOAL, detail=detail),
        _memory("memory_web", held[0]),
        _memory("memory_worker", held[1]),
    ]


def _alone(port: int, shop: Shop) -> float:
    body = bodies.order(1, 1)
    load.run(port, requests(body, shop, "warm"), CONNECTIONS, 1.0)
    rate, told = load.run(port, requests(body, shop, "alone"), CONNECTIONS, SECONDS)
    assert set(told.statuses) == {b"200"}, told.statuses
    return rate


def _send(
    owner: psycopg.Connection,
    port: int,
    shops: list[Shop],
    first: int,
    many: int,
    connections: int = CONNECTIONS,
    pause: float = 0.0,
) -> None:
    """Send orders to all shops in turn and wait until the last of them has its points."""
    before = _settled(owner)
    prepared = [
        requests(bodies.order(number, CUSTOMERS), shops[number % SHOPS], "order")(number)
        for number in range(first, first + many)
    ]
    told = load.send(port, prepared, connections, pause)
    assert told.statuses == {b"200": many}, told.statuses
    ends = perf_counter() + WAIT_SECONDS
    while (settled := _settled(owner) - before) < many:
        assert perf_counter() < ends, f"{settled} of {many} orders were settled after {WAIT_SECONDS} s"
        sleep(0.02)


def _settled(owner: psycopg.Connection) -> int:
    row = owner.execute("SELECT count(*) FROM inbox WHERE state = 'done'").fetchone()
    return row[0] if row else 0


def _p99_ms(owner: psycopg.Connection) -> float:
    row = owner.execute(
        "SELECT percentile_cont(0.99) WITHIN GROUP (ORDER BY extract(epoch FROM done_at - received_at)) FROM inbox"
    ).fetchone()
    return round(float(row[0]) * 1000, 1) if row else 0.0


def _memory(name: str, mib: float) -> Figure:
    return Figure(name, mib, MEMORY_MIB, 1.0, less_is_better=True, detail={"unit": "MiB PSS"})

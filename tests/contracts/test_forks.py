"""The product's own processes, as the Procfile starts them, asked by many shops at once: every answer is its asker's.

A socket that two processes share would answer one shop with another's rows, and nothing would look wrong: granian's
workers and Celery's pool both fork from a process that has used the database.
"""

from __future__ import annotations

import hashlib
import hmac
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from time import monotonic
from urllib.parse import urlencode

import psutil
import pytest
import requests
from redis import Redis
from sqlalchemy import Engine, text

from plugin import clock
from plugin.config import ROOT, config
from plugin.db import engine as db
from plugin.jobs import doorbell
from plugin.jobs.celery import make_celery
from plugin.jobs.doorbell import ring
from plugin.local import commands, process
from plugin.local.ports import LOOPBACK
from plugin.shops.models import Shop
from tests import payloads
from tests.bench.processes import web
from tests.conftest import SECRET, make_shop
from tests.plugin.loyalty.ledgers import DRAFT, program
from tests.plugin.sync.deliveries import deliver

SHOPS = 8
ASKERS = 8
CHILDREN = 4
ORDERS_A_SHOP = 40


@pytest.fixture
def shops(database: Engine) -> list[Shop]:
    """Look-alikes: the same customer and order ids, each with a word of its own."""
    made = [make_shop(database, f"fork-{number}.myshopify.com", store_id=1000 + number) for number in range(SHOPS)]
    for shop in made:
        with db.transaction(shop.id) as session:
            program(session, shop, replace(DRAFT, name=word(shop)))
    return made


def word(shop: Shop) -> str:
    return f"Club {shop.store_id}"


def address(port: int, shop: Shop) -> str:
    moment = str(int(clock.machine_now().timestamp()))
    query = {"shop": shop.domain, "logged_in_customer_id": "", "path_prefix": "/apps/regulars", "timestamp": moment}
    signed = "".join(f"{name}={value}" for name, value in sorted(query.items()))
    query["signature"] = hmac.new(SECRET.encode(), signed.encode(), hashlib.sha256).hexdigest()
    return f"http://{LOOPBACK}:{port}/proxy/program?{urlencode(query)}"


class Asker(threading.Thread):
    """Asks for one shop's programme after the other's, and notes what it was told of whom."""

    def __init__(self, port: int, shops: list[Shop], answers: int, seconds: float) -> None:
        super().__init__(daemon=True)
        self.port, self.shops = port, shops
        self.answers, self.seconds = answers, seconds
        self.right, self.wrong = 0, list[str]()

    def run(self) -> None:
        ends, luck, session = monotonic() + self.seconds, random.Random(self.name), requests.Session()
        while self.right < self.answers and monotonic() < ends and not self.wrong:
            shop = luck.choice(self.shops)
            wanted = word(shop)
            answer = session.get(address(self.port, shop), timeout=20)  # signed now: a signature grows old
            told = answer.json().get("program", {}).get("name") if answer.ok else answer.status_code
            if told == wanted:
                self.right += 1
            else:
                self.wrong.append(f"{wanted} was told {told}")


def ask(shops: list[Shop], answers: int, seconds: float) -> int:
    with web("app:wsgi") as (port, _):
        askers = [Asker(port, shops, answers // ASKERS, seconds) for _ in range(ASKERS)]
        for asker in askers:
            asker.start()
        for asker in askers:
            asker.join(seconds + 30)
        assert not any(asker.is_alive() for asker in askers), "a request hangs"
    assert [wrong for asker in askers for wrong in asker.wrong] == []
    return sum(asker.right for asker in askers)


def test_every_web_worker_answers_each_shop_with_its_own(shops: list[Shop]) -> None:
    assert ask(shops, answers=800, seconds=8) >= 200  # as many as a busy machine gives in this time


@pytest.mark.long
def test_ten_thousand_answers_are_right(shops: list[Shop]) -> None:
    assert ask(shops, answers=10_000, seconds=240) == 10_000


@pytest.fixture
def start_worker(database: Engine, tmp_path: Path) -> Iterator[Callable[[], process.Process]]:
    """Starts the worker of the Procfile with four children, on an empty Redis."""
    Redis.from_url(config().redis_url).flushdb()
    make_celery().set_default()
    doorbell._nobody_home_until = 0.0
    environ = commands.base_environment() | {"WORKER_CONCURRENCY": str(CHILDREN)}
    command = ["/bin/sh", "-c", f"exec {commands.procfile()['worker']}"]
    with ExitStack() as ends:

        def start() -> process.Process:
            started = process.start("worker", command, tmp_path / "worker.log", environment=environ, directory=ROOT)
            ends.callback(started.kill)
            started.wait_until(lambda: commands.logged(started.log, " ready."), 60)
            return started

        yield start


def test_every_child_of_a_worker_writes_each_shop_s_rows_to_that_shop(
    shops: list[Shop], start_worker: Callable[[], process.Process], database: Engine
) -> None:
    for shop in shops:
        for number in range(ORDERS_A_SHOP):
            body = payloads.order(1001 + number, 501 + number % 3, name=f"{word(shop)} #{number}")
            deliver(database, shop, "orders/create", body, id=str(number))
    worker = start_worker()
    for shop in shops:
        ring("sync.drain", shop.id)  # all at once, so that the children work beside each other from their first query
    waiting = "SELECT count(*) FROM inbox WHERE state = 'new'"
    worker.wait_until(lambda: count(database, waiting) == 0, 60)
    assert count(database, "SELECT count(*) FROM inbox WHERE state <> 'done'") == 0
    foreign = """
        SELECT count(*) FROM orders JOIN shops ON shops.id = orders.shop_id
        WHERE orders.name NOT LIKE 'Club ' || shops.store_id || ' #%'
    """
    assert count(database, foreign) == 0
    assert count(database, "SELECT count(*) FROM orders WHERE known") == SHOPS * ORDERS_A_SHOP
    assert len(psutil.Process(worker.pid).children()) == CHILDREN, "a child died"
    complaints = [line for line in worker.log.read_text().splitlines() if '"error"' in line]
    assert [line for line in complaints if '"error": "Unauthorized"' not in line] == []  # these shops gave no token


def count(owner: Engine, query: str) -> int:
    with owner.connect() as connection:
        return int(connection.execute(text(query)).scalar_one())

"""The worker of the Procfile: hears the bell, does without it, and does not start as somebody it must not be."""

from __future__ import annotations

import json
import os

import psutil
from sqlalchemy import Engine

from plugin.local.valkey import Valkey
from plugin.shops.models import Shop
from tests.plugin.jobs.conftest import StartWorker, is_met, record


def test_a_worker_hears_the_bell_over_redis_and_survives_a_killed_child(
    celery: object, start_worker: StartWorker, shop: Shop, database: Engine
) -> None:
    worker = start_worker()
    first = record(shop, "one")
    worker.wait_until(lambda: is_met(database, first), 40)
    [child] = psutil.Process(worker.pid).children()
    child.kill()
    second = record(shop, "two")
    worker.wait_until(lambda: is_met(database, second), 40)
    told = [json.loads(line) for line in worker.log.read_text().splitlines() if line.startswith("{")]
    assert {"effect_id", "shop_id"} <= {name for line in told for name in line}


def test_a_worker_without_redis_does_the_work_itself(
    broker: Valkey, start_worker: StartWorker, shop: Shop, database: Engine
) -> None:
    broker.process.kill()
    worker = start_worker()
    effect = record(shop, "one")
    worker.wait_until(lambda: is_met(database, effect), 60)


def test_a_worker_does_not_start_as_the_owner(broker: Valkey, start_worker: StartWorker) -> None:
    worker = start_worker(DATABASE_URL=os.environ["DATABASE_OWNER_URL"])
    assert worker.popen.wait(40) != 0
    assert "owns the tables" in worker.last_words()


def test_a_worker_that_cannot_know_who_it_is_does_not_start(broker: Valkey, start_worker: StartWorker) -> None:
    worker = start_worker(DATABASE_URL="postgresql://regulars_app:x@127.0.0.1:9/regulars")
    assert worker.popen.wait(40) != 0
    assert "does not answer" in worker.last_words()

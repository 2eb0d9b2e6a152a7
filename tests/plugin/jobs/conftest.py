from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from celery import Celery
from sqlalchemy import Engine, text

from plugin.config import ROOT
from plugin.db import engine as db
from plugin.effects import operations
from plugin.jobs import doorbell
from plugin.jobs.celery import make_celery
from plugin.local import commands, process, valkey
from plugin.local.valkey import Valkey
from plugin.shops.models import Shop
from tests.conftest import forget_settings

StartWorker = Callable[..., process.Process]


@pytest.fixture
def broker(services: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Valkey]:
    """A Valkey of this test's own, to be frozen and killed."""
    with ExitStack() as ends:
        server = ends.enter_context(valkey.running(Path(tempfile.mkdtemp(prefix="regulars-broker-"))))
        patch = ends.enter_context(monkeypatch.context())
        patch.setenv("REDIS_URL", server.url)
        forget_settings()
        yield server
    forget_settings()


@pytest.fixture
def celery(broker: Valkey) -> Iterator[Celery]:
    """The Celery app of this process on that broker; nobody was found away yet."""
    celery = make_celery()
    celery.set_default()
    doorbell._nobody_home_until = 0.0
    yield celery
    doorbell._nobody_home_until = 0.0
    Celery("nobody").set_default()


@pytest.fixture
def start_worker(database: Engine, tmp_path: Path) -> Iterator[StartWorker]:
    """Starts the worker of the Procfile, with changes to its environment."""
    with ExitStack() as ends:

        def start(**environment: str) -> process.Process:
            command = ["celery", "-A", "app:celery", "worker", "--concurrency", "1", "--without-gossip"]
            command += ["--without-mingle", "--loglevel", "info"]
            environ = commands.base_environment() | environment
            log = tmp_path / f"worker-{len(os.listdir(tmp_path))}.log"
            worker = process.start("worker", command, log, environment=environ, directory=ROOT)
            ends.callback(worker.stop)
            return worker

        yield start


def record(shop: Shop, key: str) -> int:
    """An effect of a kind nobody performs: a worker that meets it marks it failed, without going outside."""
    with db.transaction(shop.id) as session:
        return operations.record(session, shop.id, "telepathy", key, {})


def is_met(database: Engine, effect_id: int) -> bool:
    """Whether a worker met the effect."""
    with database.connect() as connection:
        there = "SELECT state = 'failed' FROM outbox WHERE id = :id"
        return bool(connection.execute(text(there), {"id": effect_id}).scalar_one())

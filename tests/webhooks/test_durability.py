"""What was answered 200 is on disk: whoever is killed, whatever is down."""

from __future__ import annotations

import http.client
import os
import signal
import threading
from time import monotonic, sleep

import psutil
import pytest
from sqlalchemy import Engine

from plugin.config import config
from plugin.jobs.celery import make_celery
from plugin.local.ports import free_port
from plugin.shops.models import Shop
from plugin.sync.drain import drain_waiting
from tests import payloads
from tests.bench.processes import web
from tests.plugin.sync.deliveries import one, rows
from tests.webhooks.posting import headers, post
from webhooks.receiver import Webhooks

BODY = payloads.encode(payloads.order())
SENDERS = 8


class Sender(threading.Thread):
    """Posts one webhook after the other and notes which were answered 200; a broken connection is no answer."""

    def __init__(self, port: int, number: int) -> None:
        super().__init__(daemon=True)
        self.port = port
        self.number = number
        self.answered: list[str] = []
        self.stopping = False

    def run(self) -> None:
        count = 0
        while not self.stopping:
            count += 1
            webhook_id = f"{self.number}-{count}"
            try:
                if self._post(webhook_id) == 200:
                    self.answered.append(webhook_id)
            except (OSError, http.client.HTTPException):
                sleep(0.02)

    def _post(self, webhook_id: str) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("POST", "/webhooks", BODY, headers(BODY, "orders/create", id=webhook_id))
            return connection.getresponse().status
        finally:
            connection.close()


def test_rows_are_there_for_all_that_was_answered_though_workers_are_killed(database: Engine, shop: Shop) -> None:
    before = set(psutil.Process().children(recursive=True))
    with web("app:wsgi") as (port, _):
        started = [child for child in psutil.Process().children(recursive=True) if child not in before]
        senders = [Sender(port, number) for number in range(SENDERS)]
        for sender in senders:
            sender.start()
        wait_for(lambda: sum(len(sender.answered) for sender in senders) > 100)
        workers = [child for process in started for child in process.children(recursive=True)] or started
        victim = max(workers, key=lambda child: child.cpu_times().user)
        os.kill(victim.pid, signal.SIGKILL)
        reached = sum(len(sender.answered) for sender in senders)
        wait_for(lambda: sum(len(sender.answered) for sender in senders) > reached + 100)
        for sender in senders:
            sender.stopping = True
        for sender in senders:
            sender.join(15)
    answered = {webhook_id for sender in senders for webhook_id in sender.answered}
    assert answered <= {row["webhook_id"] for row in rows(database, "inbox", shop)}
    assert len(answered) == sum(len(sender.answered) for sender in senders) > 200


def test_without_redis_webhooks_are_taken_and_the_sweep_finds_them(
    receiver: Webhooks, database: Engine, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", f"redis://127.0.0.1:{free_port()}/0")
    config.cache_clear()
    make_celery().set_default()
    try:
        started = monotonic()
        assert [post(receiver, BODY, id=str(number)) for number in range(20)] == [200] * 20
        assert monotonic() - started < 10
        assert drain_waiting() == 20
        assert one(database, "orders", shop)["id"] == 1001
    finally:
        monkeypatch.undo()
        config.cache_clear()
        make_celery().set_default()


def wait_for(true: object, seconds: float = 60) -> None:
    ends = monotonic() + seconds
    while not true():  # type: ignore[operator]
        assert monotonic() < ends, "it did not happen"
        sleep(0.05)

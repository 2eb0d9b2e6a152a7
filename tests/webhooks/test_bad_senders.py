"""Senders that are slow, huge or packed, and a Redis in trouble: the others are answered, and nothing is unpacked."""

from __future__ import annotations

import gzip
import os
import signal
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic, sleep

import pytest
import redis
import requests
from sqlalchemy import Engine, text

from plugin.config import config
from plugin.jobs import doorbell
from plugin.jobs.celery import make_celery
from plugin.local import valkey
from plugin.local.ports import LOOPBACK, free_port
from plugin.local.valkey import Valkey
from plugin.shops.models import Shop
from plugin.sync.drain import drain, drain_waiting
from tests import payloads
from tests.bench.processes import web
from tests.conftest import forget_settings
from tests.plugin.sync.deliveries import one, rows
from tests.webhooks.posting import headers, post
from webhooks.receiver import Webhooks

BODY = payloads.encode(payloads.order())
SLOW_SENDERS = 10
MEBIBYTE = 2**20


def test_a_packed_body_is_kept_as_it_came_and_never_unpacked(receiver: Webhooks, database: Engine, shop: Shop) -> None:
    bomb = gzip.compress(b"0" * 50 * MEBIBYTE)
    assert post(receiver, bomb, id="bomb") == 200
    drain(shop.id)
    row = one(database, "inbox", shop)
    assert (row["state"], row["body"], row["attempts"]) == ("failed", bomb, 0)


def trickle(port: int, stop: threading.Event) -> None:
    """A sender that announces 1,000 bytes and gives one of them ten times a second."""
    with socket.create_connection((LOOPBACK, port)) as line:
        line.sendall(b"POST /webhooks HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n")
        while not stop.wait(0.1):
            line.sendall(b"x")


def test_slow_and_huge_senders_do_not_keep_the_others_waiting(database: Engine, shop: Shop) -> None:
    stop, seconds = threading.Event(), list[float]()
    with web("app:wsgi") as (port, _):
        url = f"http://{LOOPBACK}:{port}/webhooks"
        assert (
            requests.post(url, BODY, headers=headers(BODY, "orders/create", id="first"), timeout=30).status_code == 200
        )
        slow = [threading.Thread(target=trickle, args=(port, stop), daemon=True) for _ in range(SLOW_SENDERS)]
        for sender in slow:
            sender.start()
        sleep(0.5)
        huge = b" " * 10 * MEBIBYTE
        assert requests.post(url, huge, headers=headers(huge, "orders/create"), timeout=30).status_code == 413
        for number in range(50):
            began = monotonic()
            sent = headers(BODY, "orders/create", id=f"w-{number}")
            assert requests.post(url, BODY, headers=sent, timeout=30).status_code == 200
            seconds.append(monotonic() - began)
        assert all(sender.is_alive() for sender in slow), "they were not there the whole time"
        stop.set()
        for sender in slow:
            sender.join(5)
    assert sorted(seconds)[len(seconds) // 2] < 0.5 and max(seconds) < 4  # the store gives up after five
    assert len(rows(database, "inbox", shop)) == 51


@pytest.fixture
def broker(services: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Valkey]:
    with valkey.running(Path(tempfile.mkdtemp(prefix="regulars-broker-"))) as server:
        with monkeypatch.context() as patch:
            patch.setenv("REDIS_URL", server.url)
            forget_settings()
            make_celery().set_default()
            doorbell._nobody_home_until = 0.0
            yield server
        forget_settings()
        make_celery().set_default()
        doorbell._nobody_home_until = 0.0


def full(server: Valkey) -> None:
    with redis.Redis.from_url(server.url) as client:
        client.config_set("maxmemory-policy", "noeviction")
        client.config_set("maxmemory", "1")


TROUBLES: dict[str, Callable[[Valkey], None]] = {
    "frozen": lambda server: os.kill(server.process.pid, signal.SIGSTOP),
    "full": full,
    "gone": lambda server: server.process.kill(),
}


@pytest.mark.parametrize("trouble", TROUBLES.values(), ids=TROUBLES)
def test_a_redis_in_trouble_delays_no_webhook_and_loses_none(
    broker: Valkey, receiver: Webhooks, database: Engine, shop: Shop, trouble: Callable[[Valkey], None]
) -> None:
    assert config().redis_url == broker.url
    trouble(broker)
    try:
        seconds = []
        for number in range(30):
            began = monotonic()
            assert post(receiver, BODY, id=str(number)) == 200
            seconds.append(monotonic() - began)
        assert max(seconds) < 2
        assert drain_waiting() == 30
    finally:
        if broker.process.running():
            os.kill(broker.process.pid, signal.SIGCONT)


def test_a_database_that_was_away_gets_all_that_was_tried_again(
    database: Engine, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """503 while it is away, so the store tries again; the receiver that was started meanwhile finds it back."""
    whole = os.environ["DATABASE_URL"]
    refused = Webhooks(lambda *_: [])
    with monkeypatch.context() as patch:
        patch.setenv("DATABASE_URL", f"postgresql://regulars_app:x@{LOOPBACK}:{free_port()}/regulars")
        config.cache_clear()
        assert [post(refused, BODY, id=str(number)) for number in range(3)] == [503] * 3
    config.cache_clear()
    refused._writer._url = whole  # it has come back
    assert [post(refused, BODY, id=str(number)) for number in range(3)] == [200] * 3
    drain(shop.id)
    assert {row["state"] for row in rows(database, "inbox", shop)} == {"done"}


FULL_DISK = """
    CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE 'could not extend file' USING ERRCODE = 'disk_full'; END $$;
    CREATE TRIGGER full_disk BEFORE INSERT ON inbox FOR EACH STATEMENT EXECUTE FUNCTION full_disk();
"""


def test_a_full_disk_is_no_200_and_heals_by_itself(receiver: Webhooks, database: Engine, shop: Shop) -> None:
    with database.begin() as connection:
        connection.execute(text(FULL_DISK))
    try:
        assert [post(receiver, BODY, id=str(number)) for number in range(3)] == [503] * 3
        assert rows(database, "inbox", shop) == []
    finally:
        with database.begin() as connection:
            connection.execute(text("DROP FUNCTION full_disk CASCADE"))
    assert [post(receiver, BODY, id=str(number)) for number in range(3)] == [200] * 3
    assert len(rows(database, "inbox", shop)) == 3

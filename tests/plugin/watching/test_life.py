"""A worker counts as alive only while its pool finishes tasks; beat may run twice, or not at all."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from redis import Redis
from sqlalchemy import Engine, text

from plugin.config import ROOT, config
from plugin.db import pulses
from plugin.db.pulses import Sign
from plugin.jobs import doorbell
from plugin.local import cli, commands, liveness, process
from plugin.local.ports import free_port
from plugin.shopify.throttle import Bucket
from plugin.shops.models import Shop
from plugin.watching import budgets, life
from tests.conftest import forget_settings
from tests.plugin.jobs.conftest import is_met, record
from tests.plugin.sync.deliveries import deliver, rows, states

START_SECONDS = 60
CANARY = "canary.finch@example.com"
PROCFILE = commands.procfile()


@pytest.fixture
def worker_name() -> Iterator[None]:
    """This process as a worker that begins; it is nobody again afterwards."""
    forget_process()
    yield
    forget_process()


def forget_process() -> None:
    pulses._Process.name, pulses._Process.drained, pulses._Process.signed_at = "", 0, -pulses.QUIET_SECONDS


def ages(database: Engine, name: str) -> list[float]:
    with database.connect() as connection:
        age = text("SELECT extract(epoch FROM clock_timestamp() - at) FROM pulses WHERE name LIKE :name")
        return [float(age) for age in connection.execute(age, {"name": name}).scalars()]


def grow_old(database: Engine, seconds: float) -> None:
    with database.begin() as connection:
        connection.execute(text("UPDATE pulses SET at = at - make_interval(secs => :s)"), {"s": seconds})


def test_a_worker_signs_what_it_did_and_seldom(database: Engine, worker_name: None) -> None:
    pulses.begin()
    pulses.count(7)
    pulses.sign()
    pulses.count(5)
    pulses.sign()
    [row] = rows(database, "pulses", order="name")
    assert (row["name"], row["drained"]) == (f"worker:{pulses.machine()}:{os.getpid()}", 7)
    pulses.sign(at_once=True)
    assert rows(database, "pulses", order="name")[0]["drained"] == 12
    pulses.end()
    assert rows(database, "pulses", order="name") == []


def test_a_new_worker_forgets_those_of_its_machine_that_were_killed(database: Engine, worker_name: None) -> None:
    with database.begin() as connection:
        for name in (
            f"worker:{pulses.machine()}:99999999",
            "worker:elsewhere:99999999",
            f"worker:{pulses.machine()}:1",
        ):
            connection.execute(text("INSERT INTO pulses (name) VALUES (:name)"), {"name": name})
    pulses.begin()
    left = {row["name"] for row in rows(database, "pulses", order="name")}
    assert left == {"worker:elsewhere:99999999", f"worker:{pulses.machine()}:1", pulses._Process.name}


def test_what_the_sweep_took_itself_is_counted_and_proves_nothing_about_the_pool(
    database: Engine, worker_name: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    pulses.begin()
    grow_old(database, 300)
    pulses.count(5)
    monkeypatch.setattr(life, "ring", lambda task: True)
    life.show()
    assert rows(database, "pulses", order="name")[0]["drained"] == 5
    assert ages(database, "worker:%")[0] > 290
    monkeypatch.setattr(life, "ring", lambda task: False)
    life.show()
    assert ages(database, "worker:%")[0] < 5, "nobody can be rung, so the sweep is what works"


def test_rate_limits_travel_with_the_sign_under_the_shop_s_number(
    database: Engine, shop: Shop, worker_name: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    pulses.begin()
    told: dict[str, Any] = {"requestedQueryCost": 10, "throttleStatus": {"currentlyAvailable": 700, "restoreRate": 50}}
    told["throttleStatus"]["maximumAvailable"] = 2000
    here = {domain: Bucket(monotonic) for domain in (shop.domain, "gone.myshopify.com")}
    for bucket in here.values():
        bucket.learn("Anything", told)
    monkeypatch.setattr(budgets, "buckets", lambda: here)
    monkeypatch.setattr(budgets, "_told_at", 0.0)
    budgets.tell()
    [row] = rows(database, "pulses", order="name")
    assert row["budgets"].keys() == {str(shop.id)} and row["budgets"][str(shop.id)][:3] == [700, 2000, 50]
    [(left, most)] = budgets.freshest(pulses.signs()).values()
    assert 700 <= left < 1200 and most == 2000


def test_who_is_no_worker_signs_nothing(database: Engine) -> None:
    pulses.sign(at_once=True)
    pulses.tell({"1": [1, 2, 3, 4]})
    assert rows(database, "pulses", order="name") == []


def test_a_database_that_is_away_does_not_end_the_work(
    services: None, worker_name: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    pulses._Process.name = "worker:here:1"
    monkeypatch.setenv("DATABASE_URL", f"postgresql://regulars_app:x@127.0.0.1:{free_port()}/regulars")
    forget_settings()
    try:
        pulses.sign(at_once=True)
        assert life.probe()[0], "a restart would not bring the database back"
    finally:
        monkeypatch.undo()
        forget_settings()


def sign(seconds: float, pid: int = 7, machine: str = "") -> Sign:
    return Sign(f"worker:{machine or pulses.machine()}:{pid}", timedelta(seconds=seconds), 0, {})


@pytest.mark.parametrize(
    ("signs", "alive"),
    [
        ([], False),
        ([sign(3)], True),
        ([sign(91)], False),
        ([sign(3, pid=7), sign(91, pid=8)], False),
        ([sign(3, pid=7), sign(91, pid=1009)], True),  # 1009 runs no more: its row is only a memory
        ([sign(3, machine="elsewhere")], False),
        ([sign(3), sign(500, machine="elsewhere")], True),
    ],
)
def test_the_verdict_is_about_running_workers_of_this_machine(signs: list[Sign], alive: bool) -> None:
    assert life.verdict(signs, running=lambda pid: pid < 1000)[0] is alive


def test_a_job_has_its_turn_once_however_many_ask(database: Engine) -> None:
    assert [pulses.turn("retention", 3600) for _ in range(3)] == [True, False, False]
    grow_old(database, 3601)
    assert [pulses.turn("retention", 3600) for _ in range(3)] == [True, False, False]


Start = Callable[..., process.Process]


@pytest.fixture
def start(database: Engine, tmp_path: Path) -> Iterator[Start]:
    """Starts a process of the Procfile, with changes to its environment; nobody has rung before."""
    Redis.from_url(config().redis_url).flushdb()
    with ExitStack() as ends:

        def started(name: str, **environment: str) -> process.Process:
            log = tmp_path / f"{name}-{len(os.listdir(tmp_path))}.log"
            command = ["/bin/sh", "-c", f"exec {PROCFILE[name]}"]
            schedule = {"BEAT_SCHEDULE": str(log.with_suffix(".schedule")), "WORKER_CONCURRENCY": "1"}
            environ = commands.base_environment() | schedule | environment
            running = process.start(name, command, log, environment=environ, directory=ROOT)
            ends.callback(running.kill)
            return running

        yield started


def test_without_a_beat_a_worker_sweeps_and_one_that_hears_nothing_any_more_is_found_out(
    start: Start, database: Engine, shop: Shop
) -> None:
    effect = record(shop, "once")
    worker = start("worker")
    worker.wait_until(lambda: is_met(database, effect), START_SECONDS)
    assert ages(database, "beat") == []
    name = f"worker:{pulses.machine()}:{worker.pid}"
    url = os.environ["DATABASE_URL"]
    worker.wait_until(lambda: bool(ages(database, name)), START_SECONDS)
    grow_old(database, 300)
    worker.wait_until(lambda: ages(database, name)[0] < 60, START_SECONDS)  # its pool took the sweep's bell
    assert probe() == 0 and liveness.hears(url, worker.pid)
    [child] = subprocess.run(["pgrep", "-P", str(worker.pid)], capture_output=True, text=True).stdout.split()
    os.kill(int(child), signal.SIGSTOP)  # the process runs and answers, and no task is ever finished
    grow_old(database, 300)
    assert probe() == 1 and not liveness.hears(url, worker.pid)
    os.kill(int(child), signal.SIGCONT)
    worker.wait_until(lambda: probe() == 0, START_SECONDS)


def probe() -> int:
    """The exit status of the command a platform's probe would run."""
    return cli.run(["worker", "alive"])


def test_two_beats_at_once_do_nothing_twice_and_show_that_they_live(
    start: Start, database: Engine, shop: Shop, other_shop: Shop
) -> None:
    doorbell._nobody_home_until = 0.0
    ids = [deliver(database, shop, "orders/create", {"id": 1001, "total_price": "10.00", "currency": "EUR"})]
    bad = deliver(database, shop, "customers/update", {"id": 7, "email": CANARY, "updated_at": CANARY, "tags": 5})
    effect = record(shop, "once")
    worker, beats = start("worker"), [start("beat"), start("beat")]
    worker.wait_until(lambda: bool(ages(database, "beat")) and is_met(database, effect), START_SECONDS)
    ended = dict.fromkeys(ids, "done") | {bad: "failed"}
    worker.wait_until(lambda: states(database, shop) == ended, START_SECONDS)
    assert all(beat.running() for beat in beats)
    [met] = rows(database, "outbox", shop)
    assert (met["state"], met["attempts"]) == ("failed", 1)
    assert len(rows(database, "orders", shop)) == 1
    logs = "".join(each.log.read_text() for each in (worker, *beats))
    assert "drain.parked" in logs and CANARY not in logs and shop.domain not in logs

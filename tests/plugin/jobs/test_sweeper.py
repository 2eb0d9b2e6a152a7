"""The sweep: alone, unshaken, and working itself when nobody can be rung."""

from __future__ import annotations

import os
import threading
from contextlib import nullcontext

import pytest
from celery import Celery
from sqlalchemy import Engine

from plugin.db.locks import alone
from plugin.jobs.sweeper import OWN_WORK_EVERY, Sweeper

TASKS = {"effects.perform_due": 0.0, "messages.send_due": 0.0}


def test_nobody_to_ring_means_doing_it(services: None) -> None:
    Celery("nobody").set_default()
    done: list[str] = []
    Sweeper(TASKS, done.append, lambda _: nullcontext(True)).sweep()
    assert done == list(TASKS)


def test_while_somebody_hears_only_every_third_round_works_itself(celery: Celery) -> None:
    done: list[str] = []
    sweeper = Sweeper(TASKS, done.append, lambda _: nullcontext(True))
    for _ in range(OWN_WORK_EVERY):
        sweeper.sweep()
    assert done == list(TASKS)


def test_what_is_due_seldom_is_not_asked_for_each_time(services: None) -> None:
    Celery("nobody").set_default()
    done: list[str] = []
    sweeper = Sweeper({"often": 0.0, "hourly": 3600.0}, done.append, lambda _: nullcontext(True))
    for _ in range(3):
        sweeper.sweep()
    assert done == ["often", "hourly", "often", "often"]


def test_one_process_sweeps_at_a_time(database: Engine) -> None:
    done: list[str] = []
    with alone("sweep") as first:
        assert first
        assert Sweeper(TASKS, done.append, alone).sweep() is False
    assert Sweeper(TASKS, done.append, alone).sweep() is True
    assert done == list(TASKS)


def test_locks_of_other_names_do_not_meet(database: Engine) -> None:
    with alone("sweep") as one, alone("another") as two:
        assert one and two


def test_one_job_that_fails_does_not_stop_the_next(services: None, capsys: pytest.CaptureFixture) -> None:
    done: list[str] = []

    def work(task: str) -> None:
        done.append(task)
        raise ValueError("canary@example.com")

    Sweeper(TASKS, work, lambda _: nullcontext(True)).sweep()
    assert done == list(TASKS)
    written = "".join(capsys.readouterr())
    assert "ValueError" in written and "canary@example.com" not in written


def test_the_thread_goes_on_after_a_database_that_was_away(services: None) -> None:
    rounds = threading.Semaphore(0)

    def away(_: str) -> nullcontext[bool]:
        rounds.release()
        raise ConnectionError

    sweeper = Sweeper(TASKS, lambda _: None, away, period=0.02)
    sweeper.start()
    assert all(rounds.acquire(timeout=5) for _ in range(3))
    sweeper.stop()


def test_a_fork_waits_until_the_round_is_over(services: None) -> None:
    working, order = threading.Event(), []

    def work(_: str) -> None:
        working.set()
        threading.Event().wait(0.5)
        order.append("worked")

    sweeper = Sweeper({"effects.perform_due": 0.0}, work, lambda _: nullcontext(True), period=0.01)
    sweeper.start()
    assert working.wait(5)
    child = os.fork()
    if child == 0:
        os._exit(0 if order else 1)
    sweeper.stop()
    assert os.waitpid(child, 0)[1] == 0

"""Ringing over a real Valkey, and over one that is frozen or gone: quick, and never an error."""

from __future__ import annotations

import os
import signal
from time import monotonic

import pytest
import redis
from celery import Celery
from sqlalchemy import text

from plugin.db import engine as db
from plugin.jobs import doorbell
from plugin.jobs.doorbell import ring, ring_after_commit
from plugin.local.valkey import Valkey
from plugin.shops.models import Shop


def waiting(broker: Valkey) -> int:
    return redis.Redis.from_url(broker.url).llen("celery")


def test_a_ring_arrives(celery: Celery, broker: Valkey) -> None:
    assert ring("effects.perform_due") and ring("effects.perform", 1, 2)
    assert waiting(broker) == 2


def test_a_bell_is_rung_once_a_transaction_and_after_its_commit(celery: Celery, broker: Valkey, shop: Shop) -> None:
    with db.transaction(shop.id) as session:
        for _ in range(3):
            ring_after_commit(session, "effects.perform_due")
        session.execute(text("SELECT 1"))
        assert waiting(broker) == 0
    assert waiting(broker) == 1
    with pytest.raises(ValueError), db.transaction(shop.id) as session:
        ring_after_commit(session, "effects.perform_due")
        raise ValueError
    assert waiting(broker) == 1


def test_a_frozen_redis_costs_a_second_once(celery: Celery, broker: Valkey) -> None:
    assert ring("effects.perform_due")
    os.kill(broker.process.pid, signal.SIGSTOP)
    try:
        assert seconds_of_a_silent_ring() < 2.5
        assert seconds_of_a_silent_ring() < 0.05
    finally:
        os.kill(broker.process.pid, signal.SIGCONT)
    doorbell._nobody_home_until = 0.0
    assert ring("effects.perform_due")


def test_a_redis_that_is_gone_costs_next_to_nothing(celery: Celery, broker: Valkey) -> None:
    assert ring("effects.perform_due")
    broker.process.kill()
    assert seconds_of_a_silent_ring() < 1.5
    assert seconds_of_a_silent_ring() < 0.05


def test_without_a_broker_nobody_is_rung(services: None) -> None:
    Celery("nobody").set_default()
    assert seconds_of_a_silent_ring() < 0.05


def test_a_child_rings_over_a_line_of_its_own(celery: Celery, broker: Valkey) -> None:
    assert ring("effects.perform_due")
    children = []
    for _ in range(3):
        child = os.fork()
        if child == 0:
            os._exit(0 if all(ring("effects.perform_due") for _ in range(50)) else 1)
        children.append(child)
    assert all(ring("effects.perform_due") for _ in range(50))
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0]
    assert waiting(broker) == 1 + 4 * 50


def seconds_of_a_silent_ring() -> float:
    started = monotonic()
    assert ring("effects.perform_due") is False
    return monotonic() - started

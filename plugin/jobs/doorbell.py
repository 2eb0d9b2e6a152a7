"""Ringing: ask a worker to look at the database soon. It may fail, and nothing is lost.

Whoever rings often stands in a request or at the end of a transaction, so a Redis that is frozen or gone may cost a
second once, and then nothing for a while.
"""

from __future__ import annotations

import os
from functools import cache
from importlib import import_module
from time import monotonic

from celery import current_app
from kombu.connection import Connection
from kombu.exceptions import KombuError
from kombu.pools import producers
from redis.exceptions import RedisError
from sqlalchemy import event
from sqlalchemy.orm import Session

SECONDS_TO_ANSWER = 1.0
REST_SECONDS = 5.0
RING_LASTS_SECONDS = 120  # what nobody heard by then, the sweep has seen

_nobody_home_until = 0.0


def ring(task: str, *args: int | str) -> bool:
    """Send a task by name; False when the broker did not take it (workers sweep every 10 s anyway)."""
    global _nobody_home_until
    broker = current_app.conf.broker_url
    if not broker or monotonic() < _nobody_home_until:
        return False
    try:
        with producers[_line(broker, os.getpid())].acquire(block=True, timeout=SECONDS_TO_ANSWER) as producer:
            heard = {"ignore_result": True, "retry": False, "expires": RING_LASTS_SECONDS, "producer": producer}
            current_app.send_task(task, args=args, **heard)
    except (KombuError, RedisError, OSError):
        _nobody_home_until = monotonic() + REST_SECONDS
        return False
    return True


def prepare() -> None:
    """Load what the first ring would: before a server forks, so that its workers share it."""
    import_module("kombu.transport.redis")
    import_module("celery.events")
    _ = current_app.amqp, current_app.backend


def ring_after_commit(session: Session, task: str, *args: int | str) -> None:
    """Ring once the session's transaction is committed; the same bell once a transaction."""
    bells = session.info.setdefault("bells", set())
    if (task, args) in bells:
        return
    bells.add((task, args))

    def answer(_: Session) -> None:
        bells.discard((task, args))
        ring(task, *args)

    event.listen(session, "after_commit", answer, once=True)


@cache
def _line(broker: str, pid: int) -> Connection:
    """A connection of this process with short time-outs: those of a worker wait for tasks, this one does not."""
    options = dict(current_app.conf.broker_transport_options or {})
    short = {"socket_timeout": SECONDS_TO_ANSWER, "socket_connect_timeout": SECONDS_TO_ANSWER, "max_retries": 0}
    own = {"process": pid}  # kombu keeps one pool for equal connections, and a child would get its parent's
    return Connection(broker, transport_options=options | short | own)  # type: ignore[no-untyped-call]

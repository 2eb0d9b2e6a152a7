"""Ringing: ask a worker to look at the database soon. It may fail, and nothing is lost."""

from __future__ import annotations

from celery import current_app
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError
from sqlalchemy import event
from sqlalchemy.orm import Session


def ring(task: str, *args: int | str) -> bool:
    """Send a task by name; False when the broker did not take it (workers sweep every 10 s anyway)."""
    try:
        current_app.send_task(task, args=args, ignore_result=True, retry=False)
    except (OperationalError, RedisError, OSError):
        return False
    return True


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

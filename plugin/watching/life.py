"""How a worker shows that it lives, and who has stopped showing it (plugin/db/pulses.py says what counts)."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sqlalchemy.exc import SQLAlchemyError

from plugin.db import pulses
from plugin.db.pulses import Sign, is_running
from plugin.jobs.doorbell import ring


def show() -> None:
    """Have somebody's pool show that it hears; where nobody can be rung, the sweep that calls this is what works."""
    if ring("watching.pulse"):
        pulses.flush()
    else:
        pulses.sign(at_once=True)


def probe() -> tuple[bool, str]:
    """Whether the workers of this machine are alive, and a sentence about it.

    A database that does not answer is no reason to restart a worker, which can do nothing about it.
    """
    try:
        return verdict(pulses.signs())
    except SQLAlchemyError as error:
        return True, f"Nothing can be known: the database does not answer ({type(error).__name__})."


def verdict(signs: Iterable[Sign], running: Callable[[int], bool] = is_running) -> tuple[bool, str]:
    """The same from given signs; `running(pid)` says which of this machine's workers are processes still."""
    here = [sign for sign in signs if sign.here and running(sign.pid)]
    if not here:
        return False, "No worker of this machine has given a sign of life: start one."
    late = max(here, key=lambda sign: sign.age)
    seconds = round(late.age.total_seconds())
    if late.stale:
        return False, f"The worker with process id {late.pid} has finished nothing for {seconds} s: restart it."
    return True, f"Every worker of this machine has finished a task in the last {seconds} s."

"""Signs of life: a worker counts as alive only while its pool finishes tasks.

Every worker's sweep rings `watching.pulse` each round, and whoever's pool takes it signs for its worker; so with n
workers each gets about one a round. When nobody can be rung, the sweep is what works, and it signs itself. A process
that runs but hears nothing any more therefore grows stale, and is restarted (docs/operations.md).
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic

import structlog
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from plugin.db.engine import engine

STALE_SECONDS = 90
QUIET_SECONDS = 5.0  # a process signs at most this often
FORGOTTEN_AFTER = "1 day"
BEAT = "beat"
log = structlog.get_logger()

_SIGN = text("""
    INSERT INTO pulses (name, drained) VALUES (:name, :drained)
    ON CONFLICT (name) DO UPDATE SET at = clock_timestamp(), drained = pulses.drained + EXCLUDED.drained
""")
_BEGIN = text("""
    INSERT INTO pulses (name) VALUES (:name)
    ON CONFLICT (name) DO UPDATE SET started_at = clock_timestamp(), at = clock_timestamp(), drained = 0
""")
_END = text("DELETE FROM pulses WHERE name = :name")
_FORGET = text("DELETE FROM pulses WHERE name LIKE 'worker:%' AND at < clock_timestamp() - CAST(:age AS interval)")
_TURN = text("""
    INSERT INTO pulses (name) VALUES (:name)
    ON CONFLICT (name) DO UPDATE SET at = clock_timestamp()
        WHERE pulses.at <= clock_timestamp() - make_interval(secs => :seconds)
    RETURNING 1
""")
_COUNT = text("UPDATE pulses SET drained = drained + :drained WHERE name = :name")
_TELL = text("UPDATE pulses SET budgets = budgets || CAST(:budgets AS jsonb) WHERE name = :name")
_ALL = text("SELECT name, clock_timestamp() - at AS age, drained, budgets FROM pulses ORDER BY name")


@dataclass(frozen=True)
class Sign:
    """Whose sign it is, how long ago it was given, how many rows of inboxes were taken until then, and what stores
    said of their rate limits (plugin/watching/budgets.py)."""

    name: str
    age: timedelta
    drained: int
    budgets: dict[str, list[float]]

    @property
    def is_worker(self) -> bool:
        return self.name.startswith("worker:")

    @property
    def pid(self) -> int:
        """Of a worker's main process."""
        return int(self.name.rpartition(":")[2])

    @property
    def here(self) -> bool:
        """Whether it is a worker of this machine."""
        return self.name.startswith(f"worker:{machine()}:")

    @property
    def stale(self) -> bool:
        return self.age > timedelta(seconds=STALE_SECONDS)


class _Process:
    """What this process knows of itself; children of a worker inherit its name when they are forked."""

    name = ""
    drained = 0
    signed_at = -QUIET_SECONDS


def machine() -> str:
    """The machine's name, without what the names of pulses are divided by."""
    return socket.gethostname().replace(":", "-")


def is_running(pid: int) -> bool:
    """Whether a process with this id runs on this machine."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def begin() -> None:
    """This process is a worker's main one from now on; those of this machine that were killed are forgotten."""
    _Process.name = f"worker:{machine()}:{os.getpid()}"
    with engine().begin() as connection:
        connection.execute(_FORGET, {"age": FORGOTTEN_AFTER})
        connection.execute(_BEGIN, {"name": _Process.name})
    for sign in signs():
        if sign.here and not is_running(sign.pid):
            _execute(_END, {"name": sign.name})


def end() -> None:
    """This worker stops as it was asked to: nobody needs to miss it."""
    if _Process.name:
        _execute(_END, {"name": _Process.name})


def count(rows: int) -> None:
    """Rows of an inbox were taken; told with the next sign."""
    _Process.drained += rows


def sign(at_once: bool = False) -> None:
    """This worker did something; only every few seconds a statement, and none outside of a worker."""
    if not _Process.name or (not at_once and monotonic() < _Process.signed_at + QUIET_SECONDS):
        return
    _Process.signed_at = monotonic()
    drained, _Process.drained = _Process.drained, 0
    _execute(_SIGN, {"name": _Process.name, "drained": drained})


def flush() -> None:
    """What the sweep itself has counted, without a sign: it runs beside the pool and proves nothing about it."""
    drained, _Process.drained = _Process.drained, 0
    if _Process.name and drained:
        _execute(_COUNT, {"name": _Process.name, "drained": drained})


def tell(budgets: dict[str, list[float]]) -> None:
    """What stores said of their rate limits, by shop id, goes with this worker's sign."""
    if _Process.name and budgets:
        _execute(_TELL, {"name": _Process.name, "budgets": json.dumps(budgets)})


def beat() -> None:
    """Beat was heard."""
    _execute(_SIGN, {"name": BEAT, "drained": 0})


def turn(name: str, seconds: float) -> bool:
    """Whether a job that is due once in so many seconds may run now: True for one caller each time."""
    with engine().begin() as connection:
        return connection.execute(_TURN, {"name": name, "seconds": seconds}).first() is not None


def give_back(name: str) -> None:
    """The job did not come to its end: its next caller may go on at once."""
    _execute(_END, {"name": name})


def signs() -> Sequence[Sign]:
    """The last sign of everybody."""
    with engine().connect() as connection:
        return [Sign(*row) for row in connection.execute(_ALL)]


def _execute(statement, values: dict[str, object]) -> None:  # type: ignore[no-untyped-def]
    """A sign that cannot be given is missed by those who look for it; the work goes on."""
    try:
        with engine().begin() as connection:
            connection.execute(statement, values)
    except SQLAlchemyError as error:
        log.warning("pulse_not_signed", error=type(error).__name__)

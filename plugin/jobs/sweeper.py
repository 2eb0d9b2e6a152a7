"""The sweep: every 10 seconds each worker looks whether something waits, so that Redis and beat may be dead.

A thread of the worker's main process. While Redis lives it only rings, and the pool does the work; when nobody can be
rung, or in every third round (a consumer may hang), it works itself. One worker at a time sweeps, by a lock of the
database. The pool forks from this process, so a fork waits until a round is over: a child must not inherit the locks of
a thread that it does not have.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import partial

import structlog

from plugin.jobs.doorbell import ring

PERIOD_SECONDS = 10.0
OWN_WORK_EVERY = 3
log = structlog.get_logger()


class Sweeper:
    """The thread over some tasks, each of which ends within seconds and may be cut off anywhere.

    `work(task)` does in this process what ringing the task does in the pool; `alone(name)` yields whether this process
    may sweep now (plugin.db.locks).
    """

    def __init__(
        self,
        tasks: Sequence[str],
        work: Callable[[str], object],
        alone: Callable[[str], AbstractContextManager[bool]],
        period: float = PERIOD_SECONDS,
    ) -> None:
        self.tasks, self.work, self.alone, self.period = tuple(tasks), work, alone, period
        self.rounds = 0
        self._stop = threading.Event()
        self._sweeping = threading.RLock()  # re-entrant: a job may itself start a process
        self._thread = threading.Thread(target=self._run, name="sweeper", daemon=True)

    def start(self) -> None:
        """Begin sweeping; returns at once."""
        lock = self._sweeping
        os.register_at_fork(before=lock.acquire, after_in_parent=lock.release, after_in_child=lock.release)
        self._thread.start()

    def stop(self, seconds: float = 5.0) -> None:
        """Ask the thread to end after its present job, and wait for that."""
        self._stop.set()
        self._thread.join(seconds)

    def sweep(self) -> bool:
        """One round; False when another worker is sweeping."""
        with self._sweeping, self.alone("sweep") as chosen:
            if not chosen:
                return False
            self.rounds += 1
            for task in self.tasks:
                if not ring(task) or self.rounds % OWN_WORK_EVERY == 0:
                    self._guarded(task, partial(self.work, task))
        return True

    def _run(self) -> None:
        while not self._stop.wait(self.period):
            self._guarded("sweep", self.sweep)

    def _guarded(self, name: str, work: Callable[[], object]) -> None:
        """The sweep goes on whatever happens; the log names the class alone, because texts may name people."""
        try:
            work()
        except Exception as error:  # noqa: BLE001
            log.warning("sweep_failed", task=name, error=type(error).__name__)

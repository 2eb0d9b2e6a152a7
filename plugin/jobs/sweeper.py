"""The sweep: every 10 seconds each worker looks whether something waits, so that Redis and beat may be dead.

A thread of the worker's main process. While Redis lives it only rings, and the pool does the work; when nobody can be
rung, or for every third time (a consumer may hang), it works itself. One worker at a time sweeps, by a lock of the
database. The pool forks from this process, so a fork waits until a round is over: a child must not inherit the locks of
a thread that it does not have.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from functools import partial
from time import monotonic

import structlog

from plugin.jobs.doorbell import ring

PERIOD_SECONDS = 10.0
OWN_WORK_EVERY = 3
log = structlog.get_logger()


class Sweeper:
    """The thread over some tasks and how often each is due (seconds); each ends soon and may be cut off anywhere.

    `work(task)` does in this process what ringing the task does in the pool; `alone(name)` yields whether this process
    may sweep now (plugin.db.locks); `pulse` says each round, and after each own work, that this process lives.
    """

    def __init__(
        self,
        tasks: Mapping[str, float],
        work: Callable[[str], object],
        alone: Callable[[str], AbstractContextManager[bool]],
        period: float = PERIOD_SECONDS,
        pulse: Callable[[], object] = lambda: None,
    ) -> None:
        self.tasks, self.work, self.alone, self.period, self.pulse = dict(tasks), work, alone, period, pulse
        self._due_at = dict.fromkeys(tasks, 0.0)
        self._times = dict.fromkeys(tasks, 0)
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
            for task in self._due():
                if self._stop.is_set():
                    break
                if not ring(task) or self._times[task] % OWN_WORK_EVERY == 0:
                    self._guarded(task, partial(self.work, task))
                    self._guarded("pulse", self.pulse)
        return True

    def _due(self) -> list[str]:
        now = monotonic()
        due = [task for task, at in self._due_at.items() if at <= now]
        for task in due:
            self._times[task] += 1
            self._due_at[task] = now + self.tasks[task] - self.period / 2  # a round is never exactly on time
        return due

    def _run(self) -> None:
        while not self._stop.wait(self.period):
            self._guarded("pulse", self.pulse)
            self._guarded("sweep", self.sweep)

    def _guarded(self, name: str, work: Callable[[], object]) -> None:
        """The sweep goes on whatever happens; the log names the class alone, because texts may name people."""
        try:
            work()
        except Exception as error:  # noqa: BLE001
            log.warning("sweep_failed", task=name, error=type(error).__name__)

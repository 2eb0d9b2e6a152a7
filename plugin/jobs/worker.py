"""What a worker does besides its tasks: logs, checks who it is, forgets inherited connections after a fork, sweeps,
and says after a task that it lives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from celery.signals import setup_logging, task_postrun, worker_init, worker_process_init, worker_shutdown

from plugin.errors import RegularsError
from plugin.jobs import collector, logs
from plugin.jobs.sweeper import Sweeper

Step = Callable[[], object]


def prepare(
    sweeper: Sweeper,
    before: Sequence[Step] = (),
    after_fork: Sequence[Step] = (),
    after_task: Sequence[Step] = (),
    at_end: Sequence[Step] = (),
) -> None:
    """Connect to the worker's life: `before` it starts (a RegularsError stops it), `after_fork` in each child,
    `after_task` in the child that finished one, `at_end` when the worker stops as it was asked to.

    The sweep begins before the broker is reached, because it is for when the broker is not.
    """

    def check(**_: Any) -> None:
        try:
            _run(before)
        except RegularsError as error:
            raise SystemExit(str(error)) from error  # Celery logs and swallows any other exception of a signal
        collector.relax()  # before the pool forks: what is frozen stays shared
        sweeper.start()

    setup_logging.connect(lambda **_: logs.set_up(), weak=False)
    worker_init.connect(check, weak=False)
    worker_process_init.connect(lambda **_: _run(after_fork), weak=False)
    task_postrun.connect(lambda **_: _run(after_task), weak=False)
    worker_shutdown.connect(lambda **_: _run([sweeper.stop, *at_end]), weak=False)


def _run(steps: Sequence[Step]) -> None:
    for step in steps:
        step()

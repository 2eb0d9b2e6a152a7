"""The Celery app: a doorbell, never a record. Tasks carry ids, their results are thrown away, and Redis may be emptied.

Settings follow measurements: without late acknowledgement a killed worker loses its task; with the default visibility
time-out a redelivery takes an hour; without socket time-outs a frozen Redis freezes whoever rings (docs/operations.md).
"""

from __future__ import annotations

from celery import Celery

from plugin.config import config
from plugin.jobs.schedule import BEAT, BEAT_ALONE

TICK_LASTS_SECONDS = 60
VISIBILITY_SECONDS = 300  # longer than the longest task (time_limit)


def make_celery() -> Celery:
    """The Celery app of this process; tasks are found by `plugin.*.tasks`."""
    celery = Celery("regulars", broker=config().redis_url)
    celery.conf.update(
        accept_content=["json"],
        task_serializer="json",
        task_ignore_result=True,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_time_limit=120,
        task_soft_time_limit=100,
        task_publish_retry=False,
        worker_prefetch_multiplier=1,
        worker_max_tasks_per_child=50_000,
        worker_soft_shutdown_timeout=10,
        worker_eta_task_limit=1000,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options={
            "visibility_timeout": VISIBILITY_SECONDS,
            "unacked_restore_interval": 5,
            "unacked_restore_throttle": 1,
            "socket_timeout": 5,
            "socket_connect_timeout": 1,
            "health_check_interval": 10,
        },
        # A tick that nobody heard in time is not needed any more: the next one asks the same.
        beat_schedule={
            name: tick | {"options": {"expires": TICK_LASTS_SECONDS}} for name, tick in (BEAT | BEAT_ALONE).items()
        },
        timezone="UTC",
    )
    return celery

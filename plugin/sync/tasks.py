"""Bells of the way in: each looks at the database and does what is due there."""

from __future__ import annotations

from time import monotonic

from celery import shared_task

from plugin import pace
from plugin.db import pulses
from plugin.jobs.doorbell import ring
from plugin.sync import checks, reconciling, retention, runs
from plugin.sync import drain as draining

SECONDS = 20.0
DRAIN_SECONDS = 5.0  # other bells want to be heard too
RETAIN_SECONDS = 20 * 3600.0


@shared_task(name="sync.drain")
def drain(*shop_ids: int) -> None:
    """Take what waits in these shops' inboxes; rings again for what is left after 5 s."""
    ends = monotonic() + DRAIN_SECONDS
    if due := draining.due_among(shop_ids):
        draining.drain_in_turn(due, DRAIN_SECONDS)
    if monotonic() >= ends and (left := draining.due_among(due)):
        ring("sync.drain", *left)


@shared_task(name="sync.drain_waiting")
def drain_waiting() -> None:
    """Take what waits in any shop's inbox."""
    draining.drain_waiting(SECONDS)


@shared_task(name="sync.drive_runs")
def drive_runs() -> None:
    """Bring imports on; rings again for what is left after 20 s."""
    with pace.at(pace.BACKGROUND):
        left = runs.drive_all(SECONDS)
    if left:
        ring("sync.drive_runs")


@shared_task(name="sync.reconcile")
def reconcile() -> None:
    """Open the comparisons with the store that are due and bring the open ones on; rings again for what is left."""
    checks.begin_due()
    if reconciling.drive_all(SECONDS):
        ring("sync.reconcile")


@shared_task(name="sync.retain")
def retain() -> None:
    """Once a day, let go of what was kept long enough; goes on at the next bell when a minute was too short."""
    if pulses.turn("retention", RETAIN_SECONDS) and not retention.retain().finished:
        pulses.give_back("retention")
        ring("sync.retain")

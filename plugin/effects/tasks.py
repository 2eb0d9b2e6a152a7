"""Doorbells of the outbox."""

from __future__ import annotations

from time import monotonic

from celery import shared_task

from plugin.effects import performing, rounds
from plugin.jobs.doorbell import ring

ROUND_SECONDS = 2.0  # news in the inboxes may wait behind it


@shared_task(name="effects.perform_due")
def perform_due() -> None:
    """Perform what is due; when a round was not enough, ask for another."""
    started = monotonic()
    rounds.perform_due(ROUND_SECONDS)
    if monotonic() - started >= ROUND_SECONDS:
        ring("effects.perform_due")


@shared_task(name="effects.perform")
def perform(shop_id: int, effect_id: int) -> None:
    """Perform one effect somebody waits for."""
    performing.perform_one(shop_id, effect_id)

"""Bells that only show that somebody hears them."""

from __future__ import annotations

from celery import shared_task

from plugin.db import pulses


@shared_task(name="watching.pulse")
def pulse() -> None:
    """Nothing to do: that it was done is what counts, and is signed after every task (plugin/jobs/worker.py)."""


@shared_task(name="watching.beat")
def beat() -> None:
    """Beat lives."""
    pulses.beat()

"""Celery's side of waking: the rows say what is due."""

from __future__ import annotations

from celery import shared_task

from plugin.campaigns import waking


@shared_task(name="campaigns.wake_due")
def wake_due() -> None:
    """Wake the carts that are due in all shops."""
    waking.wake_due()

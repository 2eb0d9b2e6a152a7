"""Celery's side of sending: the rows say what is due."""

from __future__ import annotations

from celery import shared_task

from plugin.messages import sending


@shared_task(name="messages.send_due")
def send_due() -> None:
    """Send what is due in all shops."""
    sending.send_due()

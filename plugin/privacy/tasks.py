"""Doorbells of requests about personal data."""

from __future__ import annotations

from celery import shared_task

from plugin.privacy import completing


@shared_task(name="privacy.complete")
def complete(shop_id: int) -> None:
    """A request came in: work it off."""
    completing.complete(shop_id)


@shared_task(name="privacy.complete_due")
def complete_due() -> None:
    """What nobody heard, what waited, exports that have been kept long enough."""
    completing.complete_due()

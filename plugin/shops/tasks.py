"""Doorbells of the tenant."""

from __future__ import annotations

import structlog
from celery import shared_task

from plugin.errors import RemoteError
from plugin.shops import tokens

MOST_A_ROUND = 200
log = structlog.get_logger()


@shared_task(name="shops.refresh_idle")
def refresh_idle() -> None:
    """Renew tokens that nobody used for 30 days, long before they end at 90."""
    for shop_id in tokens.idle(MOST_A_ROUND):
        try:
            tokens.access_token(shop_id)
        except RemoteError as error:
            log.warning("token_not_refreshed", shop_id=shop_id, error=type(error).__name__)

"""Doorbells of the storefront."""

from __future__ import annotations

import structlog
from celery import shared_task
from sqlalchemy.exc import SQLAlchemyError

from plugin.db import engine as db
from plugin.errors import RegularsError
from plugin.shops import queries as shops
from plugin.storefront import operations as storefront

log = structlog.get_logger()


@shared_task(name="storefront.publish")
def publish() -> None:
    """Bring every shop's theme copy up to date; trouble in one shop is left to the next tick."""
    for shop_id in shops.installed_ids():
        try:
            with db.transaction(shop_id) as session:
                storefront.publish(session, shops.shop(session))
        except (SQLAlchemyError, RegularsError) as error:
            log.warning("theme_copy_failed", shop_id=shop_id, error=type(error).__name__)

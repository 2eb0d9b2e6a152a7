"""Doorbells of the storefront."""

from __future__ import annotations

from celery import shared_task

from plugin.db import engine as db
from plugin.shops import queries as shops
from plugin.storefront import operations as storefront


@shared_task(name="storefront.publish")
def publish() -> None:
    """Bring every shop's theme copy up to date."""
    for shop_id in shops.installed_ids():
        with db.transaction(shop_id) as session:
            storefront.publish(session, shops.shop(session))

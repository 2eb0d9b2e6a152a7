"""Doorbells of loyalty."""

from __future__ import annotations

from time import monotonic

import structlog
from celery import shared_task
from sqlalchemy.exc import SQLAlchemyError

from plugin.db import engine as db
from plugin.errors import RegularsError
from plugin.jobs.doorbell import ring
from plugin.loyalty import operations as loyalty
from plugin.loyalty import shelves
from plugin.shops import queries as shops

ROUND_SECONDS = 20.0
log = structlog.get_logger()


@shared_task(name="loyalty.settle_due")
def settle_due() -> None:
    """Whatever waits in any shop: past orders, due points, today's tiers; asks for another round when one was short."""
    ends = monotonic() + ROUND_SECONDS
    for shop_id in shops.installed_ids():
        while _step(shop_id):
            if monotonic() > ends:
                ring("loyalty.settle_due")
                return


@shared_task(name="loyalty.read_collections")
def read_collections() -> None:
    """What rules name of the store's collections, once a day."""
    for shop_id in shops.installed_ids():
        try:
            with db.transaction(shop_id) as session:
                shelves.ask_due(session, shops.shop(session))
        except SQLAlchemyError as error:
            log.warning("asking_for_collections_failed", shop_id=shop_id, error=type(error).__name__)


def _step(shop_id: int) -> bool:
    """One step of one shop; trouble in it does not keep the others waiting, and the next tick tries again."""
    try:
        with db.transaction(shop_id) as session:
            return loyalty.catch_up(session, shops.shop(session))
    except (SQLAlchemyError, RegularsError) as error:
        log.warning("catching_up_failed", shop_id=shop_id, error=type(error).__name__)
        return False

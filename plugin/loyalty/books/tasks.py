"""Doorbells of the books: each rings for every shop, a step at a time."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

import structlog
from celery import shared_task
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from plugin.db import engine as db
from plugin.errors import RegularsError
from plugin.jobs.doorbell import ring
from plugin.loyalty.books import checking, upkeep
from plugin.loyalty.expiry import changing
from plugin.loyalty.expiry.warning import warnings_due
from plugin.loyalty.importing import applying
from plugin.shops import queries as shops
from plugin.shops.models import Shop

ROUND_SECONDS = 20.0
Step = Callable[[Session, Shop], bool]
log = structlog.get_logger()


@shared_task(name="loyalty.keep_books")
def keep_books() -> None:
    """Imports and changes of expiry under way, warnings and seals that are due, and looks at the whole ledger."""
    _in_every_shop("loyalty.keep_books", applying.step, changing.step, warnings_due, upkeep.step, checking.step)


def _in_every_shop(task: str, *steps: Step) -> None:
    ends = monotonic() + ROUND_SECONDS
    for shop_id in shops.installed_ids():
        for step in steps:
            while _one(shop_id, step):
                if monotonic() > ends:
                    ring(task)
                    return


def _one(shop_id: int, step: Step) -> bool:
    """Trouble in one shop does not keep the others waiting, and the next tick tries again."""
    try:
        with db.transaction(shop_id) as session:
            return step(session, shops.shop(session))
    except (SQLAlchemyError, RegularsError) as error:
        log.warning("upkeep_failed", shop_id=shop_id, error=type(error).__name__)
        return False

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
from plugin.shops import queries as shops
from plugin.shops.models import Shop

ROUND_SECONDS = 20.0
Step = Callable[[Session, Shop], bool]
log = structlog.get_logger()


@shared_task(name="loyalty.keep_books")
def keep_books() -> None:
    """Seals that are due, and looks at the ledger that somebody asked for or a day brought."""
    _in_every_shop("loyalty.keep_books", upkeep.step, checking.step)


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

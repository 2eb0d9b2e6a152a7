"""Doorbells of the figures."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

import structlog
from celery import shared_task
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from plugin.db import engine as db
from plugin.errors import RegularsError
from plugin.insights import money, point_days, profit_counting
from plugin.jobs.doorbell import ring
from plugin.shops import queries as shops
from plugin.shops.models import Shop

ROUND_SECONDS = 20.0
STEPS: tuple[Callable[[Session, Shop], bool], ...] = (point_days.count_step, money.take, profit_counting.count_step)
log = structlog.get_logger()


@shared_task(name="insights.keep_figures")
def keep_figures() -> None:
    """Whatever figures wait in any shop, step by step; asks for another round when one was short."""
    ends = monotonic() + ROUND_SECONDS
    for shop_id in shops.installed_ids():
        for step in STEPS:
            while _done(shop_id, step):
                if monotonic() > ends:
                    ring("insights.keep_figures")
                    return


def _done(shop_id: int, step: Callable[[Session, Shop], bool]) -> bool:
    """One step in its own transaction; trouble in one shop does not keep the others waiting."""
    try:
        with db.transaction(shop_id) as session:
            return step(session, shops.shop(session))
    except (SQLAlchemyError, RegularsError) as error:
        log.warning("figures_failed", shop_id=shop_id, error=type(error).__name__)
        return False

"""What stores said of their rate limits, told with a worker's sign so that one place can show all of it.

Each process knows only its own calls; the freshest word of a shop is the shop's.
"""

from __future__ import annotations

from collections.abc import Iterable
from time import monotonic

import structlog
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from plugin import clock
from plugin.db import pulses
from plugin.db.engine import system_transaction
from plugin.shopify.client import buckets

PAUSE_SECONDS = 10.0
IDS = text("SELECT domain, id FROM shops WHERE domain = ANY (:domains)")

log = structlog.get_logger()

_told_at = 0.0


def tell() -> None:
    """Every ten seconds at most: [points left, points at most, points a second, moment] of the stores called since."""
    global _told_at
    now = monotonic()
    if now < _told_at + PAUSE_SECONDS:
        return
    since, _told_at = _told_at, now
    news = {domain: bucket for domain, bucket in buckets().items() if bucket.told_at > since}
    if not news:
        return
    try:
        with system_transaction() as session:
            ids = {row.domain: row.id for row in session.execute(IDS, {"domains": list(news)})}
    except SQLAlchemyError as error:
        log.warning("budgets_not_told", error=type(error).__name__)
        return
    moment = clock.machine_now().timestamp()
    pulses.tell(
        {
            str(ids[domain]): [bucket.available or 0.0, bucket.maximum, bucket.restore_rate, moment]
            for domain, bucket in news.items()
            if domain in ids
        }
    )


def freshest(signs: Iterable[pulses.Sign]) -> dict[str, tuple[float, float]]:
    """Shop id → (points that should be there now, points at most), by the latest word of any worker."""
    latest: dict[str, list[float]] = {}
    for sign in signs:
        for shop, said in sign.budgets.items():
            if shop not in latest or said[3] > latest[shop][3]:
                latest[shop] = said
    now = clock.machine_now().timestamp()
    return {shop: (min(left + (now - at) * rate, most), most) for shop, (left, most, rate, at) in latest.items()}

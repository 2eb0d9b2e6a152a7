"""Telling people that points of theirs are about to be lost, while they can still be spent.

Once a day of the shop, from nine in the morning on, for each number of days that the programme names: whoever has
points whose last day is that far off. A day that was missed is made up for. Each customer gets one mail a day of expiry
and number of days; asked again just before it goes out, because the points may be spent or may have got more time.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from plugin import clock
from plugin.loyalty import queries
from plugin.loyalty.books.models import LedgerUpkeep
from plugin.loyalty.models import PointLot
from plugin.loyalty.rules import ProgramRules
from plugin.messages import operations as messages
from plugin.messages.models import Message
from plugin.messages.rules import Stop
from plugin.shops.models import Shop

KIND: Final = "points_expiring"
FROM_HOUR: Final = 9
MOST_MISSED: Final = timedelta(days=7)

_QUEUE = text("""
    INSERT INTO messages (shop_id, kind, key, marketing, scope, email, customer_id, template, context, subject_kind,
        locale, created_at)
    SELECT :shop, :kind, :kind || ':' || l.customer_id || ':' || l.day || ':' || :ahead, false, 'all',
        lower(trim(c.email)), c.id, jsonb_build_object('name', CAST(:kind AS text)),
        jsonb_build_object('points', l.points, 'points_name', CAST(:name AS text), 'expires_on', l.day),
        'expiry', coalesce(nullif(split_part(c.locale, '-', 1), ''), :locale), :now
    FROM (
        SELECT customer_id, sum(remaining)::bigint AS points,
            ((expires_at - interval '1 microsecond') AT TIME ZONE :zone)::date::text AS day
        FROM point_lots
        WHERE shop_id = :shop AND NOT pending AND remaining > 0 AND expires_at > :since AND expires_at <= :until
        GROUP BY customer_id, 3
    ) AS l JOIN customers c ON c.shop_id = :shop AND c.id = l.customer_id
    WHERE c.deleted_at IS NULL AND c.email LIKE '%@%'
    ON CONFLICT (shop_id, key) DO NOTHING
""")


def warnings_due(session: Session, shop: Shop) -> bool:
    """Queue today's warnings, once a day. Never more to do at once."""
    now = clock.now(session)
    local = now.astimezone(ZoneInfo(shop.timezone))
    program = queries.program(session, shop, now)
    if program is None or not program.document.expiry.warn_days or local.hour < FROM_HOUR:
        return False
    session.execute(insert(LedgerUpkeep).values(shop_id=shop.id).on_conflict_do_nothing())
    upkeep = session.get(LedgerUpkeep, shop.id, with_for_update=True, populate_existing=True)
    assert upkeep is not None
    if upkeep.warned_on == local.date():
        return False
    yesterday = local.date() - timedelta(days=1)
    warned = max(upkeep.warned_on or yesterday, local.date() - MOST_MISSED)
    for ahead in program.document.expiry.warn_days:
        _warn(session, shop, program, ahead, warned, local.date(), now)
    upkeep.warned_on = local.date()
    session.flush()
    messages.ring_after_commit(session)
    return False


def _warn(
    session: Session, shop: Shop, program: ProgramRules, ahead: int, warned: date, today: date, now: datetime
) -> None:
    """Points whose last day lies behind `warned` + ahead and up to today + ahead."""
    days = timedelta(days=ahead + 1)
    asked = {
        "shop": shop.id,
        "kind": KIND,
        "ahead": str(ahead),
        "name": program.points_many,
        "zone": shop.timezone,
        "locale": shop.locale or "en",
        "since": max(_start(warned + days, shop), now),
        "until": _start(today + days, shop),
        "now": now,
    }
    session.execute(_QUEUE, asked)


def recheck(session: Session, shop: Shop, waiting: Sequence[Message]) -> dict[int, Stop]:
    """Asked by sending, just before the mail goes out: whether points are still lost on that day, by message id."""
    now = clock.now(session)
    stops = {}
    for message in waiting:
        until = _start(date.fromisoformat(message.context["expires_on"]) + timedelta(days=1), shop)
        lost = select(func.coalesce(func.sum(PointLot.remaining), 0)).where(
            PointLot.shop_id == shop.id,
            PointLot.customer_id == message.customer_id,
            PointLot.remaining > 0,
            PointLot.expires_at > now,
            PointLot.expires_at <= until,
        )
        if not session.scalar(lost):
            stops[message.id] = Stop("nothing_expiring")
    return stops


def _start(day: date, shop: Shop) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(shop.timezone))

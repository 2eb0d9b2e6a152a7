"""Birthdays and anniversaries: once a day of the shop, everybody whose day it is.

A day that was missed is made up for, up to MOST_DAYS back. Keys name the year, so a day may be swept again. Who was
born, signed up or first ordered on 29 February has 28 February in years without one.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.orm import Session

from plugin import clock
from plugin.jobs.doorbell import ring_after_commit
from plugin.loyalty import queries
from plugin.loyalty.acting.models import DeedSweep
from plugin.loyalty.acting.rules import anniversaries, month_days
from plugin.loyalty.rules import program_at
from plugin.shops.models import Shop

MOST_DAYS = 31
YEARS = 40
_BIRTHDAYS = text("""
    INSERT INTO deeds (shop_id, key, customer_id, thing, occurred_at, known_since, recorded_at)
    SELECT :shop, 'birthday:' || v.customer_id || ':' || :year, v.customer_id, 'birthday', :moment, v.changed_at, :now
    FROM profile_fields f JOIN profile_values v ON v.shop_id = :shop AND v.field_id = f.id AND v.value = ANY (:days)
    WHERE f.shop_id = :shop AND f.kind = 'birthday' AND f.archived_at IS NULL
    ORDER BY v.customer_id ON CONFLICT DO NOTHING
""")
_SIGNED_UP = """
    SELECT id AS customer_id FROM customers
    WHERE shop_id = :shop AND created_at >= d.starts AND created_at < d.ends AND known AND deleted_at IS NULL OFFSET 0
"""
_FIRST_ORDERED = """
    SELECT DISTINCT o.customer_id FROM orders o
    WHERE o.shop_id = :shop AND o.processed_at >= d.starts AND o.processed_at < d.ends AND o.customer_id IS NOT NULL
        AND NOT o.test AND o.cancelled_at IS NULL AND o.deleted_at IS NULL AND NOT EXISTS (
            SELECT FROM orders e WHERE e.shop_id = :shop AND e.customer_id = o.customer_id
                AND e.processed_at < d.starts AND NOT e.test AND e.cancelled_at IS NULL AND e.deleted_at IS NULL
        )
"""
_ANNIVERSARIES = """
    INSERT INTO deeds (shop_id, key, customer_id, thing, occurred_at, recorded_at)
    SELECT :shop, 'anniversary:{since}:' || c.customer_id || ':' || :year, c.customer_id, 'anniversary.{since}',
        :moment, :now
    FROM unnest(CAST(:starts AS timestamptz[]), CAST(:ends AS timestamptz[])) AS d (starts, ends)
    CROSS JOIN LATERAL ({who}) AS c
    ORDER BY c.customer_id ON CONFLICT DO NOTHING
"""
_OF = {
    "signup": text(_ANNIVERSARIES.format(since="signup", who=_SIGNED_UP)),
    "first_order": text(_ANNIVERSARIES.format(since="first_order", who=_FIRST_ORDERED)),
}


def sweep(session: Session, shop: Shop) -> bool:
    """Record the deeds of the oldest day that is missing; False when none is."""
    today = clock.now(session).astimezone(ZoneInfo(shop.timezone)).date()
    last = session.get(DeedSweep, shop.id)
    if last is not None and last.swept_on >= today:
        return False
    if last is None:
        last = DeedSweep(shop_id=shop.id, swept_on=today - timedelta(days=1))
        session.add(last)
    last = _locked(session, shop, last)
    if last.swept_on >= today:
        return False
    day = max(last.swept_on + timedelta(days=1), today - timedelta(days=MOST_DAYS))
    _sweep_day(session, shop, day)
    last.swept_on = day
    session.flush()
    return True


def _locked(session: Session, shop: Shop, row: DeedSweep) -> DeedSweep:
    session.flush()
    session.refresh(row, with_for_update=True)
    return row


def _sweep_day(session: Session, shop: Shop, day: date) -> None:
    zone = ZoneInfo(shop.timezone)
    program = program_at(queries.programs(session, shop), _start(day, zone))
    if program is None:
        return
    asked: dict[str, Any] = {"shop": shop.id, "year": str(day.year), "moment": _start(day, zone)}
    asked["now"] = clock.now(session)
    if program.document.actions.are_on("birthday"):
        session.execute(_BIRTHDAYS, asked | {"days": list(month_days(day))})
    for since, statement in _OF.items():
        if program.document.actions.of(f"anniversary.{since}"):
            session.execute(statement, asked | _ranges(day, zone))
    ring_after_commit(session, "loyalty.settle_due")


def _ranges(day: date, zone: ZoneInfo) -> dict[str, list[datetime]]:
    days = anniversaries(day, YEARS)
    return {
        "starts": [_start(each, zone) for each in days],
        "ends": [_start(each + timedelta(days=1), zone) for each in days],
    }


def _start(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)

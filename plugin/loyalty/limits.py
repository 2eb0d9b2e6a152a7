"""How many points a member of staff may move by hand: in one change and in a day of the shop, given and taken alike."""

from __future__ import annotations

from datetime import date
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from plugin import clock
from plugin.errors import Invalid, Refused
from plugin.loyalty.expiry.models import StaffPoints
from plugin.shops import operations as shops
from plugin.shops.models import Shop

MOST_POINTS: Final = 1_000_000
MOST_A_DAY: Final = 1_000_000_000


class Limits(NamedTuple):
    """Points in one change, and by one member of staff in a day; None: no limit but the product's own."""

    most: int = MOST_POINTS
    daily: int | None = None


def of_shop(shop: Shop) -> Limits:
    """What the shop has set."""
    settings = shop.settings or {}
    return Limits(int(settings.get("adjust_most") or MOST_POINTS), settings.get("adjust_daily"))


def change(session: Session, shop: Shop, actor: str, most: int, daily: int | None) -> None:
    """Set the limits. Raises Invalid at the field."""
    if not 1 <= most <= MOST_POINTS:
        raise Invalid("Enter between 1 and %(most)s points.", "most", most=MOST_POINTS)
    if daily is not None and not most <= daily <= MOST_A_DAY:
        raise Invalid("Enter at least what one change may move, or leave it empty.", "daily")
    shops.change_settings(session, shop, actor, {"adjust_most": most, "adjust_daily": daily})


def check(shop: Shop, points: int) -> None:
    """Whether one change may move so many points. Raises Invalid("points")."""
    limits = of_shop(shop)
    if not points or abs(points) > limits.most:
        raise Invalid("Enter a number of points other than 0, at most %(most)s.", "points", most=limits.most)


def take(session: Session, shop: Shop, actor: str, points: int) -> None:
    """Count a change against the day of who makes it. Raises Refused, and counts nothing, when the day is full."""
    daily = of_shop(shop).daily
    most = MOST_A_DAY * 1000 if daily is None else daily
    moved = insert(StaffPoints).values(shop_id=shop.id, actor=actor, day=_today(session, shop), points=abs(points))
    grown = StaffPoints.points + moved.excluded.points
    counted = moved.on_conflict_do_update(
        index_elements=["shop_id", "actor", "day"], set_={"points": grown}, where=grown <= most
    )
    if abs(points) <= most and session.scalar(counted.returning(StaffPoints.points)) is not None:
        return
    raise Refused(
        "You may move %(daily)s points by hand in a day, and %(used)s of them are used.",
        daily=most,
        used=used(session, shop, actor),
    )


def used(session: Session, shop: Shop, actor: str) -> int:
    """What somebody has moved today."""
    mine = StaffPoints.shop_id == shop.id, StaffPoints.actor == actor, StaffPoints.day == _today(session, shop)
    return session.scalar(select(func.coalesce(func.sum(StaffPoints.points), 0)).where(*mine)) or 0


def _today(session: Session, shop: Shop) -> date:
    return clock.now(session).astimezone(ZoneInfo(shop.timezone)).date()

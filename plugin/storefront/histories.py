"""A shopper's points in the order they moved, each with what explains it: data, which the theme puts into words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.commerce.models import Order
from plugin.loyalty import queries as loyalty
from plugin.loyalty.models import PointEntry
from plugin.loyalty.rules import WHEN_FULFILLED
from plugin.shops.models import Shop

PAGE: Final = 20
WHY: Final = {"cancelled": "cancelled", "deleted": "cancelled", "not_paid": "not_paid"}


def page(session: Session, shop: Shop, customer_id: int, now: datetime, before: int | None = None) -> dict[str, Any]:
    """The newest movements, or those older than `before`; `more` is what to ask for next, None at the end."""
    found = loyalty.entries(session, shop, customer_id, before, PAGE + 1)
    entries = found[:PAGE]
    names = order_names(session, shop, entries)
    return {
        "history": [_entry(entry, names, now) for entry in entries],
        "more": entries[-1].id if len(found) > PAGE else None,
    }


def owed_for(session: Session, shop: Shop, customer_id: int) -> dict[str, Any] | None:
    """The order whose points went back last, and why: what a debt came from."""
    mine = PointEntry.shop_id == shop.id, PointEntry.customer_id == customer_id, PointEntry.kind == "claw"
    last = session.scalars(select(PointEntry).where(*mine).order_by(PointEntry.id.desc()).limit(1)).first()
    if last is None:
        return None
    return {"order": order_names(session, shop, [last]).get(last.order_id or 0), "why": why(last)}


def why(entry: PointEntry) -> str | None:
    """Why points of an order went back; None for other movements."""
    if entry.kind != "claw":
        return None
    said = entry.explanation
    if "why" in said:
        return WHY.get(said["why"])
    return "refund" if said.get("returned_minor") or said.get("money_back_minor") else "edit"


def order_names(session: Session, shop: Shop, entries: Sequence[PointEntry]) -> dict[int, str]:
    """Names of the orders that these are about."""
    ids = {entry.order_id for entry in entries if entry.order_id is not None}
    named = select(Order.id, Order.name).where(Order.shop_id == shop.id, Order.id.in_(ids))
    return dict(iter(session.execute(named))) if ids else {}


def _entry(entry: PointEntry, names: Mapping[int, str], now: datetime) -> dict[str, Any]:
    waits = entry.points > 0 and entry.available_at is not None and entry.available_at > now
    day = entry.available_at if waits and entry.available_at != WHEN_FULFILLED else None
    return {
        "kind": entry.kind,
        "points": entry.points,
        "at": entry.occurred_at.isoformat(),
        "order": names.get(entry.order_id or 0),
        "reward": entry.explanation.get("reward"),
        "pending": waits,
        "available_at": day.isoformat() if day else None,
        "why": why(entry),
        "counted": _counted(entry.explanation) if entry.kind == "earn" else None,
    }


def _counted(said: Mapping[str, Any]) -> dict[str, Any] | None:
    """How an order's points were counted; None where shares and other currencies make it more than one line."""
    if "counted_minor" not in said or said.get("shares"):
        return None
    return {"minor": said["counted_minor"], "currency": said["currency"], "earn": said["earn"], "tier": said["tier"]}

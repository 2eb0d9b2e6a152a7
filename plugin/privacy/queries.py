"""Privacy requests as the panel and whoever watches see them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from plugin.db import keyset
from plugin.errors import NotFound
from plugin.privacy.models import PrivacyRequest
from plugin.shops.models import Shop

UNFINISHED = ("open", "reading", "ready", "missed")
WARN_AFTER = timedelta(days=20)
FAIL_AFTER = timedelta(days=28)  # two days before the law's thirty are over


def open_requests(session: Session, shop_id: int) -> Sequence[PrivacyRequest]:
    """Requests that are not completed, the one due first above."""
    there = PrivacyRequest.shop_id == shop_id, PrivacyRequest.state.in_(UNFINISHED)
    return session.scalars(select(PrivacyRequest).where(*there).order_by(PrivacyRequest.due_at)).all()


def page(
    session: Session,
    shop: Shop,
    state: str = "",
    *,
    after: keyset.Key | None = None,
    before: keyset.Key | None = None,
    size: int = 25,
) -> keyset.Page:
    """Requests, the newest first; `state` "unfinished" leaves out what is done."""
    order = keyset.Order(PrivacyRequest.id, PrivacyRequest.id)
    return keyset.page(session, _listed(shop, state), order, after=after, before=before, size=size)


def count(session: Session, shop: Shop, state: str = "") -> int:
    """How many requests a list has."""
    counted = _listed(shop, state).with_only_columns(PrivacyRequest.id).subquery()
    return session.scalar(select(func.count()).select_from(counted)) or 0


def _listed(shop: Shop, state: str) -> Select[Any]:
    rows = select(PrivacyRequest).where(PrivacyRequest.shop_id == shop.id)
    return rows.where(PrivacyRequest.state.in_(UNFINISHED)) if state == "unfinished" else rows


def request(session: Session, shop_id: int, request_id: int) -> PrivacyRequest:
    """One request. Raises NotFound."""
    found = session.get(PrivacyRequest, (shop_id, request_id))
    if found is None:
        raise NotFound("This request does not exist.")
    return found


def urgency(request: PrivacyRequest, now: datetime) -> str:
    """ "" while there is time, "soon" from day 20, "late" from day 28; of a finished request always ""."""
    if request.state not in UNFINISHED:
        return ""
    age = now - request.received_at
    return "late" if age >= FAIL_AFTER else "soon" if age >= WARN_AFTER else ""


def unfinished_by_urgency(session: Session, shop_id: int, now: datetime) -> Counter[str]:
    """How many requests of a shop are unfinished, by urgency: "", soon, late."""
    return Counter(urgency(request, now) for request in open_requests(session, shop_id))

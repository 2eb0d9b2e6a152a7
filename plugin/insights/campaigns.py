"""Carts in an automation, page by page."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.campaigns.models import Enrollment
from plugin.db import keyset
from plugin.shops.models import Shop


def enrollments(
    session: Session,
    shop: Shop,
    automation_id: int,
    state: str = "",
    *,
    after: keyset.Key | None = None,
    before: keyset.Key | None = None,
    size: int = 25,
) -> keyset.Page:
    """Carts in an automation, the latest first. `state` narrows: waiting, done, stopped, recovered."""
    statement = select(Enrollment).where(Enrollment.shop_id == shop.id, Enrollment.automation_id == automation_id)
    if state == "recovered":
        statement = statement.where(Enrollment.order_id.is_not(None))
    elif state:
        statement = statement.where(Enrollment.state == state)
    order = keyset.Order(Enrollment.id, Enrollment.id)
    return keyset.page(session, statement, order, after=after, before=before, size=size)

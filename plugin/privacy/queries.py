"""Privacy requests as the panel shows them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.privacy.models import PrivacyRequest


def open_requests(session: Session, shop_id: int) -> Sequence[PrivacyRequest]:
    """Requests that are not completed, the one due first above."""
    there = PrivacyRequest.shop_id == shop_id, PrivacyRequest.state == "open"
    return session.scalars(select(PrivacyRequest).where(*there).order_by(PrivacyRequest.due_at)).all()


def latest(session: Session, shop_id: int, limit: int = 50) -> Sequence[PrivacyRequest]:
    """The newest requests in any state."""
    rows = select(PrivacyRequest).where(PrivacyRequest.shop_id == shop_id)
    return session.scalars(rows.order_by(PrivacyRequest.id.desc()).limit(limit)).all()

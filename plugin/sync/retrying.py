"""Another chance for webhooks that were parked, asked for by a person."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from plugin.shops.models import Shop
from plugin.sync.models import Inbox

PARKED = text("inbox.state IN ('failed', 'quarantined')")  # literals, for the partial index


def retry(session: Session, shop: Shop, ids: Sequence[int] | None = None) -> int:
    """Put parked webhooks (of these inbox ids, or all) back in line with a clean count; how many there were."""
    wanted = select(Inbox.id).where(Inbox.shop_id == shop.id, PARKED)
    if ids is not None:
        wanted = wanted.where(Inbox.id.in_(ids))
    afresh = {"state": "new", "error": None, "attempts": 0, "next_attempt_at": None}
    put_back = update(Inbox).where(Inbox.shop_id == shop.id, Inbox.id.in_(wanted)).values(afresh).returning(Inbox.id)
    return len(session.execute(put_back, execution_options={"synchronize_session": False}).all())

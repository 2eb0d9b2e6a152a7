"""What the mails of the programme did lately."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from plugin import clock
from plugin.messages.models import Message
from plugin.shops.models import Shop

DAYS = 30


def sent_lately(session: Session, shop: Shop, kinds: Iterable[str]) -> dict[str, int]:
    """Mails the mail server took within DAYS, by kind."""
    since = clock.now(session) - timedelta(days=DAYS)
    sent = Message.shop_id == shop.id, Message.kind.in_(list(kinds)), Message.state == "sent", Message.sent_at > since
    return dict(iter(session.execute(select(Message.kind, func.count()).where(*sent).group_by(Message.kind))))

"""How far the programme is with what a change set in motion."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.loyalty.models import Program
from plugin.shops.models import Shop


def is_catching_up(session: Session, shop: Shop) -> bool:
    """Whether points of past orders are still being counted."""
    waiting = select(Program.id).where(Program.shop_id == shop.id, Program.history_after.is_not(None))
    return session.scalar(select(waiting.exists())) or False

"""What a shop's ledger needs once a day: a seal, and then a look at what came since the last sound one."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from plugin import clock
from plugin.loyalty.books import checking, sealing
from plugin.loyalty.books.models import LedgerUpkeep
from plugin.shops.models import Shop


def step(session: Session, shop: Shop) -> bool:
    """Seal what is due; after the day's last seal ask for the day's look. Whether there is more to do at once."""
    if sealing.seal_due(session, shop):
        return True
    today = clock.now(session).astimezone(ZoneInfo(shop.timezone)).date()
    upkeep = session.get(LedgerUpkeep, shop.id, with_for_update=True, populate_existing=True)
    if upkeep is None or upkeep.sealed_on != today or upkeep.checked_on == today:
        return False
    upkeep.checked_on = today
    if sealing.last_seal(session, shop) is not None:
        checking.ask(session, shop, "", checking.sound_through(session, shop) + 1)
    return False

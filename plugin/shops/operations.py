"""What happens to a tenant: it comes, changes, goes, and somebody changes its settings. Every verb may be repeated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, literal, or_, select, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from plugin import clock
from plugin.errors import Invalid
from plugin.shops.models import AuditEntry, Shop

LONGEST_SETTING = 2000
NO_TOKENS: dict[str, Any] = {
    "access_token": None,
    "access_expires_at": None,
    "refresh_token": None,
    "refresh_expires_at": None,
    "refreshing_until": None,
}


@dataclass(frozen=True)
class Description:
    """What the store says about itself; the columns of the same names."""

    store_id: int
    name: str
    email: str
    currency: str
    timezone: str
    storefront_url: str
    plan: str


def ensure(session: Session, domain: str) -> int:
    """The id of the row with this domain, made when it is not there; in system scope."""
    values = upsert(Shop).values(domain=domain).on_conflict_do_nothing(index_elements=["domain"])
    session.execute(values)
    return session.execute(select(Shop.id).where(Shop.domain == domain)).scalar_one()


def describe(session: Session, shop_id: int, description: Description) -> None:
    """Store what the store says about itself."""
    session.execute(update(Shop).where(Shop.id == shop_id).values(asdict(description)))


def install(session: Session, shop_id: int) -> bool:
    """Mark the shop as installed; False when it already was, so that what follows an install happens once."""
    absent = or_(Shop.installed_at.is_(None), Shop.uninstalled_at.is_not(None))
    columns = {"installed_at": clock.now(session), "uninstalled_at": None, "needs_reauth": False}
    marked = session.execute(update(Shop).where(Shop.id == shop_id, absent).values(columns).returning(Shop.id))
    return marked.first() is not None


def uninstall(session: Session, shop: Shop, triggered_at: datetime) -> bool:
    """The store removed the plugin at `triggered_at`: its tokens are emptied, its rows stay until shop/redact.

    False, and nothing changes, when the message is older than the present installation or repeats a known one.
    """
    there = Shop.installed_at <= triggered_at, Shop.uninstalled_at.is_(None)
    columns = NO_TOKENS | {"uninstalled_at": triggered_at, "token_serial": Shop.token_serial + 1, "needs_reauth": False}
    gone = session.execute(update(Shop).where(Shop.id == shop.id, *there).values(columns).returning(Shop.id))
    return gone.first() is not None


def change_scopes(session: Session, shop: Shop, scopes: Sequence[str], changed_at: datetime) -> bool:
    """The store granted or took scopes at `changed_at`; False when a later change is known."""
    newer = or_(Shop.scopes_at.is_(None), Shop.scopes_at <= changed_at)
    columns = {"scopes": list(scopes), "scopes_at": changed_at}
    changed = session.execute(update(Shop).where(Shop.id == shop.id, newer).values(columns).returning(Shop.id))
    return changed.first() is not None


def change_settings(session: Session, shop: Shop, actor: str, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Merge `changes` into the shop's settings and log what was different; the settings as they are now.

    Known to the product: `sender_name`, `sender_email`, `postal_address`, `dismissed` (steps of the guide).
    Raises Invalid(field) for text over 2,000 characters.
    """
    for name, value in changes.items():
        if isinstance(value, str) and len(value) > LONGEST_SETTING:
            raise Invalid("This text is longer than %(most)s characters.", name, most=LONGEST_SETTING)
    current = select(Shop.settings).where(Shop.id == shop.id).with_for_update()
    before = dict(session.execute(current).scalar_one())
    different = {name: value for name, value in changes.items() if name not in before or before[name] != value}
    if not different:
        return before
    merged = Shop.settings.op("||")(literal(different, JSONB))
    session.execute(update(Shop).where(Shop.id == shop.id).values(settings=merged))
    audit(session, shop, actor, "settings.change", "shop", {name: before.get(name) for name in different}, different)
    return before | different


def audit(
    session: Session,
    shop: Shop,
    actor: str,
    action: str,
    object: str,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Log who (`actor`: staff id, or "system") did what in the panel; never personal data of shoppers."""
    values = {"actor": actor, "action": action, "object": object, "occurred_at": clock.now(session)}
    changes = {name: dict(side) for name, side in (("before", before), ("after", after)) if side is not None}
    session.execute(insert(AuditEntry).values(shop_id=shop.id, **values, **changes))

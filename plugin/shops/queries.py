"""Reads of the tenant. A row that leaves here is detached: it can be kept after its session and never writes back."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.db import engine as db
from plugin.errors import NotFound
from plugin.shops.models import Shop


def shop(session: Session) -> Shop:
    """The shop whose scope this transaction is in. Raises NotFound when it is in none."""
    found = session.scalar(select(Shop).where(Shop.id == session.info.get("shop_id", 0)))
    if found is None:
        raise NotFound("This shop does not exist.")
    return _detached(session, found)


def by_id(shop_id: int) -> Shop:
    """One shop in a transaction of its own. Raises NotFound."""
    with db.transaction(shop_id) as session:
        return shop(session)


def by_domain(domain: str) -> Shop | None:
    """The shop with this myshopify domain, installed or not, in a system transaction of its own."""
    with db.system_transaction() as session:
        found = session.scalar(select(Shop).where(Shop.domain == domain.lower()))
        return _detached(session, found) if found else None


def installed_ids() -> list[int]:
    """Ids of all shops that have the plugin now, smallest first; a system transaction of its own."""
    with db.system_transaction() as session:
        there = Shop.installed_at.is_not(None), Shop.uninstalled_at.is_(None)
        return list(session.scalars(select(Shop.id).where(*there).order_by(Shop.id)))


def all_ids() -> list[int]:
    """Ids of all shops that ever had the plugin, smallest first; a system transaction of its own."""
    with db.system_transaction() as session:
        return list(session.scalars(select(Shop.id).order_by(Shop.id)))


def is_installed(shop: Shop) -> bool:
    """Whether the shop has the plugin now."""
    return shop.installed_at is not None and shop.uninstalled_at is None


def _detached(session: Session, shop: Shop) -> Shop:
    session.expunge(shop)
    return shop

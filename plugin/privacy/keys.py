"""Key rotation of what this feature keeps encrypted."""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.orm import Session, undefer

from plugin.crypto import secrets
from plugin.db import engine as db
from plugin.privacy.models import PrivacyRequest
from plugin.shops import queries as shops
from plugin.shops.models import Shop


def rotate_keys() -> int:
    """Re-encrypt contacts, exports and veils with the first of ENCRYPTION_KEYS; how many. A transaction a shop."""
    return sum(_rotate(shop_id) for shop_id in shops.all_ids())


def _rotate(shop_id: int) -> int:
    with db.transaction(shop_id) as session:
        of_shop = select(PrivacyRequest).where(PrivacyRequest.shop_id == shop_id)
        rows = session.scalars(of_shop.options(undefer(PrivacyRequest.export)).with_for_update()).all()
        count = 0
        for row in rows:
            for column in ("contact", "export"):
                if sealed := getattr(row, column):
                    setattr(row, column, secrets.rotate(sealed))
                    count += 1
        return count + _rotate_veil(session, shop_id)


def _rotate_veil(session: Session, shop_id: int) -> int:
    sealed = session.scalar(select(Shop.veil_key).where(Shop.id == shop_id).with_for_update())
    if sealed is None:
        return 0
    session.execute(update(Shop).where(Shop.id == shop_id).values(veil_key=secrets.rotate(sealed)))
    return 1

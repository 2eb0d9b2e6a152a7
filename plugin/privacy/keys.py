"""Key rotation of what this feature keeps encrypted."""

from __future__ import annotations

from sqlalchemy import select, update

from plugin.crypto import secrets
from plugin.db import engine as db
from plugin.privacy.models import PrivacyRequest
from plugin.shops import queries as shops


def rotate_keys() -> int:
    """Re-encrypt every stored contact with the first of ENCRYPTION_KEYS; how many. A transaction a shop."""
    return sum(_rotate(shop_id) for shop_id in shops.all_ids())


def _rotate(shop_id: int) -> int:
    sealed = PrivacyRequest.shop_id == shop_id, PrivacyRequest.contact.is_not(None)
    with db.transaction(shop_id) as session:
        rows = session.execute(select(PrivacyRequest.id, PrivacyRequest.contact).where(*sealed).with_for_update()).all()
        for id, contact in rows:
            this = PrivacyRequest.shop_id == shop_id, PrivacyRequest.id == id
            session.execute(update(PrivacyRequest).where(*this).values(contact=secrets.rotate(contact or b"")))
    return len(rows)

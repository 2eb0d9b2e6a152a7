"""The export for the merchant: everything about one person, sealed, made once, kept for a limited time."""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import select, update
from sqlalchemy.orm import Session, undefer

from plugin import clock
from plugin.crypto import secrets
from plugin.db import engine as db
from plugin.errors import NotFound
from plugin.privacy.bodies import bodies
from plugin.privacy.erasing import FEATURES, locked, person_of
from plugin.privacy.models import PrivacyRequest
from plugin.shops import operations as shop_operations
from plugin.shops import queries as shops
from plugin.shops.models import Shop

KEPT_FOR: Final = timedelta(days=30)  # an export nobody fetched; then the request is missed
KEPT_AFTER: Final = timedelta(days=7)  # once it was fetched


def export(shop_id: int, request_id: int) -> None:
    """Build the export of one customers/data_request."""
    came = _bodies_of(shop_id, request_id)
    with db.transaction(shop_id) as session:
        request = locked(session, shop_id, request_id)
        if request.state != "open":
            return
        shop, now = shops.shop(session), clock.now(session)
        person = person_of(session, shop, request)
        tables: dict[str, Any] = {}
        for feature in reversed(FEATURES):
            tables |= feature.export_customer(session, shop, person)
        tables["webhooks"] = came
        made = {"shop": shop.domain, "made_at": now, "customer_id": request.customer_id, "data": tables}
        text = json.dumps(made, ensure_ascii=False, indent=1, default=_plain)
        request.export = sealed(shop_id, text)
        request.counts = {table: len(rows) for table, rows in tables.items() if rows}
        request.manifest_sha256 = hashlib.sha256(text.encode()).digest()
        request.state, request.export_until = "ready", now + KEPT_FOR


def fetch(session: Session, shop: Shop, request_id: int, actor: str) -> str:
    """The export as JSON text; the first time makes the request done. Raises NotFound when there is none (any more)."""
    found = session.scalars(
        select(PrivacyRequest)
        .where(PrivacyRequest.shop_id == shop.id, PrivacyRequest.id == request_id)
        .options(undefer(PrivacyRequest.export))
        .with_for_update()
    ).one_or_none()
    now = clock.now(session)
    if found is None or found.export is None or (found.export_until and found.export_until <= now):
        raise NotFound("There is no export here. Exports are kept for a limited time.")
    if found.state == "ready":
        found.state, found.completed_at, found.contact, found.export_until = "done", now, None, now + KEPT_AFTER
    shop_operations.audit(session, shop, actor, "privacy.export", f"privacy_request:{found.id}")
    return _opened(shop.id, found.export)


def expire(session: Session, shop_id: int) -> None:
    """Empty exports whose time is over; one that nobody fetched is missed."""
    over = PrivacyRequest.shop_id == shop_id, PrivacyRequest.export_until <= clock.now(session)
    emptied = {"export": None, "export_until": None, "contact": None}
    session.execute(update(PrivacyRequest).where(*over, PrivacyRequest.state == "ready").values(state="missed"))
    session.execute(update(PrivacyRequest).where(*over).values(emptied))


def _bodies_of(shop_id: int, request_id: int) -> list[dict[str, Any]]:
    """What came in about the person, read in stretches, each in a transaction of its own."""
    found: list[dict[str, Any]] = []
    after: str | None = ""
    while after is not None:
        with db.transaction(shop_id) as session:
            shop = shops.shop(session)
            person = person_of(session, shop, locked(session, shop_id, request_id))
            chunk = bodies().export_bodies(session, shop, person, after)
        found += chunk.bodies
        after = chunk.read_to
    return found


def _plain(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def sealed(shop_id: int, text: str) -> bytes:
    """An export as it is kept."""
    return secrets.encrypt(shop_id, base64.b85encode(zlib.compress(text.encode())).decode())


def _opened(shop_id: int, sealed: bytes) -> str:
    return zlib.decompress(base64.b85decode(secrets.decrypt(shop_id, sealed))).decode()

"""Requests about personal data, as the store forwards them: recorded here, with the day they are due.

They are worked off after the commit (plugin.privacy.completing).

Facts: "Privacy law compliance" in Shopify's documentation: each must be completed within 30 days.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from plugin.crypto import secrets
from plugin.jobs.doorbell import ring_after_commit
from plugin.privacy.models import PrivacyRequest
from plugin.privacy.payloads import Subject, subject_of
from plugin.shops.models import Shop

DAYS_TO_COMPLETE = timedelta(days=30)


def record_request(session: Session, shop: Shop, kind: str, payload: Mapping[str, Any], received_at: datetime) -> None:
    """Record `customers/data_request`, `customers/redact` or `shop/redact`, due 30 days after `received_at` (UTC).

    The same request again changes nothing; after it was completed it opens anew. Raises Invalid when the body does not
    say whom it is about.
    """
    subject = subject_of(kind, payload)
    values = {
        "shop_id": shop.id,
        "key": _key(shop, kind, subject),
        "kind": kind,
        "customer_id": subject.customer_id,
        "contact": _sealed(shop, subject),
        "order_ids": list(subject.order_ids),
        "received_at": received_at,
        "due_at": received_at + DAYS_TO_COMPLETE,
    }
    session.execute(_opened_anew(insert(PrivacyRequest).values(values)))
    ring_after_commit(session, "privacy.complete", shop.id)


def _opened_anew(made: Any) -> Any:
    anew = {name: made.excluded[name] for name in ("received_at", "due_at", "contact", "order_ids")}
    fresh = {"state": "open", "completed_at": None, "read_to": None, "export": None, "export_until": None}
    again = PrivacyRequest.completed_at < made.excluded.received_at
    return made.on_conflict_do_update(index_elements=["shop_id", "key"], set_=anew | fresh, where=again)


def _key(shop: Shop, kind: str, subject: Subject) -> str:
    """Natural where the store gives ids; of people without one a keyed digest, so that no address stands in a key."""
    if subject.request_id is not None:
        return f"{kind}:{subject.request_id}"
    orders = ",".join(map(str, subject.order_ids))
    person = str(subject.customer_id or "")
    if kind != "shop/redact" and not person:
        person = secrets.keyed("privacy request", shop.id, subject.email or "", subject.phone or "").hex()[:32]
    return ":".join((kind, person, orders))


def _sealed(shop: Shop, subject: Subject) -> bytes | None:
    contact = {name: value for name, value in asdict(subject).items() if name in ("email", "phone") and value}
    return secrets.encrypt(shop.id, json.dumps(contact)) if contact else None

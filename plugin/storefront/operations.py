"""The theme's own copy of what blocks need before any script runs: kept as metafields of our installation.

Liquid reads them (`app.metafields.regulars.program`), so a product page says what it earns without asking us. Whoever
changes the program or the fields may call `publish`; a sweep does it anyway.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from sqlalchemy.orm import Session

from plugin import clock
from plugin.db.engine import transaction
from plugin.effects import operations as effects
from plugin.effects import queries as recorded
from plugin.loyalty import queries as loyalty
from plugin.shops.models import Shop
from plugin.storefront import answers, remote
from plugin.subscriptions import queries as subscriptions

KIND, KEY = "theme_data", "installation"
WAITING = ("pending", "claimed")


def publish(session: Session, shop: Shop) -> bool:
    """Record the effect that brings the theme's copy up to date; False when it is, or is about to be."""
    last = recorded.one(session, shop.id, KIND, KEY)
    wanted = {"digest": digest(theme_data(session, shop)), "installation": _installation(shop)}
    if last is not None and (last.state in WAITING or last.payload == wanted):
        return False
    effects.record(session, shop.id, KIND, KEY, wanted, again=True)
    return True


def _installation(shop: Shop) -> str:
    """Changes with each installation: the store forgets an app's metafields when it is uninstalled."""
    return shop.installed_at.isoformat() if shop.installed_at else ""


def theme_data(session: Session, shop: Shop) -> dict[str, Any]:
    """What the theme is told, by metafield key."""
    rules = loyalty.program(session, shop, clock.now(session))
    fields = [row.field for row in subscriptions.fields(session, shop)]
    return {"program": answers.program(rules) or {}, "fields": answers.all_fields(fields)}


def digest(data: dict[str, Any]) -> str:
    """Hex SHA-256 of the data."""
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()


def write_theme_data(shop: Shop, payload: dict[str, Any]) -> dict[str, Any]:
    """The effect's call: what is true now, read in a transaction of its own, goes out after it."""
    with transaction(shop.id) as session:
        data = theme_data(session, shop)
    remote.set_theme_data(shop, data)
    return {"digest": digest(data)}


def theme_data_written(session: Session, shop: Shop, payload: dict[str, Any], result: dict[str, Any]) -> None:
    """When the truth moved on while the effect waited, it is asked for again by the next sweep."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from plugin.db import engine as db
from plugin.effects import claims, operations, performing, rounds
from plugin.effects.performing import Performer
from plugin.shops import queries
from plugin.shops.models import Shop


class Outside:
    """The world beyond us: remembers what was done there, and fails as it is told to."""

    def __init__(self) -> None:
        self.calls: list[tuple[int, dict[str, Any]]] = []
        self.happened: dict[str, dict[str, Any]] = {}
        self.noted: list[tuple[int, dict[str, Any]]] = []
        self.failures: list[tuple[int, str]] = []
        self.raises: list[Exception | None] = []
        self.note_raises: list[Exception | None] = []
        self.look_raises: list[Exception | None] = []
        self.looked = 0
        self.gate: threading.Event | None = None
        self.began = threading.Event()

    def call(self, shop: Shop, payload: dict[str, Any]) -> dict[str, Any]:
        self.calls.append((shop.id, payload))
        self.began.set()
        if self.gate:
            self.gate.wait(10)
        _raise(self.raises)
        return self.happened.setdefault(payload["code"], {"made": payload["code"]})

    def look_up(self, shop: Shop, payload: dict[str, Any]) -> dict[str, Any] | None:
        self.looked += 1
        _raise(self.look_raises)
        return self.happened.get(payload["code"])

    def done(self, session: Session, shop: Shop, payload: dict[str, Any], result: dict[str, Any]) -> None:
        _raise(self.note_raises)
        self.noted.append((shop.id, result))
        session.execute(text("UPDATE shops SET plan = plan || 'x' WHERE id = :id"), {"id": shop.id})

    def failed(self, session: Session, shop: Shop, payload: dict[str, Any], error: Exception) -> None:
        self.failures.append((shop.id, str(error)))


def _raise(planned: list[Exception | None]) -> None:
    error = planned.pop(0) if planned else None
    if error:
        raise error


@pytest.fixture
def outside(database: Engine) -> Iterator[Outside]:
    """The world, known under three kinds: one that can be looked up, one that cannot, one that is repeatable."""
    outside = Outside()
    kinds = {
        "code": Performer(outside.call, outside.done, outside.look_up, outside.failed),
        "blind": Performer(outside.call, outside.done, failed=outside.failed),
        "read": Performer(outside.call, outside.done, repeatable=True),
    }
    performing.use(kinds, queries.shop)
    rounds._resting_until.clear()
    yield outside
    performing.use({}, queries.shop)


def record(shop: Shop, kind: str = "code", key: str = "A", again: bool = False, **payload: Any) -> int:
    with db.transaction(shop.id) as session:
        return operations.record(session, shop.id, kind, key, {"code": key} | payload, again=again)


def claim_next() -> claims.Claim | None:
    """Take what is due in any shop, and do nothing with it."""
    return next(filter(None, (claims.claim_of(shop_id) for shop_id in claims.shops_due())), None)


def row(database: Engine, effect_id: int) -> Any:
    with database.connect() as connection:
        return connection.execute(text("SELECT * FROM outbox WHERE id = :id"), {"id": effect_id}).one()


def change(database: Engine, effect_id: int, **columns: str) -> None:
    """Set columns to SQL expressions: what time, or a crash, would have done."""
    with database.begin() as connection:
        what = ", ".join(f"{name} = {value}" for name, value in columns.items())
        connection.execute(text(f"UPDATE outbox SET {what} WHERE id = :id"), {"id": effect_id})


def lapse(database: Engine, effect_id: int) -> None:
    """The lease, or the wait, is over."""
    change(database, effect_id, next_attempt_at="clock_timestamp() - interval '1 ms'")
    rounds._resting_until.clear()


def times_noted(database: Engine, shop: Shop) -> int:
    """How often `done` was committed."""
    with database.connect() as connection:
        return len(connection.execute(text("SELECT plan FROM shops WHERE id = :id"), {"id": shop.id}).scalar_one())

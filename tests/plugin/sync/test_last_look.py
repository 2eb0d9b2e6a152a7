"""Two workers and one shop: a row that comes while the first takes its last look."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from plugin.shops.models import Shop
from plugin.sync import inbox
from plugin.sync.drain import drain
from tests import payloads
from tests.plugin.sync.deliveries import deliver, states


def test_a_row_that_comes_during_the_last_look_does_not_wait_for_the_sweep(
    database: Engine, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[list[inbox.Waiting]] = []
    look = inbox.waiting

    def seen(session: Session, shop_id: int, *which: Any, **more: Any) -> list[inbox.Waiting]:
        looks.append(look(session, shop_id, *which, **more))
        if len(looks) == 1:  # nothing is there; before we let go, a row comes and its ring finds the shop taken
            deliver(database, shop, "orders/create", payloads.order(), id="late")
            assert drain(shop.id) == 0
        return looks[0] if len(looks) == 1 else looks[-1]

    monkeypatch.setattr(inbox, "waiting", seen)
    assert drain(shop.id) == 1
    assert states(database, shop) == {"late": "done"}

"""Two clocks: business time moves forward in the sandbox, and only there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from plugin import clock
from plugin.config import config
from plugin.db import engine as db
from plugin.errors import Refused
from plugin.shops.models import Shop


@pytest.fixture
def sandbox(services: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGULARS_SANDBOX", "1")
    config.cache_clear()


@pytest.fixture(autouse=True)
def fresh_settings() -> Iterator[None]:
    yield
    config.cache_clear()


def test_outside_the_sandbox_business_time_is_machine_time(shop: Shop, owner: Engine) -> None:
    with db.transaction(shop.id) as session:
        assert abs(clock.now(session) - clock.machine_now()) < timedelta(seconds=5)
        with pytest.raises(Refused):
            clock.forward(session, 60)


def test_in_the_sandbox_it_goes_forward_and_never_back(shop: Shop, sandbox: None) -> None:
    with db.transaction(shop.id) as session:
        clock.forward(session, 86_400)
        assert clock.now(session) - clock.machine_now() > timedelta(hours=23)
    with db.transaction(shop.id) as session, pytest.raises(Refused, match="forward"):
        clock.forward(session, 3_600)


def test_a_transaction_sees_one_moment(shop: Shop) -> None:
    with db.transaction(shop.id) as session:
        assert clock.now(session) is clock.now(session)


def test_a_day_starts_where_the_shop_is() -> None:
    moment = datetime(2026, 3, 29, 22, 30, tzinfo=UTC)  # past midnight in Berlin, on the day after the change
    assert clock.today(moment, "Europe/Berlin") == datetime(2026, 3, 29, 22, 0, tzinfo=UTC)

"""Orders become points, and every later piece of news about them moves exactly the difference."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.loyalty import operations as loyalty
from plugin.loyalty import queries
from plugin.loyalty.models import PointAccount, PointEntry
from plugin.shops.models import Shop
from tests.plugin.loyalty.ledgers import (
    DRAFT,
    LADDER,
    account,
    at,
    broken,
    customer,
    entries,
    order,
    program,
    refund,
    reward,
    settle,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def noon(session: Session) -> None:
    at(session, NOW)


def test_a_paid_order_earns_by_the_rate(session: Session, shop: Shop) -> None:
    program(session, shop)
    order(session, shop, 1, 7, NOW, [{"price_minor": 42_50}])
    settle(session, shop, 1)
    assert account(session, shop, 7) == (127, 0, 0)
    assert broken(session) == []

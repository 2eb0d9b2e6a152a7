"""The sweep's task: every shop gets its turn, each in its own scope."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Engine

from plugin import clock
from plugin.db import engine as db
from plugin.loyalty import operations as loyalty
from plugin.loyalty.tasks import settle_due
from plugin.shops.models import Shop
from tests.plugin.loyalty.ledgers import DRAFT, account, order


def launched(shop: Shop) -> None:
    """An order of yesterday, and a program that begins the day before it."""
    with db.transaction(shop.id) as session:
        now = clock.now(session)
        order(session, shop, 1, 7, now - timedelta(days=1))
        loyalty.save_program(session, shop, "staff:1", DRAFT, now - timedelta(days=2))


def test_past_orders_of_all_shops_are_settled_by_the_sweep(database: Engine, shop: Shop, other_shop: Shop) -> None:
    launched(shop)
    launched(other_shop)
    settle_due()
    settle_due()
    for each in (shop, other_shop):
        with db.transaction(each.id) as session:
            assert account(session, each, 7) == (150, 0, 0)

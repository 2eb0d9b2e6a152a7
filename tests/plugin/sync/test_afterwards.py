"""Customers of an import's new orders: counted and settled once, when the orders are in, however the import ended."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from plugin.db import engine as db
from plugin.loyalty.programs import ProgramDraft, TierDraft, save_program
from plugin.shops import queries as shops
from plugin.shops.models import Shop
from plugin.sync import afterwards, backfill, importing
from plugin.sync import held as holding
from plugin.sync.models import ImportCustomer, SyncRun
from tests.bench import bodies
from tests.plugin.sync.deliveries import rows
from tests.plugin.sync.test_backfill import READ_AT, with_ends

ORDERS, CUSTOMERS = 24, 5
CLUB = ProgramDraft("Beans", "bean", "beans", 1, 100, tiers=(TierDraft("Regular", 0), TierDraft("Gold", 90_00, 3, 2)))
TOTALS = ("id", "orders_count", "spent_minor", "spent_currency", "last_order_id", "last_order_at")
ACCOUNT = ("customer_id", "available", "pending", "debt", "tier_name", "tier_spend_minor")
ENTRY = ("customer_id", "order_id", "kind", "points", "key", "occurred_at", "available_at")


@pytest.fixture
def clubs(shop: Shop, other_shop: Shop) -> None:
    for each in (shop, other_shop):
        with db.transaction(each.id) as session:
            save_program(session, shops.shop(session), "staff:1", CLUB, datetime(2020, 1, 1, tzinfo=UTC))


def bring_in(shop: Shop, imported: bool = True, read_at: datetime = READ_AT) -> None:
    """Orders of five customers in small chunks; without `imported` as if they had come in webhooks."""
    lines = with_ends(list(bodies.order_lines(1, ORDERS, CUSTOMERS)))
    for chunk in backfill.ahead(shop, "orders", backfill.chunks("orders", lines, 5), read_at):
        assert chunk.batch
        chunk.batch.imported = imported
        with db.transaction(shop.id) as session:
            backfill.write(session, shop, "orders", chunk, read_at)


def kept(database: Engine, shop: Shop) -> list[list[Any]]:
    """Totals, accounts and entries of a shop, without ids of our own."""
    told = (("customers", TOTALS), ("point_accounts", ACCOUNT), ("point_entries", ENTRY))
    return [sorted(str([row[name] for name in names]) for row in rows(database, table, shop)) for table, names in told]


def test_settled_together_it_ends_as_settled_one_by_one(
    database: Engine, shop: Shop, other_shop: Shop, clubs: None
) -> None:
    with db.transaction(other_shop.id) as session:
        session.add(ImportCustomer(shop_id=other_shop.id, customer_id=1))
    bring_in(other_shop, imported=False)
    bring_in(shop)
    assert rows(database, "point_entries", shop) == []
    assert len(rows(database, "import_customers", shop)) == CUSTOMERS
    assert importing.settle(shop) and not importing.settle(shop)
    assert kept(database, shop) == kept(database, other_shop)
    assert len(rows(database, "point_entries", shop)) == ORDERS
    assert len(rows(database, "import_customers", other_shop)) == 1


def test_orders_that_were_there_are_settled_at_once(
    database: Engine, shop: Shop, other_shop: Shop, clubs: None
) -> None:
    for each in (shop, other_shop):
        bring_in(each, imported=False)
    bring_in(shop, read_at=READ_AT + timedelta(hours=1))
    assert rows(database, "import_customers", shop) == []
    assert kept(database, shop) == kept(database, other_shop)


@pytest.mark.parametrize("state", ["failed", "cancelled"])
def test_an_import_that_comes_to_no_good_end_settles_what_came(
    state: str, database: Engine, shop: Shop, clubs: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(afterwards, "CUSTOMERS", 1)
    with db.transaction(shop.id) as session:
        run = SyncRun(shop_id=shop.id, kind="backfill", object="orders", state="running")
        session.add(run)
        session.flush()
        held = holding.take(session, run.id)
    bring_in(shop)
    assert held
    importing._end(held, state, "cancelled")
    assert rows(database, "import_customers", shop) == []
    assert len(rows(database, "point_entries", shop)) == ORDERS
    assert [run["state"] for run in rows(database, "sync_runs", shop)] == [state]

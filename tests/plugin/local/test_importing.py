"""The terminal shows the import as the database has it, of this shop alone, and does not wait for ever."""

import os

import pytest
from rich.console import Console
from sqlalchemy import Engine, text

from plugin.local import importing
from plugin.local.errors import NotReady
from plugin.shops.models import Shop
from tests.conftest import DOMAIN


def add_run(owner: Engine, shop: Shop, kind: str, name: str, state: str, done: int, total: int | None) -> None:
    statement = text(
        "INSERT INTO sync_runs (shop_id, kind, object, state, rows_done, rows_total)"
        " VALUES (:shop, :kind, :object, :state, :done, :total)"
    )
    values = {"shop": shop.id, "kind": kind, "object": name, "state": state, "done": done, "total": total}
    with owner.begin() as connection:
        connection.execute(statement, values)


def show() -> list[importing.Run]:
    return importing.show(Console(quiet=True), os.environ["DATABASE_OWNER_URL"], DOMAIN)


def test_the_newest_run_of_each_kind_counts_and_the_stranger_does_not(
    database: Engine, shop: Shop, other_shop: Shop
) -> None:
    add_run(database, shop, "backfill", "orders", "failed", 3, 10)
    add_run(database, shop, "backfill", "orders", "done", 10, 10)
    add_run(database, shop, "backfill", "customers", "done", 4, None)
    add_run(database, shop, "reconcile", "orders", "running", 1, 10)
    add_run(database, other_shop, "backfill", "orders", "running", 1, 10)
    assert [(run.object, run.state, run.done) for run in show()] == [("orders", "done", 10), ("customers", "done", 4)]


def test_an_import_that_does_not_move_is_given_up(
    database: Engine, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "STALL_SECONDS", 0.6)
    add_run(database, shop, "backfill", "orders", "running", 1, 10)
    with pytest.raises(NotReady, match="has not moved for 0.6 s"):
        show()


def test_an_import_that_never_begins_is_given_up(database: Engine, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "BEGIN_SECONDS", 0.1)
    with pytest.raises(NotReady, match="has not moved"):
        show()


def test_installed_means_installed_now(database: Engine, shop: Shop) -> None:
    url = os.environ["DATABASE_OWNER_URL"]
    assert importing.is_installed(url, DOMAIN)
    assert not importing.is_installed(url, "nobody.myshopify.com")
    with database.begin() as connection:
        connection.execute(text("UPDATE shops SET uninstalled_at = clock_timestamp()"))
    assert not importing.is_installed(url, DOMAIN)


def test_complete_means_asked_for_and_nothing_still_coming(database: Engine, shop: Shop) -> None:
    url = os.environ["DATABASE_OWNER_URL"]
    assert not importing.is_complete(url, DOMAIN)
    add_run(database, shop, "backfill", "customers", "done", 4, 4)
    assert importing.is_complete(url, DOMAIN)
    add_run(database, shop, "backfill", "orders", "running", 1, 10)
    assert not importing.is_complete(url, DOMAIN)

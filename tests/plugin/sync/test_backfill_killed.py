"""A worker killed anywhere in an import: the next one goes on, and the tables end as if nothing had been."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Engine, text

from plugin.config import ROOT
from plugin.shops.models import Shop
from plugin.sync import backfill
from tests.plugin.sync.bulk_store import ORDERS, BulkStore, begin, bulk_store, finish, imported  # noqa: F401
from tests.plugin.sync.deliveries import rows

POINTS = [
    ("before remote.begin", 2),
    ("after remote.begin", 3),  # the store reads, and nobody has written down what
    ("after remote.look", 7),
    ("line", 31),
    ("before backfill.react", 3),  # mid-chunk: applied, not committed
    ("after loose.place", 5),
    ("before importing._note", 6),
    ("after importing._write", 8),  # the chunk is committed
    ("before afterwards._settle", 1),
    ("after afterwards._settle", 1),
    ("before importing._end", 3),
]


@pytest.fixture
def store(bulk_store: BulkStore, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> BulkStore:  # noqa: F811
    bulk_store.begin_test(shop)
    monkeypatch.setattr(backfill.chunks, "__defaults__", (4, None))
    return bulk_store


def test_killed_at_many_points_one_after_the_other(
    store: BulkStore, database: Engine, shop: Shop, other_shop: Shop
) -> None:
    store.admit(other_shop)
    begin(other_shop)
    finish(database, other_shop)
    should_be = imported(database, other_shop)
    with workers(shop) as drive_and_die:
        for point, times in POINTS:
            store.begin_test(shop)
            clear(database, shop)
            begin(shop)
            killed = drive_and_die(f"{times} {point}")
            assert killed == -signal.SIGKILL, f"{point}, {times} times: ended with {killed}"
            after_two_minutes(database)
            told = finish(database, shop)
            assert {run["state"] for run in told.values()} == {"done"}, point
            assert imported(database, shop) == should_be, point
            assert [told[kind]["rows_done"] for kind in ("customers", "orders", "checkouts")] == [12, ORDERS, 1], point
            assert [len(store.operations(root)) for root in ("customers", "orders", "refunds")] == [1, 1, 1], point
            assert rows(database, "import_lines") == rows(database, "import_customers") == []
            assert not any(effect["key"].startswith("orders:") for effect in rows(database, "outbox", shop)), point


@contextmanager
def workers(shop: Shop) -> Iterator[Callable[[str], int]]:
    """Starts workers that die where they are told to; each is a fork of one process that has no threads."""
    command = [sys.executable, "-m", "tests.plugin.sync.dying_import", str(shop.id)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as nursery:
        stdin, stdout = nursery.stdin, nursery.stdout
        assert stdin and stdout

        def one(point: str) -> int:
            print(point, file=stdin, flush=True)
            return int(stdout.readline())

        yield one
        stdin.close()


def after_two_minutes(database: Engine) -> None:
    """The dead worker's lease is over."""
    with database.begin() as connection:
        connection.execute(text("UPDATE sync_runs SET lease_until = clock_timestamp() - interval '1 second'"))


def clear(database: Engine, shop: Shop) -> None:
    """Forget this shop's import, and leave the other's."""
    tables = ("refund_lines", "refunds", "fulfillments", "order_lines", "orders", "checkouts", "variants", "products")
    tables += ("customer_terms", "customers", "outbox", "sync_runs", "import_customers")
    with database.begin() as connection:
        for table in tables:
            connection.execute(text(f"DELETE FROM {table} WHERE shop_id = :shop"), {"shop": shop.id})

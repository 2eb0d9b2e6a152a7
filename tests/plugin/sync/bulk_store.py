"""A small pretend store on loopback for imports, with its switches; and the imports, driven as a worker would."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic, sleep
from typing import Any

import pytest
import requests
from sqlalchemy import Engine, text
from werkzeug.serving import make_server

from plugin.db import engine as db
from plugin.sandbox import checkouts, fulfillments, refunds
from plugin.sandbox.app import create_app
from plugin.sandbox.runtime import Sandbox, stop
from plugin.sandbox.server import _Handler
from plugin.sandbox.wire import grants
from plugin.shops import remote, tokens
from plugin.shops.models import Shop
from plugin.sync import runs
from plugin.sync.models import SyncRun
from plugin.sync.operations import start_backfill
from tests.conftest import forget_settings
from tests.plugin.sandbox.conftest import buy, customer, fill, install, lines, make_settings, make_store
from tests.plugin.sync.deliveries import rows

ORDERS = 16
SECONDS = 30
TABLES = ("customers", "orders", "order_lines", "fulfillments", "products", "variants", "checkouts")
TABLES += ("refunds", "refund_lines")


@dataclass
class BulkStore:
    """The store, and what a person does to it."""

    sandbox: Sandbox
    url: str
    begun_at: int = 0

    def begin_test(self, shop: Shop) -> None:
        """Switches off, bulk queries counted from here, and a token for the shop."""
        self.will()
        self.begun_at = max((one.id for one in self.sandbox.world.bulk_operations), default=0)
        self.admit(shop)

    def will(self, *faults: dict[str, Any]) -> None:
        """How the next bulk queries go (`admin_api/bulk_faults.py`)."""
        self.control("bulk", operations=list(faults))

    def control(self, lever: str, **body: Any) -> Any:
        answer = requests.post(f"{self.url}/_control/{lever}", json=body, timeout=30)
        assert answer.ok, answer.text
        return answer.json()

    def operations(self, root: str) -> list[Any]:
        """The bulk queries over this connection in this test; those about refunds by that word."""
        asked = [one for one in self.sandbox.world.bulk_operations if one.id > self.begun_at]
        if root == "refunds":
            return [one for one in asked if "agreements" in one.query]
        return [one for one in asked if f"  {root}" in one.query and "agreements" not in one.query]

    def admit(self, shop: Shop) -> None:
        """Give the shop a token of this store."""
        token = grants._new_pair(self.sandbox.world)
        pair = remote.Grant(token.id, 3600, token.refresh_token, 7776000, tuple(token.scopes))
        assert tokens.store(shop.id, tokens.read(shop.id).serial, pair)


@pytest.fixture(scope="module")
def bulk_store(services: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BulkStore]:
    """Twelve customers, some orders (refunded, fulfilled), an abandoned checkout; nobody is sent webhooks."""
    made = make_store(make_settings(tmp_path_factory.mktemp("store")))
    fill(made.world)
    install(made, "read_all_orders")
    _trade(made)
    with _served(made) as url, pytest.MonkeyPatch.context() as patch:
        made.world.store_url = url
        patch.setenv("REGULARS_SANDBOX", "1")
        patch.setenv("PLATFORM_STORE_URL", url)
        forget_settings()
        yield BulkStore(made, url)
    stop(made)
    forget_settings()


@contextmanager
def _served(made: Sandbox) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, create_app(made), threaded=True, request_handler=_Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def _trade(made: Sandbox) -> None:
    for number in range(ORDERS):
        made.world.advance(60)
        order = buy(made.world, 1 + number % 3, number % 2, 1)
        if number % 6 == 0:
            refunds.refund(made.world, order.id, {order.lines[0].id: 1})
        if number % 5 == 0:
            fulfillments.fulfil(made.world, order.id)
    checkouts.save_checkout(made.world, lines=lines(made.world, 2, 1), email=customer(made.world, 1).email)
    made.world.advance(7200)


def begin(shop: Shop, *kinds: str) -> None:
    """Ask for the shop's history, or for these kinds of object alone."""
    with db.transaction(shop.id) as session:
        if kinds:
            session.add_all(SyncRun(shop_id=shop.id, kind="backfill", object=kind) for kind in kinds)
        else:
            assert start_backfill(session, shop) == len(runs.KINDS)


def step(owner: Engine, shop: Shop, seconds: float = 10.0) -> dict[str, dict[str, Any]]:
    """One tick after all pauses are over; the latest run of each kind."""
    with owner.begin() as connection:
        connection.execute(text("UPDATE sync_runs SET next_attempt_at = NULL"))
    runs.drive(shop.id, monotonic() + seconds)
    return {run["object"]: run for run in rows(owner, "sync_runs", shop, "id")}


def finish(owner: Engine, shop: Shop) -> dict[str, dict[str, Any]]:
    """Tick until nothing is open any more."""
    gives_up = monotonic() + SECONDS
    while True:
        told = step(owner, shop)
        if all(run["state"] in ("done", "failed", "cancelled") for run in told.values()):
            return told
        assert monotonic() < gives_up, {kind: (run["state"], run["trouble"]) for kind, run in told.items()}
        sleep(0.02)


def imported(owner: Engine, shop: Shop, tables: Sequence[str] = TABLES) -> dict[str, list[dict[str, Any]]]:
    """The mirror without what tells one import, or one shop, from another."""
    return {
        table: [
            {
                name: value
                for name, value in row.items()
                if name != "shop_id" and "version" not in name and not name.endswith("_place")
            }
            for row in rows(owner, table, shop, "token" if table == "checkouts" else "id")
        ]
        for table in tables
    }

"""How an import ends and goes on: every end that the platform knows, a broken line, a lost answer, a paused worker."""

from __future__ import annotations

import json
import threading
from collections import Counter
from time import monotonic, sleep
from typing import Any

import pytest
from sqlalchemy import Engine, text

from plugin.db import engine as db
from plugin.errors import Refused
from plugin.sandbox.app_records import BulkOperation
from plugin.shops.models import Shop
from plugin.sync import backfill, held, importing, remote, runs, troubles
from plugin.sync.models import SyncRun
from plugin.sync.operations import retry_import
from tests.plugin.sync.bulk_store import (  # noqa: F401
    ORDERS,
    BulkStore,
    begin,
    bulk_store,
    finish,
    imported,
    step,
)
from tests.plugin.sync.deliveries import rows

OF_ORDERS = ("orders", "order_lines", "fulfillments")


@pytest.fixture
def store(bulk_store: BulkStore, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> BulkStore:  # noqa: F811
    """Chunks are small, so that there is something in the middle."""
    bulk_store.begin_test(shop)
    monkeypatch.setattr(backfill.chunks, "__defaults__", (4, None))
    return bulk_store


@pytest.fixture(scope="module")
def told_once() -> dict[str, Any]:
    return {}


@pytest.fixture
def as_it_should_be(store: BulkStore, database: Engine, other_shop: Shop, told_once: dict[str, Any]) -> dict[str, Any]:
    """What an import without any trouble brings; the look-alike shop's, of the same store."""
    if not told_once:
        store.admit(other_shop)
        begin(other_shop, "orders")
        assert finish(database, other_shop)["orders"]["state"] == "done"
        told_once |= imported(database, other_shop, OF_ORDERS)
        store.begin_test(other_shop)
    assert len(told_once["orders"]) == ORDERS
    return dict(told_once)


def trouble(run: dict[str, Any]) -> str:
    columns = {name: run[name] for name in ("state", "trouble", "tries", "detail", "goes_on_from")}
    return str(troubles.explain(SyncRun(**columns)) or "")


def test_the_store_reads_everything_at_once(store: BulkStore, database: Engine, shop: Shop) -> None:
    store.will(*({"slow_seconds": 0.2} for _ in runs.KINDS))
    begin(shop)
    told = step(database, shop)
    assert {run["state"] for run in told.values()} == {"running"}
    assert (told["orders"]["expected"], told["customers"]["expected"]) == (ORDERS, 12)
    told = finish(database, shop)
    assert all(
        (run["state"], run["rows_done"], run["error"]) == ("done", run["rows_total"], None) for run in told.values()
    )


@pytest.mark.parametrize(
    ("fault", "sign", "asks"),
    [
        ({"outcome": "failed"}, "broke_off", 2),
        ({"outcome": "timeout", "after": 9}, "broke_off", 2),
        ({"outcome": "failed", "after": 9, "torn": True}, "broke_off", 2),
        ({"outcome": "expired"}, "expired", 2),
        ({"gone": True}, "expired", 2),
        ({"cuts": 5, "cut_bytes": 6000}, "broken", 1),
        ({"scattered": True}, None, 1),
        ({"outcome": "timeout", "after": 9, "scattered": True}, "broke_off", 2),
    ],
    ids=str,
)
def test_whatever_goes_wrong_once_the_import_is_the_same_in_the_end(
    store: BulkStore,
    database: Engine,
    shop: Shop,
    as_it_should_be: dict[str, Any],
    fault: dict[str, Any],
    sign: str | None,
    asks: int,
) -> None:
    store.will(fault)
    begin(shop, "orders")
    seen: set[str | None] = set()
    gives_up = monotonic() + 30
    while (run := step(database, shop)["orders"])["state"] != "done":
        seen.add(run["trouble"])
        assert monotonic() < gives_up, run
        store.sandbox.world.advance(5)  # the pause, which keeps the moments of two operations apart
    assert sign is None or sign in seen
    assert (run["asks"], run["error"], run["rows_done"]) == (asks, None, ORDERS)
    assert len(store.operations("orders")) == asks
    there = imported(database, shop, OF_ORDERS)
    if fault.get("scattered"):
        for told_lines in (there, as_it_should_be):
            told_lines["order_lines"] = [row | {"position": 0} for row in told_lines["order_lines"]]
    assert there == as_it_should_be
    assert rows(database, "import_lines") == []


def test_a_part_is_kept_and_only_the_rest_is_asked_for(store: BulkStore, database: Engine, shop: Shop) -> None:
    store.will({"of": "customers", "outcome": "failed", "after": 7})
    begin(shop, "customers")
    assert finish(database, shop)["customers"]["rows_done"] == 12
    first, second = store.operations("customers")
    seventh = sorted(row["id"] for row in rows(database, "customers", shop))[6]
    assert f'customers(query: "id:>={seventh}")' in second.query
    assert (first.root_object_count, second.root_object_count) == (7, 6)


def test_without_an_order_in_what_came_everything_is_asked_for_again() -> None:
    run = SyncRun(object="customers", rows_done=7, detail={"last": 5, "in_order": True})
    assert importing.afresh(run) | {"x": 0} == importing.afresh(run) | {
        "goes_on_from": "id:>=5",
        "rows_done": 6,
        "x": 0,
    }
    run.detail = {"last": 5, "in_order": False}
    again = importing.afresh(run)
    assert (again["goes_on_from"], again["rows_done"], again["rows_before"]) == (None, 0, 0)


def test_objects_out_of_order_are_noticed_across_chunks() -> None:
    ids = [1, 2, 3, 9, 8, 10]
    given = [(end, json.dumps({"id": f"gid://shopify/Customer/{id}"}).encode()) for end, id in enumerate(ids, 1)]
    told = [(chunk.last, chunk.in_order) for chunk in backfill.chunks("customers", given, 2)]
    assert told == [(2, True), (9, True), (10, False)]


@pytest.mark.parametrize(
    ("fault", "state", "sentence"),
    [
        ({"outcome": "cancelled", "after": 3}, "cancelled", "cancelled this in the store's admin"),
        ({"outcome": "denied"}, "failed", "has not granted what this needs: read_customers"),
    ],
)
def test_what_a_person_did_is_left_to_a_person(
    store: BulkStore, database: Engine, shop: Shop, fault: dict[str, Any], state: str, sentence: str
) -> None:
    store.will({"of": "customers"} | fault)
    begin(shop, "customers", "orders")
    told = finish(database, shop)
    assert (told["customers"]["state"], told["orders"]["state"]) == (state, "done")
    assert sentence in trouble(told["customers"]) and sentence in told["customers"]["error"]
    assert finish(database, shop)["customers"]["asks"] == 1
    with db.transaction(shop.id) as session:
        retry_import(session, shop, told["customers"]["id"])
    told = finish(database, shop)
    assert (told["customers"]["state"], told["customers"]["error"], told["customers"]["asks"]) == ("done", None, 2)
    with db.transaction(shop.id) as session, pytest.raises(Refused):
        retry_import(session, shop, told["customers"]["id"])


def test_an_operation_that_always_fails_is_given_up_and_can_be_retried(
    store: BulkStore, database: Engine, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(troubles, "MOST_TRIES", 2)
    store.will(*({"of": "customers", "outcome": "failed"} for _ in range(3)))
    begin(shop, "customers")
    customers = finish(database, shop)["customers"]
    assert (customers["state"], customers["trouble"], customers["asks"]) == ("failed", "broke_off", 3)
    assert "2 times in a row" in trouble(customers)
    with db.transaction(shop.id) as session:
        retry_import(session, shop, customers["id"])
    assert finish(database, shop)["customers"]["state"] == "done"


def test_a_store_that_runs_as_many_as_it_may_is_waited_for(store: BulkStore, database: Engine, shop: Shop) -> None:
    world = store.sandbox.world
    with world.change():
        for number in range(900, 905):
            world.bulk_operations.keep(BulkOperation(id=number, query="{}", status="RUNNING", created_at=world.now()))
    begin(shop, "products", "checkouts")
    told = step(database, shop)
    assert {(run["state"], run["trouble"], run["tries"]) for run in told.values()} == {("waiting", "queued", 0)}
    with world.change():
        for number in range(900, 905):
            world.bulk_operations[number].status = "COMPLETED"
    assert {run["state"] for run in finish(database, shop).values()} == {"done"}


def test_an_answer_that_was_lost_starts_nothing_twice(
    store: BulkStore, database: Engine, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(shop, "customers")
    monkeypatch.setattr(remote, "count", lambda *_: None)  # so that the question is the first call
    store.control("api_faults", answers=[{"status": 502, "after": True}])
    asked = step(database, shop)["customers"]
    assert (asked["state"], asked["trouble"], asked["operation_gid"]) == ("waiting", "unreachable", None)
    assert {run["state"] for run in finish(database, shop).values()} == {"done"}
    assert len(store.operations("customers")) == 1


def test_an_operation_the_store_has_forgotten_is_asked_for_again(
    store: BulkStore, database: Engine, shop: Shop
) -> None:
    begin(shop)
    step(database, shop)
    with database.begin() as connection:
        connection.execute(
            text("UPDATE sync_runs SET state = 'running', operation_gid = 'gid://shopify/BulkOperation/1'")
        )
    told = finish(database, shop)
    assert {(run["state"], run["asks"]) for run in told.values()} == {("done", 2)}


def test_a_worker_that_was_paused_too_long_changes_nothing(store: BulkStore, database: Engine, shop: Shop) -> None:
    begin(shop, "customers")
    with db.transaction(shop.id) as session:
        paused = held.take(session, 1)
        assert held.take(session, 1) is None
    assert paused is not None
    with database.begin() as connection:
        connection.execute(text("UPDATE sync_runs SET lease_until = clock_timestamp() - interval '1 second'"))
    told = finish(database, shop)["customers"]
    with pytest.raises(held.LeaseLost):
        paused.change(state="failed", rows_done=0)
    assert finish(database, shop)["customers"] == told
    assert not runs._bring_on(shop, paused, monotonic() + 1)


def test_a_fault_of_ours_stops_neither_other_imports_nor_itself_for_ever(
    store: BulkStore, database: Engine, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(shop, "customers", "products", "checkouts")
    write, wrong = backfill.write, [True]

    def failing(session: Any, tenant: Shop, kind: str, *more: Any) -> None:
        if kind == "products" and wrong:
            raise ZeroDivisionError
        write(session, tenant, kind, *more)

    monkeypatch.setattr(backfill, "write", failing)
    gives_up = monotonic() + 20
    while (told := step(database, shop))["checkouts"]["state"] != "done" and monotonic() < gives_up:
        sleep(0.01)
    assert told["customers"]["state"] == "done"
    assert (told["products"]["state"], told["products"]["trouble"]) == ("running", "fault")
    assert told["products"]["lease_until"] is None
    wrong.clear()
    assert finish(database, shop)["products"]["state"] == "done"


def test_a_shop_that_hangs_keeps_no_other_waiting(
    store: BulkStore, database: Engine, shop: Shop, other_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.admit(other_shop)
    begin(shop, "customers", "products")
    begin(other_shop, "customers", "products")
    look, answered = remote.look, threading.Event()

    def hanging(tenant: Shop, gid: str) -> remote.Operation | None:
        assert tenant.id != shop.id or answered.wait(30)
        return look(tenant, gid)

    monkeypatch.setattr(remote, "look", hanging)
    workers = [threading.Thread(target=tick, args=(answered,)) for _ in range(2)]
    for worker in workers:
        worker.start()
    gives_up = monotonic() + 20
    try:
        while (told := done(database))[other_shop.id] < 2:
            assert monotonic() < gives_up, "the other shop waits"
            sleep(0.05)
        assert told[shop.id] == 0
    finally:
        answered.set()
        for worker in workers:
            worker.join(30)


def tick(ended: threading.Event) -> None:
    while not ended.wait(0.05):
        runs.drive_all(5.0)


def done(database: Engine) -> Counter[int]:
    """Finished imports by shop."""
    return Counter(run["shop_id"] for run in rows(database, "sync_runs") if run["state"] == "done")

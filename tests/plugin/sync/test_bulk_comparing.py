"""A comparison read by one bulk operation: finds what pages find, goes on after a crash, and gives way to pages."""

from __future__ import annotations

from time import monotonic
from typing import Any

import pytest
from sqlalchemy import Engine, text

from plugin.db import engine as db
from plugin.effects import performing
from plugin.performers import PERFORMERS
from plugin.sandbox.admin_api import bulk
from plugin.shops import queries as shops
from plugin.shops.models import Shop
from plugin.sync import bulk_comparing, checks, comparing, leased, listing, passes, reconciling
from plugin.sync.models import SyncRun
from tests import payloads
from tests.plugin.sync.bulk_store import ORDERS, BulkStore, begin, bulk_store, finish, imported  # noqa: F401
from tests.plugin.sync.deliveries import deliver, one, rows

LONG_AGO = "2026-01-02T12:00:00+00:00"


@pytest.fixture
def store(
    bulk_store: BulkStore,  # noqa: F811
    database: Engine,
    shop: Shop,
    other_shop: Shop,
    monkeypatch: pytest.MonkeyPatch,
) -> BulkStore:
    """Chunks are small, so that there is something in the middle; business time is the store's."""
    bulk_store.begin_test(shop)
    bulk_store.control("throttle", maximum=100_000, restore=10_000)
    monkeypatch.setattr(reconciling, "GRACE_SECONDS", 0.0)
    monkeypatch.setattr(bulk_comparing, "SHORTEST_PAUSE", 0.02)
    monkeypatch.setattr(bulk_comparing, "MANY", 5)
    monkeypatch.setattr(bulk_comparing, "CHUNK", 5)
    with database.begin() as connection:
        connection.execute(text("UPDATE clock SET offset_seconds = 86400"))
        connection.execute(text("UPDATE shops SET scopes = '{read_orders,read_all_orders,read_customers}'"))
    performing.use(PERFORMERS, shops.shop)
    return bulk_store


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The ids after which pages were asked for."""
    asked: list[int] = []
    ask = listing.page

    def page(shop: Shop, kind: str, after: int, *rest: Any) -> listing.Page:
        asked.append(after)
        return ask(shop, kind, after, *rest)

    monkeypatch.setattr(listing, "page", page)
    return asked


def reconcile(shop: Shop, kind: str = "orders") -> Any:
    [check] = passes.run(shop.id, [kind], seconds=30)
    return check


def fill(database: Engine, shop: Shop) -> None:
    begin(shop, "orders")
    assert finish(database, shop)["orders"]["state"] == "done"


def found(database: Engine, shop: Shop) -> list[tuple[str, str, str]]:
    mine = rows(database, "drift_findings", shop, "check_id, key")
    return [(row["key"], row["reason"], row["outcome"]) for row in mine]


def tell(database: Engine, shop: Shop, id: int) -> None:
    body = payloads.order(id, None, updated_at=LONG_AGO, created_at=LONG_AGO, customer=None)
    deliver(database, shop, "orders/create", body, at=LONG_AGO)


def test_everything_that_is_missing_is_found_and_healed(
    store: BulkStore, pages: list[int], database: Engine, shop: Shop, other_shop: Shop
) -> None:
    check = reconcile(shop)
    assert (check.way, check.compared, check.differed, check.healed) == ("bulk", ORDERS, ORDERS, ORDERS)
    assert {reason for _, reason, _ in found(database, shop)} == {"missing"}
    check = reconcile(shop)
    assert (check.way, check.compared, check.differed) == ("bulk", ORDERS, 0)
    assert (pages, len(store.operations("orders"))) == ([], 2)
    assert rows(database, "orders", other_shop) == rows(database, "drift_checks", other_shop) == []


@pytest.mark.parametrize("kind", ["customers", "products", "checkouts"])
def test_other_kinds_are_read_the_same_way(
    store: BulkStore, database: Engine, shop: Shop, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_comparing, "MANY", 0)
    first = reconcile(shop, kind)
    assert (first.way, first.differed) == ("bulk", first.total) and first.healed == first.total > 0
    assert reconcile(shop, kind).differed == 0


def test_what_differs_and_what_is_gone_is_found(store: BulkStore, database: Engine, shop: Shop) -> None:
    fill(database, shop)
    ids = [row["id"] for row in rows(database, "orders", shop, "id")]
    tell(database, shop, 7)
    tell(database, shop, ids[-1] + 50)
    with database.begin() as connection:
        connection.execute(text("UPDATE orders SET current_total_minor = 1 WHERE id = :id"), {"id": ids[4]})
    assert reconcile(shop).healed == 3
    expected = {(str(ids[4]), "different"), ("7", "gone"), (str(ids[-1] + 50), "gone")}
    assert {(key, reason) for key, reason, _ in found(database, shop)} == expected


def test_what_changed_here_since_the_store_read_is_no_difference(
    store: BulkStore, database: Engine, shop: Shop
) -> None:
    fill(database, shop)
    with database.begin() as connection:
        newer = "current_total_minor = 1, updated_at = updated_at + interval '1 minute'"
        connection.execute(text(f"UPDATE orders SET {newer}"))
    check = reconcile(shop)
    assert (check.compared, check.differed, found(database, shop)) == (ORDERS, 0, [])


@pytest.mark.parametrize(
    "fault",
    [
        {"outcome": "failed", "after": 7},
        {"outcome": "failed", "after": 7, "torn": True},
        {"outcome": "timeout"},
        {"outcome": "denied"},
        {"outcome": "cancelled", "after": 3},
        {"outcome": "expired"},
        {"gone": True},
        {"cuts": 9, "cut_bytes": 100},
    ],
    ids=lambda fault: f"{fault.get('outcome', 'completed')}-{len(fault)}-{'cuts' in fault}",
)
def test_an_operation_that_fails_gives_way_to_pages(
    store: BulkStore,
    pages: list[int],
    database: Engine,
    shop: Shop,
    fault: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reconciling, "PUT_OFF_SECONDS", 0.02)
    fill(database, shop)
    store.will(fault)
    check = reconcile(shop)
    assert (check.state, check.way, check.compared, check.differed) == ("done", "refused", ORDERS, 0)
    assert pages


def test_a_store_that_runs_too_many_is_read_by_pages(
    store: BulkStore, pages: list[int], shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "AT_ONCE", 0)
    check = reconcile(shop)
    assert (check.state, check.way, check.compared, pages) == ("done", "refused", ORDERS, [0])


def test_a_download_that_breaks_once_goes_on(
    store: BulkStore, pages: list[int], database: Engine, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciling, "PUT_OFF_SECONDS", 0.02)
    store.will({"cuts": 1, "cut_bytes": 2500})
    check = reconcile(shop)
    assert (check.way, check.compared, check.healed, pages) == ("bulk", ORDERS, ORDERS, [])
    assert len(store.operations("orders")) == 1


def test_a_crash_in_the_middle_goes_on_from_the_chunk_it_was_at(
    store: BulkStore, pages: list[int], database: Engine, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    with db.transaction(shop.id) as session:
        checks.begin(session, shops.shop(session), "all", "schedule", ["orders"])
    compare, chunks = comparing.compare, []

    def dies_at_the_second(session: Any, shop: Shop, check: Any, page: Any, **how: Any) -> int:
        chunks.append([listed.key for listed in page])
        if len(chunks) == 2:
            raise MemoryError
        return compare(session, shop, check, page, **how)

    monkeypatch.setattr(comparing, "compare", dies_at_the_second)
    with pytest.raises(MemoryError):
        drive_on(database, shop)
    drive_on(database, shop)
    assert [len(chunk) for chunk in chunks] == [5, 5, 5, 5, 1] and chunks[1] == chunks[2]
    assert (len(found(database, shop)), len(store.operations("orders")), pages) == (ORDERS, 1, [])


def test_an_operation_whose_answer_was_lost_is_found_again(store: BulkStore, database: Engine, shop: Shop) -> None:
    with db.transaction(shop.id) as session:
        checks.begin(session, shops.shop(session), "all", "schedule", ["orders"])
    with db.transaction(shop.id) as session:
        check, whole = leased.lease(session, 1), shops.shop(session)
    assert check is not None
    reconciling._begin(whole, check)
    bulk_comparing._ask(whole, check)
    with database.begin() as connection:
        connection.execute(text("UPDATE drift_checks SET operation_gid = NULL"))
    drive_on(database, shop)
    assert (one(database, "drift_checks", shop)["state"], len(store.operations("orders"))) == ("healing", 1)


def test_an_import_keeps_its_places(store: BulkStore, pages: list[int], database: Engine, shop: Shop) -> None:
    with db.transaction(shop.id) as session:
        session.add(SyncRun(shop_id=shop.id, kind="backfill", object="products", state="running"))
    check = reconcile(shop)
    assert (check.state, check.way, check.compared, pages) == ("done", "pages", ORDERS, [0])
    assert store.operations("orders") == []


def test_an_import_that_begins_gets_the_place_of_an_operation(
    store: BulkStore, pages: list[int], database: Engine, shop: Shop
) -> None:
    store.will({"slow_seconds": 20})
    with db.transaction(shop.id) as session:
        checks.begin(session, shops.shop(session), "all", "schedule", ["orders"])
    reconciling.drive(shop.id, monotonic() + 5)
    with db.transaction(shop.id) as session:
        session.add(SyncRun(shop_id=shop.id, kind="backfill", object="products", state="running"))
    drive_on(database, shop)
    assert [operation.status for operation in store.operations("orders")] == ["CANCELING"]
    assert (one(database, "drift_checks", shop)["way"], pages) == ("refused", [0])


def test_a_result_in_another_order_is_not_used(
    store: BulkStore, pages: list[int], shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = bulk_comparing.remote.lines
    monkeypatch.setattr(bulk_comparing.remote, "lines", lambda *where: iter([*lines(*where)][::-1]))
    check = reconcile(shop)
    assert (check.way, check.compared, check.healed, pages) == ("refused", ORDERS, ORDERS, [0])


def drive_on(database: Engine, shop: Shop) -> None:
    """Drive the check until it has been read, as if all pauses and leases were over."""
    ends = monotonic() + 10
    while one(database, "drift_checks", shop)["state"] in ("waiting", "reading"):
        assert monotonic() < ends
        with database.begin() as connection:
            connection.execute(text("UPDATE drift_checks SET lease_until = NULL, next_attempt_at = NULL"))
        reconciling.drive(shop.id, ends)

"""Comparing with a store: cheap, resumable, in turns, and silent about what merely is in flight."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from time import monotonic
from typing import Any

import pytest
from sqlalchemy import Engine, text

from plugin import clock
from plugin.db import engine as db
from plugin.effects import operations as effects
from plugin.effects import performing, rounds
from plugin.performers import PERFORMERS
from plugin.privacy import tombstones
from plugin.shopify import client
from plugin.shops import queries as shops
from plugin.shops import veils
from plugin.shops.models import Shop
from plugin.sync import checks, comparing, leased, passes, reconciling
from plugin.sync.drain import drain
from tests import payloads
from tests.fake_store import FakeStore, fake_store
from tests.plugin.shops.conftest import give_tokens
from tests.plugin.sync.deliveries import deliver, one, rows
from tests.plugin.sync.listed_store import LONG_AGO, NOW, ListedStore, order


@pytest.fixture(autouse=True)
def nothing_on_its_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """All news has arrived when a test asks, so nobody need wait for it."""
    monkeypatch.setattr(reconciling, "GRACE_SECONDS", 0.0)


@pytest.fixture
def fake(services: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeStore]:
    client._buckets.clear()
    with fake_store(monkeypatch) as store:
        yield store
    client._buckets.clear()


@pytest.fixture
def listed(database: Engine, shop: Shop, other_shop: Shop, fake: FakeStore) -> ListedStore:
    for tenant in (shop, other_shop):
        give_tokens(tenant.id, tenant.id)
    with database.begin() as connection:
        connection.execute(text("UPDATE shops SET scopes = '{read_orders,read_all_orders}'"))
    performing.use(PERFORMERS, shops.shop)
    return ListedStore(fake)


def begin(shop: Shop, reach: str = "all", *kinds: str) -> None:
    with db.transaction(shop.id) as session:
        checks.begin(session, shops.shop(session), reach, "schedule", kinds or ("orders",))


def drive(shop: Shop, seconds: float = 30.0) -> bool:
    return reconciling.drive(shop.id, monotonic() + seconds)


def reconcile(shop: Shop) -> Any:
    [check] = passes.run(shop.id, ["orders"], seconds=30)
    return check


def told(database: Engine, shop: Shop, id: int, **changed: Any) -> None:
    """A webhook that came three days ago, when the store changed the order last."""
    moment = LONG_AGO.isoformat()
    body = payloads.order(id, None, updated_at=moment, created_at=moment, total_price="10.00", **changed)
    body |= {"current_total_price": "10.00", "financial_status": "paid", "customer": None}
    deliver(database, shop, "orders/create", body, at=moment)


def found(database: Engine, shop: Shop) -> list[tuple[str, str, str]]:
    return [
        (row["key"], row["reason"], row["outcome"]) for row in rows(database, "drift_findings", shop, "check_id, key")
    ]


def test_equal_rows_are_no_drift_and_cost_two_calls(database: Engine, shop: Shop, listed: ListedStore) -> None:
    listed.put(order(1), order(2))
    told(database, shop, 1)
    told(database, shop, 2)
    check = reconcile(shop)
    assert (check.compared, check.differed, found(database, shop)) == (2, 0, [])
    assert listed.asked == ["OrdersCount", "OrdersCompared"]


def test_an_hour_s_check_asks_only_for_what_changed(database: Engine, shop: Shop, listed: ListedStore) -> None:
    listed.put(order(1), order(2, at=clock.machine_now() - timedelta(minutes=5)))
    begin(shop, "recent")
    drive(shop)
    assert found(database, shop) == [("2", "missing", "open")]
    assert one(database, "drift_checks", shop)["compared"] == 1
    rounds.perform_due()
    drain(shop.id)
    drive(shop)
    assert found(database, shop) == [("2", "missing", "healed")]
    assert [row["id"] for row in rows(database, "orders", shop)] == [2]
    begin(shop, "recent")
    drive(shop)
    assert rows(database, "drift_checks", shop, "id")[-1]["compared"] == 1  # the overlap


def test_a_webhook_that_waits_in_the_inbox_is_no_drift(database: Engine, shop: Shop, listed: ListedStore) -> None:
    listed.put(order(1))
    told(database, shop, 1)  # received, not yet applied
    assert (reconcile(shop).differed, found(database, shop)) == (0, [])
    assert one(database, "orders", shop)["known"]


def test_a_fetch_that_was_not_tried_yet_is_no_drift(database: Engine, shop: Shop, listed: ListedStore) -> None:
    listed.put(order(1))
    with db.transaction(shop.id) as session:
        effects.record(session, shop.id, "fetch", "orders:1", {"object": "orders", "id": 1})
    begin(shop)
    drive(shop)
    assert (found(database, shop), one(database, "drift_checks", shop)["state"]) == ([], "done")


def test_an_answer_that_changes_nothing_was_no_drift(database: Engine, shop: Shop, listed: ListedStore) -> None:
    listed.put(order(1))
    reconcile(shop)
    listed.put(order(1, at=NOW - timedelta(minutes=5)))  # touched, and nothing we keep is different
    check = reconcile(shop)
    assert (check.differed, check.healed) == (0, 0)
    assert found(database, shop)[-1] == ("1", "older", "same")


def test_digests_of_what_was_there_do_not_stay(database: Engine, shop: Shop, listed: ListedStore) -> None:
    listed.put(order(1))
    reconcile(shop)
    listed.put(order(1, at=NOW - timedelta(minutes=5), total="8.00"))
    reconcile(shop)
    last = rows(database, "drift_findings", shop, "check_id, key")[-1]
    assert (last["groups"], last["before"]) == (["amounts"], None)


def test_of_an_erased_person_s_order_the_amounts_are_healed_and_nothing_else(
    database: Engine, shop: Shop, listed: ListedStore
) -> None:
    listed.put(order(1, email="ada@example.com"))
    reconcile(shop)
    with db.transaction(shop.id) as session:
        veils.ensure_veil(session, shop.id)
        tombstones.put(session, shop.id, ["order:1"], NOW)
        session.execute(text("UPDATE orders SET email = NULL"))
    listed.put(order(1, at=NOW - timedelta(minutes=5), total="8.00", email="ada@example.com"))
    assert reconcile(shop).healed == 1
    healed = one(database, "orders", shop)
    assert (healed["current_total_minor"], healed["email"]) == (800, None)
    assert reconcile(shop).differed == 0


def test_a_deletion_needs_two_answers(database: Engine, shop: Shop, listed: ListedStore) -> None:
    listed.put(order(1))
    reconcile(shop)
    del listed.objects["orders"][1]
    assert reconcile(shop).healed == 1
    assert found(database, shop)[-1] == ("1", "gone", "healed")
    assert one(database, "orders", shop)["deleted_at"] is not None


def test_what_we_may_not_read_is_not_taken_for_deleted(database: Engine, shop: Shop, listed: ListedStore) -> None:
    listed.put(order(1))
    reconcile(shop)
    listed.hidden, listed.denied = {1}, True
    check = reconcile(shop)
    assert (check.differed, found(database, shop)[-1]) == (0, ("1", "gone", "hidden"))
    assert one(database, "orders", shop)["deleted_at"] is None


def test_orders_older_than_sixty_days_are_not_missed_without_the_scope_for_them(
    database: Engine, shop: Shop, listed: ListedStore
) -> None:
    old = (NOW - timedelta(days=90)).isoformat()
    listed.put(order(1, createdAt=old), order(2))
    reconcile(shop)
    with database.begin() as connection:
        connection.execute(text("UPDATE shops SET scopes = '{read_orders}'"))
    listed.hidden = {1, 2}
    reconcile(shop)
    gone = {row["id"]: row["deleted_at"] is not None for row in rows(database, "orders", shop)}
    assert gone == {1: False, 2: True}


def test_a_stub_that_the_store_knows_nothing_of_ends_as_a_tombstone(
    database: Engine, shop: Shop, listed: ListedStore
) -> None:
    deliver(database, shop, "refunds/create", payloads.refund(2001, 77))
    drain(shop.id)
    assert not one(database, "orders", shop)["known"]
    rounds.perform_due()
    drain(shop.id)
    stub = one(database, "orders", shop)
    assert (stub["known"], stub["deleted_at"] is not None) == (True, True)


def test_a_refund_before_its_order_brings_the_order(database: Engine, shop: Shop, listed: ListedStore) -> None:
    listed.put(order(77, customer={"id": "gid://shopify/Customer/9"}))
    listed.objects["customers"][9] = {"id": "gid://shopify/Customer/9", "updatedAt": LONG_AGO.isoformat()}
    deliver(database, shop, "refunds/create", payloads.refund(2001, 77))
    for _ in range(3):
        drain(shop.id)
        rounds.perform_due()
    drain(shop.id)
    assert (one(database, "orders", shop)["known"], one(database, "orders", shop)["customer_id"]) == (True, 9)
    assert one(database, "customers", shop)["known"]


def test_a_check_goes_on_after_a_crash_from_the_page_it_was_at(
    database: Engine, shop: Shop, listed: ListedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed.page_size = 2
    listed.put(*(order(id) for id in range(1, 6)))
    begin(shop)
    compare, pages = comparing.compare, []

    def dies_at_the_second(session: Any, shop: Shop, check: Any, page: Any) -> int:
        pages.append([listed.key for listed in page])
        if len(pages) == 2:
            raise MemoryError
        return compare(session, shop, check, page)

    monkeypatch.setattr(comparing, "compare", dies_at_the_second)
    with pytest.raises(MemoryError):
        drive(shop)
    assert not drive(shop)  # the dead worker's lease still runs
    with database.begin() as connection:
        connection.execute(text("UPDATE drift_checks SET lease_until = clock_timestamp()"))
    drive(shop)
    assert pages == [[1, 2], [3, 4], [3, 4], [5]]
    assert len(found(database, shop)) == 5 and one(database, "drift_checks", shop)["compared"] == 5


def test_a_store_that_asks_for_patience_is_asked_later_and_others_meanwhile(
    database: Engine, shop: Shop, other_shop: Shop, listed: ListedStore
) -> None:
    listed.put(order(1))
    begin(shop)
    listed.throttle = 2
    began = monotonic()
    assert not drive(shop) and monotonic() - began < 3
    put_off = one(database, "drift_checks", shop)
    assert put_off["next_attempt_at"] is not None and put_off["lease_until"] is None and put_off["tries"] == 0
    listed.throttle = 0
    begin(other_shop)
    reconciling.drive_all(10)
    assert one(database, "drift_checks", other_shop)["state"] == "healing"
    assert one(database, "drift_checks", shop)["state"] == "waiting"


def test_a_paused_worker_does_not_move_the_check_back(database: Engine, shop: Shop, listed: ListedStore) -> None:
    listed.put(order(1))
    begin(shop)
    with db.transaction(shop.id) as session:
        stale = leased.lease(session, 1)
    assert stale is not None
    with database.begin() as connection:
        connection.execute(text("UPDATE drift_checks SET lease_until = clock_timestamp()"))
    drive(shop)
    with pytest.raises(leased.Superseded):
        reconciling._begin(shop, stale)
    assert one(database, "drift_checks", shop)["state"] == "healing"


def test_another_shop_s_rows_are_neither_compared_nor_touched(
    database: Engine, shop: Shop, other_shop: Shop, listed: ListedStore
) -> None:
    told(database, other_shop, 1)
    drain(other_shop.id)
    before = rows(database, "orders", other_shop)
    listed.put(order(1, total="99.00"))
    assert reconcile(shop).healed == 1
    assert rows(database, "orders", other_shop) == before
    assert rows(database, "drift_findings", other_shop) == rows(database, "drift_checks", other_shop) == []


def test_of_a_large_shop_only_stretches_are_read_whose_sums_differ(
    database: Engine, shop: Shop, listed: ListedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed.page_size = 2
    listed.put(*(order(id) for id in range(1, 13)))
    reconcile(shop)
    monkeypatch.setattr(reconciling, "LARGE", 5)
    monkeypatch.setattr(reconciling, "WINDOW_ROWS", 4)
    listed.put(order(6, at=NOW - timedelta(minutes=5), total="7.00"))
    listed.asked.clear()
    check = reconcile(shop)
    assert (check.compared, check.differed, check.healed) == (12, 1, 1)
    assert {row["id"]: row["current_total_minor"] for row in rows(database, "orders", shop)}[6] == 700
    assert listed.asked.count("OrdersCompared") < 6 and "OrdersWindow" in listed.asked


def test_an_answer_that_cannot_be_read_ends_its_own_check_alone(
    database: Engine, shop: Shop, other_shop: Shop, listed: ListedStore
) -> None:
    listed.put(order(1) | {"currentTotalPriceSet": None})
    begin(shop)
    drive(shop)
    ended = one(database, "drift_checks", shop)
    assert (ended["state"], ended["error"]) == ("failed", "The store's answer could not be read.")
    assert rows(database, "orders", shop) == []
    begin(shop)
    listed.put(order(1))
    assert drive(shop) is False and len(rows(database, "drift_findings", shop)) == 1


def test_totals_whose_news_got_lost_are_healed_though_the_customer_did_not_change(
    database: Engine, shop: Shop, listed: ListedStore
) -> None:
    gid, spent = "gid://shopify/Customer/9", {"amount": "10.00", "currencyCode": "EUR"}
    person = {"id": gid, "updatedAt": LONG_AGO.isoformat(), "tags": [], "defaultEmailAddress": None, "lastOrder": None}
    listed.objects["customers"][9] = person | {"numberOfOrders": "1", "amountSpent": spent}
    passes.run(shop.id, ["customers"], seconds=30)
    heard_at = clock.machine_now().isoformat()
    counted = {"customerId": gid, "numberOfOrders": 2, "amountSpent": spent, "occurredAt": heard_at}
    deliver(database, shop, "customers/purchasing_summary", counted, at=heard_at)
    listed.objects["customers"][9] |= {"numberOfOrders": "3", "amountSpent": spent | {"amount": "30.00"}}
    [check] = passes.run(shop.id, ["customers"], seconds=30)
    told = one(database, "customers", shop)
    assert (told["orders_count"], told["spent_minor"], check.healed) == (3, 3000, 1)
    [check] = passes.run(shop.id, ["customers"], seconds=30)
    assert found(database, shop)[-1][2] == "healed" and check.differed == 0

"""customers/merge, in whatever order its news come: the tables end the same, and everything belongs to who is kept."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Engine

from plugin.db import engine as db
from plugin.loyalty import operations as loyalty
from plugin.shops.models import Shop
from plugin.sync.drain import drain
from tests import payloads
from tests.conftest import make_shop
from tests.plugin.loyalty.ledgers import DRAFT, LADDER
from tests.plugin.sync.deliveries import MIRROR, deliver, one, rows, states

OLD, KEPT, THIRD = 501, 502, 503
START = datetime(2026, 1, 1, tzinfo=UTC)
LOT = ("customer_id", "order_id", "source", "granted", "remaining", "expired", "pending", "available_at", "expires_at")
ACCOUNT = ("customer_id", "available", "pending", "debt", "tier_name", "tier_spend_minor")


def merged(gone: int = OLD, kept: int = KEPT, status: str = "success") -> dict[str, Any]:
    return {
        "admin_graphql_api_customer_kept_id": f"gid://shopify/Customer/{kept}",
        "admin_graphql_api_customer_deleted_id": f"gid://shopify/Customer/{gone}",
        "admin_graphql_api_job_id": "gid://shopify/Job/11",
        "status": status,
        "errors": [],
    }


def merge(owner: Engine, shop: Shop, gone: int = OLD, kept: int = KEPT, at: str = "2026-11-20T12:00:00Z") -> None:
    deliver(owner, shop, "customers/merge", merged(gone, kept), at=at)


def launch(shop: Shop, **changes: Any) -> None:
    with db.transaction(shop.id) as session:
        loyalty.save_program(session, shop, "staff:1", replace(DRAFT, **changes), START)


def test_the_orders_of_the_merged_are_the_kept_ones_and_the_old_row_is_a_tombstone(
    database: Engine, shop: Shop, other_shop: Shop
) -> None:
    for each in (shop, other_shop):
        launch(each)
        deliver(database, each, "orders/create", payloads.order(note=each.domain))
        deliver(database, each, "customers/create", payloads.customer(KEPT, note=each.domain))
        drain(each.id)
    merge(database, shop)
    drain(shop.id)
    assert one(database, "orders", shop)["customer_id"] == KEPT
    people = {row["id"]: row for row in rows(database, "customers", shop)}
    assert people[OLD]["deleted_at"] is not None and people[OLD]["email"] is None
    assert (people[KEPT]["orders_count"], people[KEPT]["last_order_id"]) == (1, 1001)
    accounts = {row["customer_id"]: row["pending"] + row["available"] for row in rows(database, "point_accounts", shop)}
    assert accounts[OLD] == 0 and accounts[KEPT] > 0
    assert one(database, "orders", other_shop)["customer_id"] == OLD
    assert rows(database, "customer_merges", other_shop) == []


def test_a_merge_that_was_not_done_changes_nothing(database: Engine, shop: Shop) -> None:
    deliver(database, shop, "customers/create", payloads.customer())
    for status in ("failed", "in_progress", "requested"):
        deliver(database, shop, "customers/merge", merged(status=status))
    failed = {"admin_graphql_api_job_id": None, "status": "failed", "errors": [{"field": "merge_in_progress"}]}
    deliver(database, shop, "customers/merge", failed)
    drain(shop.id)
    assert rows(database, "customer_merges", shop) == []
    assert one(database, "customers", shop)["deleted_at"] is None
    assert set(states(database, shop).values()) == {"done"}


def test_a_merge_of_two_unknown_customers_makes_stubs_and_asks_for_who_is_kept(database: Engine, shop: Shop) -> None:
    merge(database, shop)
    drain(shop.id)
    people = {row["id"]: (row["known"], row["deleted_at"] is not None) for row in rows(database, "customers", shop)}
    assert people == {OLD: (True, True), KEPT: (False, False)}
    assert [row["key"] for row in rows(database, "outbox", shop)] == [f"customers:{KEPT}"]


def test_a_merge_into_oneself_is_parked(database: Engine, shop: Shop) -> None:
    deliver(database, shop, "customers/merge", merged(OLD, OLD), id="odd")
    drain(shop.id)
    assert states(database, shop) == {"odd": "failed"}


@pytest.mark.parametrize("together", [True, False])
def test_a_circle_is_refused_and_logged(database: Engine, shop: Shop, together: bool) -> None:
    for number, (gone, kept) in enumerate([(OLD, KEPT), (KEPT, THIRD), (THIRD, OLD)]):
        merge(database, shop, gone, kept, at=f"2026-11-20T12:0{number}:00Z")
        if not together:
            drain(shop.id)
    drain(shop.id)
    known = {row["from_id"]: (row["into_id"], row["kept_id"]) for row in rows(database, "customer_merges", shop)}
    assert known == {OLD: (KEPT, THIRD), KEPT: (THIRD, THIRD)}
    [refused] = [row for row in rows(database, "audit_log", shop) if row["action"] == "customers.merge_refused"]
    assert (refused["actor"], refused["object"]) == ("store", f"customer:{THIRD}")
    people = {row["id"]: row["deleted_at"] for row in rows(database, "customers", shop)}
    assert people[THIRD] is None


def test_the_kept_customer_of_a_chain_is_its_end_whichever_came_first(database: Engine, shop: Shop) -> None:
    merge(database, shop, KEPT, THIRD)
    drain(shop.id)
    merge(database, shop, OLD, KEPT)
    deliver(database, shop, "orders/create", payloads.order())
    drain(shop.id)
    assert one(database, "orders", shop)["customer_id"] == THIRD


# -- every order of the same news


def story() -> list[tuple[str, Any, str]]:
    """What a store tells about two people, their merge, and what follows: topic, body, moment of the event."""
    two = [payloads.line(), payloads.line(902, price="40.00")]
    before = payloads.order(1001, OLD, line_items=two)
    mine = payloads.order(1002, KEPT, line_items=[payloads.line(911, price="60.00")])
    pending = payloads.order(1003, OLD, line_items=[payloads.line(921)], processed_at=payloads.at(13))
    moved = payloads.order(1001, KEPT, line_items=two, updated_at=payloads.at(14))
    late = payloads.order(1004, OLD, line_items=[payloads.line(931)], processed_at=payloads.at(15))
    refunded = payloads.refund(order_id=1001)
    after = payloads.order(1001, KEPT, line_items=two, updated_at=payloads.at(16), refunds=[refunded])
    consent = {"customer_id": OLD, "email_address": "person501@example.com"}
    consent["email_marketing_consent"] = {"state": "subscribed", "consent_updated_at": payloads.at(9)}  # type: ignore[assignment]
    return [
        ("customers/create", payloads.customer(OLD), "2026-11-20T08:00:00Z"),
        ("customers_email_marketing_consent/update", consent, "2026-11-20T08:10:00Z"),
        ("orders/create", before, "2026-11-20T09:00:00Z"),
        ("customers/create", payloads.customer(KEPT), "2026-11-20T09:01:00Z"),
        ("orders/create", mine, "2026-11-20T09:02:00Z"),
        ("checkouts/create", payloads.checkout(token="left", customer={"id": OLD}), "2026-11-20T09:03:00Z"),
        ("orders/create", pending, "2026-11-20T12:00:00Z"),
        ("orders/updated", moved, "2026-11-20T13:00:00Z"),
        ("customers/merge", merged(), "2026-11-20T13:00:01Z"),
        ("customers/delete", {"id": OLD}, "2026-11-20T13:00:02Z"),
        ("customers/update", payloads.customer(KEPT, updated_at=payloads.at(14)), "2026-11-20T13:00:03Z"),
        ("orders/create", late, "2026-11-20T14:00:00Z"),
        ("refunds/create", refunded, "2026-11-20T15:00:00Z"),
        ("orders/updated", after, "2026-11-20T15:00:01Z"),
        ("customers/merge", merged(KEPT, THIRD), "2026-11-21T08:00:00Z"),
        ("customers/create", payloads.customer(THIRD), "2026-11-20T08:30:00Z"),
    ]


def ending(owner: Engine, shop: Shop) -> dict[str, list[str]]:
    """What the tables say; versions are left out, because they hold the digest of bodies that name their shop."""

    def of(table: str, keep: tuple[str, ...] = ()) -> list[str]:
        found = rows(owner, table, shop)
        said = [name for name in found[0] if name != "shop_id" and not name.endswith("version")] if found else []
        return sorted(repr([(name, row[name]) for name in keep or said]) for row in found)

    tables = {table: of(table) for table in (*MIRROR, "customer_merges")}
    lots = [row for row in of("point_lots", LOT) if "('granted', 0)" not in row]
    empty = "('available', 0), ('pending', 0), ('debt', 0)"  # the accounts of the merged, where there were any
    accounts = [row for row in of("point_accounts", ACCOUNT) if empty not in row]
    return tables | {"point_lots": lots, "point_accounts": accounts}


@pytest.mark.parametrize("seed", range(5))
def test_any_order_of_the_same_news_gives_the_same_tables(database: Engine, shop: Shop, seed: int) -> None:
    launch(shop, tiers=LADDER)
    for topic, body, at in story():
        deliver(database, shop, topic, body, at=at)
    drain(shop.id)
    expected = ending(database, shop)
    chance = random.Random(seed)
    told = [*story(), *chance.sample(story(), 6)]
    chance.shuffle(told)
    other = make_shop(database, f"shuffled-{seed}.myshopify.com", 9000 + seed)
    launch(other, tiers=LADDER)
    for topic, body, at in told:
        deliver(database, other, topic, body | {"told_to": other.domain}, at=at)
        if chance.random() < 0.6:
            drain(other.id)
    drain(other.id)
    assert set(states(database, other).values()) == {"done"}
    found = ending(database, other)
    for table, known in expected.items():
        assert found[table] == known, table
    assert any(f"('customer_id', {THIRD})" in row for row in expected["point_lots"])

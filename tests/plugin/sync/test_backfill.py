"""Bulk results into the mirror: in chunks, in any order the platform may write them, resumable, and none lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine, select

from plugin.db import engine as db
from plugin.sandbox.admin_api import bulk_rules
from plugin.shops import queries as shops
from plugin.shops.models import Shop
from plugin.sync import backfill, remote, runs
from plugin.sync.models import SyncRun
from plugin.sync.operations import start_backfill
from tests.bench import bodies
from tests.plugin.sync.deliveries import one, rows

READ_AT = datetime(2026, 11, 20, tzinfo=UTC)


def with_ends(lines: list[bytes]) -> Iterator[tuple[int, bytes]]:
    end = 0
    for line in lines:
        end += len(line)
        yield end, line.rstrip(b"\n")


def bring_in(shop: Shop, kind: str, lines: list[bytes], size: int = 1000) -> list[backfill.Chunk]:
    chunks = list(backfill.chunks(kind, with_ends(lines), size))
    for chunk in chunks:
        with db.transaction(shop.id) as session:
            backfill.write(session, shops.shop(session), kind, chunk, READ_AT)
    return chunks


@pytest.mark.parametrize("kind", runs.KINDS)
def test_each_query_may_be_run_in_bulk(kind: str) -> None:
    bulk_rules.check(remote.query(kind))
    assert set(backfill.KINDS) == set(runs.KINDS)


def test_orders_and_their_lines_stay_together_whatever_the_chunk(
    database: Engine, shop: Shop, other_shop: Shop
) -> None:
    bring_in(shop, "customers", list(bodies.customer_lines(3)))
    lines = list(bodies.order_lines(1, 10, 3))
    assert len(bring_in(shop, "orders", lines, size=3)) == 4
    orders = rows(database, "orders", shop)
    assert len(orders) == 10 and all(order["known"] and order["total_minor"] == 5490 for order in orders)
    assert len(rows(database, "order_lines", shop)) == 20
    assert all(customer["known"] for customer in rows(database, "customers", shop))
    assert rows(database, "outbox", shop) == rows(database, "orders", other_shop) == []


def test_the_stores_totals_come_with_customers(database: Engine, shop: Shop) -> None:
    bring_in(shop, "customers", list(bodies.customer_lines(1)))
    row = one(database, "customers", shop)
    assert (row["orders_count"], row["spent_minor"], row["spent_currency"]) == (3, 12000, "EUR")
    assert (row["email"], row["email_consent"], row["tags"]) == ("person1@example.com", "subscribed", ["vip"])
    assert {term["term"] for term in rows(database, "customer_terms", shop)} >= {"nguyen", "person1@example.com"}


def test_lines_that_follow_later_lead_to_a_fetch_of_their_order(database: Engine, shop: Shop) -> None:
    first, second = list(bodies.order_lines(1, 1, 1)), list(bodies.order_lines(2, 1, 1))
    bring_in(shop, "orders", [first[0], first[1], *second, first[2]], size=1)
    assert "orders:1000001" in {effect["key"] for effect in rows(database, "outbox", shop)}
    assert len(rows(database, "order_lines", shop)) == 3


def test_an_order_with_refunds_is_read_singly_too(database: Engine, shop: Shop) -> None:
    order = json.loads(next(bodies.order_lines(1, 1, 1))) | {"refunds": [{"id": "gid://shopify/Refund/5"}]}
    bring_in(shop, "orders", [json.dumps(order).encode() + b"\n"])
    assert "orders:1000001" in {effect["key"] for effect in rows(database, "outbox", shop)}
    assert rows(database, "refunds", shop) == []


def test_a_line_that_cannot_be_read_is_counted_and_left_out(database: Engine, shop: Shop) -> None:
    good = list(bodies.order_lines(1, 2, 1))
    bad = [b"<html>\n", good[0].replace(b'"EUR"', b'"euros"'), b'{"id":"gid://shopify/Order/x","currencyCode":"EUR"}\n']
    chunks = bring_in(shop, "orders", bad + good[3:])
    assert [row["id"] for row in rows(database, "orders", shop)] == [1000002]
    assert len(chunks[0].skipped) == 3


def test_a_backfill_is_begun_once_a_kind(database: Engine, shop: Shop) -> None:
    with db.transaction(shop.id) as session:
        assert start_backfill(session, shop) == 4
        assert start_backfill(session, shop) == 0
    assert [run["object"] for run in rows(database, "sync_runs", shop, "id")] == list(runs.KINDS)


def test_an_import_that_was_cut_off_goes_on_where_it_was(
    database: Engine, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = list(bodies.order_lines(1, 10, 3))
    monkeypatch.setattr(backfill.chunks, "__defaults__", (4,))
    operation = remote.Operation("gid", "COMPLETED", None, READ_AT, 30, 10, "result")
    started: list[int] = []

    def read(url: str, start: int = 0) -> Iterator[tuple[int, bytes]]:
        started.append(start)
        return ((end, line) for end, line in with_ends(lines) if end > start)

    monkeypatch.setattr(remote, "lines", read)
    monkeypatch.setattr(remote, "begin", lambda *_: "gid")
    monkeypatch.setattr(remote, "look", lambda *_: operation)
    with db.transaction(shop.id) as session:
        session.add(SyncRun(shop_id=shop.id, kind="backfill", object="orders"))
    while runs.drive(shop.id, ends=0):
        pass
    run = one(database, "sync_runs", shop)
    assert (run["state"], run["rows_done"], run["rows_total"], run["lease_until"]) == ("done", 10, 10, None)
    assert started == [0, len(b"".join(lines[:12])), len(b"".join(lines[:24])), len(b"".join(lines))]
    assert len(rows(database, "orders", shop)) == 10 and len(rows(database, "order_lines", shop)) == 20


def test_orders_wait_for_customers(database: Engine, shop: Shop) -> None:
    with db.transaction(shop.id) as session:
        session.add_all([SyncRun(shop_id=shop.id, kind="backfill", object=kind) for kind in runs.KINDS])
        session.flush()
        found = {run.object: run for run in session.scalars(select(SyncRun))}
    assert runs._must_wait(shop, found["orders"]) and runs._must_wait(shop, found["checkouts"])
    assert not runs._must_wait(shop, found["customers"]) and not runs._must_wait(shop, found["products"])


def test_blocks_are_split_into_lines_with_the_offsets_after_them() -> None:
    text = b"one\ntwo\n\nthree"
    for size in (1, 2, 5, 100):
        blocks = iter([text[at : at + size] for at in range(0, len(text), size)])
        assert list(remote._split(blocks, 0, 0)) == [(4, b"one"), (8, b"two"), (9, b""), (14, b"three")]
    assert list(remote._split(iter([text]), 0, 8)) == [(9, b""), (14, b"three")]
    assert list(remote._split(iter([text[8:]]), 8, 0)) == [(9, b""), (14, b"three")]

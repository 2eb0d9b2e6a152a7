"""Bulk results into the mirror: in chunks, in any order the platform may write them, resumable, and none lost."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from plugin.db import engine as db
from plugin.sandbox.admin_api import bulk_rules
from plugin.shops import queries as shops
from plugin.shops.models import Shop
from plugin.sync import backfill, loose, remote, runs
from plugin.sync.models import SyncRun
from plugin.sync.operations import start_backfill
from tests.bench import bodies
from tests.plugin.sync.deliveries import mirror, one, rows

READ_AT = datetime(2026, 11, 20, tzinfo=UTC)


def with_ends(lines: list[bytes]) -> Iterator[tuple[int, bytes]]:
    end = 0
    for line in lines:
        end += len(line)
        yield end, line.rstrip(b"\n")


def bring_in(shop: Shop, kind: str, lines: list[bytes], size: int = 1000) -> list[backfill.Chunk]:
    chunks = list(backfill.chunks(kind, with_ends(lines), size))
    with db.transaction(shop.id) as session:
        run = SyncRun(shop_id=shop.id, kind="backfill", object=kind, state="done")
        session.add(run)
    for chunk in chunks:
        with db.transaction(shop.id) as session:
            backfill.write(session, shops.shop(session), kind, chunk, READ_AT)
            if kind != "refunds":
                loose.place(session, shop, run.id, kind, chunk.loose, READ_AT)
    with db.transaction(shop.id) as session:
        while loose.place_kept(session, shop, run.id, kind, READ_AT):
            pass
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


def shuffled(lines: list[bytes], kind: str) -> list[bytes]:
    """Every row as far from its parent as it can be, before it or after it."""
    parents = [line for line in lines if b"__parentId" not in line]
    rows = [line for line in lines if b"__parentId" in line]
    return [*rows[1::2], *parents, *rows[::2]]


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_rows_come_to_their_order_from_wherever_they_stand(
    database: Engine, shop: Shop, other_shop: Shop, size: int
) -> None:
    lines = list(bodies.order_lines(1, 10, 3))
    bring_in(shop, "orders", lines)
    as_they_are = mirror(database, shop)["orders"], rows(database, "order_lines", shop)
    bring_in(other_shop, "orders", shuffled(lines, "orders"), size)
    assert len(rows(database, "orders", other_shop)) == 10
    told = {row["id"]: row for row in rows(database, "order_lines", other_shop)}
    assert len(told) == len(as_they_are[1]) == 20
    bookkeeping = {"shop_id", "position"}
    for row in as_they_are[1]:
        assert {k: v for k, v in told[row["id"]].items() if k not in bookkeeping} == {
            k: v for k, v in row.items() if k not in bookkeeping
        }
    assert rows(database, "import_lines") == []
    assert not any(effect["key"].startswith("orders:") for effect in rows(database, "outbox", other_shop))


def test_rows_without_end_make_no_chunk_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backfill, "MOST_LINES", 10)
    first, *others = bodies.order_lines(1, 40, 1)
    chunks = list(backfill.chunks("orders", with_ends([first, *(line for line in others if b"__parentId" in line)])))
    assert max(chunk.lines for chunk in chunks) == 10


def test_rows_of_an_order_that_never_came_lead_to_a_fetch_of_it(database: Engine, shop: Shop) -> None:
    first, second = list(bodies.order_lines(1, 1, 1)), list(bodies.order_lines(2, 1, 1))
    bring_in(shop, "orders", [first[1], *second])
    assert [effect["key"] for effect in rows(database, "outbox", shop) if "orders" in effect["key"]] == [
        "orders:1000001"
    ]
    assert rows(database, "import_lines") == []


def test_rows_of_an_order_that_a_webhook_changed_meanwhile_are_dropped(database: Engine, shop: Shop) -> None:
    lines = list(bodies.order_lines(1, 1, 1))
    newer = json.loads(lines[0]) | {"updatedAt": "2026-11-21T00:00:00Z"}
    with db.transaction(shop.id) as session:
        chunk = next(backfill.chunks("orders", with_ends([json.dumps(newer).encode() + b"\n"])))
        backfill.write(session, shops.shop(session), "orders", chunk, READ_AT + timedelta(hours=1))
    bring_in(shop, "orders", lines, size=1)
    assert rows(database, "order_lines", shop) == rows(database, "import_lines") == []


def test_variants_and_lines_of_checkouts_come_to_their_parents_too(database: Engine, shop: Shop) -> None:
    product = {"id": "gid://shopify/Product/5", "title": "Lot", "handle": "lot", "status": "ACTIVE"}
    variant = {"id": "gid://shopify/ProductVariant/6", "title": "250 g", "price": "9.00", "__parentId": product["id"]}
    bring_in(shop, "products", [json.dumps(each).encode() + b"\n" for each in (variant, product)], size=1)
    assert one(database, "variants", shop)["price_minor"] == 900
    checkout = {
        "id": "gid://shopify/AbandonedCheckout/7",
        "abandonedCheckoutUrl": "https://x/1/checkouts/ac/tok/recover",
    }
    line = {"quantity": 2, "originalUnitPriceSet": {"shopMoney": {"amount": "9.00"}}, "title": "Lot"}
    line["__parentId"] = checkout["id"]
    bring_in(shop, "checkouts", [json.dumps(each).encode() + b"\n" for each in (line, checkout, line)], size=1)
    assert [each["quantity"] for each in one(database, "checkouts", shop)["lines"]] == [2, 2]


def refunded_order(parent: str, *, rows: int = 2) -> list[bytes]:
    """An order with one refund as its bulk query tells it; its rows name `parent`: the agreement or the refund."""
    order, agreement = "gid://shopify/Order/1000001", "gid://shopify/SalesAgreement/7"
    names = {"agreement": agreement, "refund": "gid://shopify/Refund/5"}
    refund = {"id": names["refund"], "createdAt": "2026-11-19T00:00:00Z", "totalRefundedSet": amount("20.00")}
    line = {"quantity": 1, "subtotalSet": amount("10.00"), "totalTaxSet": amount("0.65"), "__parentId": names[parent]}
    told = [
        {
            "id": order,
            "currencyCode": "EUR",
            "updatedAt": "2026-11-19T00:00:00Z",
            "processedAt": "2026-11-18T00:00:00Z",
        },
        {"id": "gid://shopify/SalesAgreement/6", "__parentId": order},
        {"id": agreement, "refund": refund, "__parentId": order},
        *(
            line | {"id": f"gid://shopify/RefundLineItem/{id}", "lineItem": {"id": f"gid://shopify/LineItem/{id}"}}
            for id in range(1, rows + 1)
        ),
    ]
    return [json.dumps(each).encode() + b"\n" for each in told]


def amount(text: str) -> dict[str, Any]:
    return {"shopMoney": {"amount": text}}


@pytest.mark.parametrize("parent", ["agreement", "refund"])
def test_refunds_come_with_their_rows_whichever_parent_these_name(database: Engine, shop: Shop, parent: str) -> None:
    bring_in(shop, "orders", list(bodies.order_lines(1, 1, 1)))
    bring_in(shop, "refunds", refunded_order(parent))
    refund = one(database, "refunds", shop)
    assert (refund["id"], refund["order_id"], refund["amount_only_minor"]) == (5, 1000001, 0)
    assert [row["subtotal_minor"] for row in rows(database, "refund_lines", shop)] == [1000, 1000]


def test_a_line_that_cannot_be_read_is_counted_and_left_out(database: Engine, shop: Shop) -> None:
    good = list(bodies.order_lines(1, 2, 1))
    bad = [b"<html>\n", good[0].replace(b'"EUR"', b'"euros"'), b'{"id":"gid://shopify/Order/x","currencyCode":"EUR"}\n']
    chunks = bring_in(shop, "orders", bad + good[3:])
    assert [row["id"] for row in rows(database, "orders", shop)] == [1000002]
    assert len(chunks[0].skipped) == 3


def test_a_backfill_is_begun_once_a_kind(database: Engine, shop: Shop) -> None:
    with db.transaction(shop.id) as session:
        assert start_backfill(session, shop) == len(runs.KINDS) == 5
        assert start_backfill(session, shop) == 0
    assert [run["object"] for run in rows(database, "sync_runs", shop, "id")] == list(runs.KINDS)


def test_blocks_are_split_into_lines_with_the_offsets_after_them() -> None:
    text = b"one\ntwo\n\nthree"
    for size in (1, 2, 5, 100):
        blocks = iter([text[at : at + size] for at in range(0, len(text), size)])
        assert list(remote._split(blocks, 0, 0)) == [(4, b"one"), (8, b"two"), (9, b""), (14, b"three")]
    assert list(remote._split(iter([text]), 0, 8)) == [(9, b""), (14, b"three")]
    assert list(remote._split(iter([text[8:]]), 8, 0)) == [(9, b""), (14, b"three")]


@pytest.fixture
def plain_server(tmp_path: Path) -> Iterator[str]:
    """Results at a server that knows no Range."""
    (tmp_path / "result").write_bytes(b"one\ntwo\nthree")
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_what_was_read_is_skipped_where_a_part_cannot_be_had(plain_server: str) -> None:
    url = f"{plain_server}/result"
    assert list(remote.lines(url, 4)) == [(8, b"two"), (13, b"three")]
    assert list(remote.lines(url, 4, 13)) == [(8, b"two"), (13, b"three")]
    assert list(remote.lines(url, 13, 13)) == []
    assert list(remote.lines(url, 4, whole=False)) == [(8, b"two")]


def test_a_result_that_is_too_short_or_gone_is_told_apart(plain_server: str) -> None:
    read = remote.lines(f"{plain_server}/result", 0, 20)
    assert [next(read), next(read)] == [(4, b"one"), (8, b"two")]
    with pytest.raises(remote.Broken):
        next(read)
    with pytest.raises(remote.Gone):
        list(remote.lines(f"{plain_server}/nothing"))
    with pytest.raises(remote.Broken):
        list(remote.lines("http://127.0.0.1:9/result"))

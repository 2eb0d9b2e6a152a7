"""Bodies that cannot be read, workers that die, databases that do not answer: nothing is lost, nobody else pays."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine, text

from plugin.config import ROOT
from plugin.db import engine as db
from plugin.shops.models import Shop
from plugin.sync import drain as draining
from plugin.sync.drain import drain
from plugin.sync.retrying import retry
from tests import payloads
from tests.payloads import encode
from tests.plugin.sync.deliveries import deliver, mirror, one, rows, states
from tests.plugin.sync.dying_worker import KILLER

UNREADABLE = {
    "nothing": b"",
    "no JSON": b"<order/>",
    "half of it": encode(payloads.order())[:200],
    "a list": b"[]",
    "null": b"null",
    "an empty object": b"{}",
    "not UTF-8": b'{"id": 1, "name": "\xff\xfe"}',
    "a byte order mark": b"\xef\xbb\xbf" + encode(payloads.order()),
    "not a number": b'{"id": NaN}',
    "an id over 2^63": encode(payloads.order(id=2**63)),
    "an id of 5000 digits": b'{"id": ' + b"9" * 5000 + b"}",
    "an id of zero": encode(payloads.order(id=0)),
    "a negative id": encode(payloads.order(id=-5)),
    "an id that is no number": encode(payloads.order(id="abc")),
    "no id": encode({name: value for name, value in payloads.order().items() if name != "id"}),
    "an amount that is none": encode(payloads.order(total_price="example string")),
    "an endless amount": encode(payloads.order(total_price="1e400")),
    "a currency that is none": encode(payloads.order(currency="example string")),
    "a date that is none": encode(payloads.order(updated_at="yesterday")),
    "a quantity beyond reason": encode(payloads.order(line_items=[payloads.line(quantity=2**40)])),
    "half a surrogate pair": b'{"id": 1, "name": "a\\ud83db"}',
    "the other half, where nobody reads": b'{"id": 1, "note": "a\\uDE00b"}',
    "100,000 levels": b'{"id": 1, "note": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
}


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE)
def test_what_cannot_be_read_is_parked_at_once_with_a_reason(database: Engine, shop: Shop, body: bytes) -> None:
    bad = deliver(database, shop, "orders/create", body)
    good = deliver(database, shop, "orders/create", payloads.order(1002))
    drain(shop.id)
    assert states(database, shop) == {bad: "failed", good: "done"}
    [row] = [row for row in rows(database, "inbox", shop) if row["webhook_id"] == bad]
    assert row["error"] and row["attempts"] == 0 and "example string" not in mirror(database, shop)
    assert [order["id"] for order in rows(database, "orders", shop)] == [1002]


READABLE: dict[str, tuple[Any, str]] = {
    "ids as text": (payloads.order(id="1001", line_items=[payloads.line(id="901", product_id="7001")]), "#1001"),
    "no customer": ({k: v for k, v in payloads.order().items() if k != "customer"}, "#1001"),
    "a customer of null": (payloads.order(customer=None), "#1001"),
    "an empty customer": (payloads.order(customer={}), "#1001"),
    "lists of null": (payloads.order(line_items=None, refunds=None, discount_codes=None), "#1001"),
    "a NUL character": (b'{"id": 1001, "name": "a\\u0000b"}', "a\ufffdb"),
    "a raw NUL byte": (b'{"id": 1001, "name": "a\x00b"}', "a\ufffdb"),
    "a whole surrogate pair": (b'{"id": 1001, "name": "\\ud83d\\ude00"}', "\U0001f600"),
    "an escaped backslash before u0000": (b'{"id": 1001, "name": "a\\\\u0000"}', "a\\u0000"),
    "the largest id": (payloads.order(id=2**63 - 1), f"#{2**63 - 1}"),
    "an unread number over 2^63": (b'{"id": 1001, "name": "x", "browser_ip": 99999999999999999999999}', "x"),
    "an amount without end that is not read": (b'{"id": 1001, "name": "x", "weight": 1e400}', "x"),
    "5000 digits that are not read": (b'{"id": 1001, "name": "x", "number": ' + b"9" * 5000 + b"}", "x"),
    "bytes that are no UTF-8, not read": (b'{"id": 1001, "name": "x", "browser_ip": "\xff\xfe"}', "x"),
    "a key twice: the last counts, for every reader": (b'{"id": 1, "name": "a", "id": 1001, "name": "x"}', "x"),
    "only an id": (b'{"id": 1001}', ""),
}


@pytest.mark.parametrize(("body", "name"), READABLE.values(), ids=READABLE)
def test_what_is_odd_but_readable_is_applied(database: Engine, shop: Shop, body: Any, name: str) -> None:
    deliver(database, shop, "orders/create", body)
    drain(shop.id)
    assert one(database, "inbox", shop)["error"] is None
    assert one(database, "orders", shop)["name"] == name


def test_a_body_that_names_another_store_is_quarantined(database: Engine, shop: Shop, other_shop: Shop) -> None:
    named = [
        deliver(database, shop, "shop/update", {"id": other_shop.store_id, "name": "Theirs"}),
        deliver(database, shop, "app/uninstalled", {"id": other_shop.store_id}),
        deliver(
            database, shop, "app/scopes_update", {"shop_id": f"gid://shopify/Shop/{other_shop.store_id}", "current": []}
        ),
        deliver(database, shop, "shop/redact", {"shop_id": other_shop.store_id, "shop_domain": other_shop.domain}),
        deliver(database, shop, "orders/create", payloads.order(shop_id=other_shop.store_id)),
        deliver(database, shop, "shop/update", {"id": shop.store_id, "myshopify_domain": other_shop.domain}),
    ]
    drain(shop.id)
    assert states(database, shop) == dict.fromkeys(named, "quarantined")
    assert all(row["error"] for row in rows(database, "inbox", shop))
    assert rows(database, "orders", shop) == rows(database, "privacy_requests", shop) == []


def test_a_parked_webhook_can_be_tried_again(database: Engine, shop: Shop) -> None:
    deliver(database, shop, "orders/create", b"{}")
    drain(shop.id)
    with database.begin() as connection:
        connection.execute(text("UPDATE inbox SET body = :body"), {"body": encode(payloads.order())})
    with db.transaction(shop.id) as session:
        assert retry(session, shop) == 1
    drain(shop.id)
    assert (one(database, "inbox", shop)["state"], one(database, "orders", shop)["id"]) == ("done", 1001)


def run_worker(shop: Shop, point: str) -> int:
    """A worker that drains and dies; its exit code."""
    command = [sys.executable, "-m", "tests.plugin.sync.dying_worker", str(shop.id), point]
    return subprocess.run(command, cwd=ROOT, timeout=60, capture_output=True).returncode


@pytest.mark.parametrize("point", ["after decode", "before apply", "after apply", "after react", "after done"])
def test_killed_in_the_middle_of_a_drain_the_tables_are_as_without(database: Engine, shop: Shop, point: str) -> None:
    def news() -> None:
        for number in range(6):
            deliver(database, shop, "orders/create", payloads.order(1001 + number, 501 + number % 2))
        deliver(database, shop, "refunds/create", payloads.refund())
        deliver(database, shop, "customers/delete", {"id": 502})

    news()
    drain(shop.id)
    expected = mirror(database, shop)
    with database.begin() as connection:
        for table in (*expected, "inbox", "outbox", "point_accounts"):
            connection.execute(text(f"TRUNCATE {table} CASCADE"))
    news()
    assert run_worker(shop, point) == -signal.SIGKILL
    assert set(states(database, shop).values()) == {"new"}
    drain(shop.id)
    assert set(states(database, shop).values()) == {"done"}
    assert mirror(database, shop) == expected
    assert rows(database, "drain_marks") == []


def test_a_body_that_kills_workers_is_parked_after_five_and_nobody_else_pays(database: Engine, shop: Shop) -> None:
    before = [deliver(database, shop, "orders/create", payloads.order(1001 + number)) for number in range(3)]
    killer = deliver(database, shop, "orders/create", b'{"note": "' + KILLER + b'"}')
    after = [deliver(database, shop, "orders/create", payloads.order(2001 + number)) for number in range(3)]
    deaths = 0
    while run_worker(shop, "body") == -signal.SIGKILL:
        deaths += 1
        assert deaths <= 5
    assert deaths == 5
    assert states(database, shop) == dict.fromkeys(before + after, "done") | {killer: "failed"}
    [row] = [row for row in rows(database, "inbox", shop) if row["webhook_id"] == killer]
    assert "died" in row["error"]
    assert {other["attempts"] for other in rows(database, "inbox", shop) if other["webhook_id"] != killer} == {0}
    assert len(rows(database, "orders", shop)) == 6


def test_an_error_that_may_pass_is_tried_again_later_and_eight_times_at_most(
    database: Engine, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> None:
        raise psycopg.errors.DeadlockDetected("deadlock detected")

    deliver(database, shop, "orders/create", payloads.order())
    monkeypatch.setattr(draining, "apply", fails)
    for tries in range(8):
        drain(shop.id)
        drain(shop.id)
        row = one(database, "inbox", shop)
        assert row["attempts"] == tries + 1
        assert drain(shop.id) == 0, "it is not tried before its time"
        with database.begin() as connection:
            connection.execute(text("UPDATE inbox SET next_attempt_at = NULL"))
        if row["state"] == "failed":
            break
    assert (row["state"], row["attempts"]) == ("failed", 8)
    monkeypatch.undo()
    with db.transaction(shop.id) as session:
        retry(session, shop)
    drain(shop.id)
    assert one(database, "inbox", shop)["state"] == "done"


def test_one_row_that_cannot_be_applied_does_not_hold_up_the_others(
    database: Engine, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    react = draining.react

    def picky(session: Any, of: Shop, changes: Any) -> None:
        if 1002 in changes.orders:
            raise ZeroDivisionError("of no consequence")
        react(session, of, changes)

    ids = [deliver(database, shop, "orders/create", payloads.order(1001 + number)) for number in range(3)]
    monkeypatch.setattr(draining, "react", picky)
    drain(shop.id)
    assert states(database, shop) == {ids[0]: "done", ids[1]: "failed", ids[2]: "done"}
    assert [row["id"] for row in rows(database, "orders", shop)] == [1001, 1003]

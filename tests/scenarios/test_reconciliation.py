"""News that got lost: one comparison with the store, and the mirror is as if everything had come."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any

import pytest
from sqlalchemy import text

from plugin.db import engine as db
from plugin.effects import operations as effects
from plugin.local import cli
from plugin.shops import queries as shops
from plugin.sync import checks, passes, reconciling, subscribed
from plugin.sync.batch import fetch_key, fetch_payload
from plugin.sync.models import DriftCheck
from tests.sandbox import Store, store  # noqa: F401
from tests.scenarios.test_the_mirror import told

OFF = {"drop": 0, "duplicate": 0, "delay_seconds": 0, "shuffle": False}


@pytest.fixture(autouse=True)
def nothing_on_its_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """All news has arrived when a test asks, so nobody need wait for it."""
    monkeypatch.setattr(reconciling, "GRACE_SECONDS", 0.0)


@pytest.fixture(scope="module")
def installed(store: Store) -> Store:  # noqa: F811
    store.post("/_control/throttle", {"maximum": 100_000, "restore": 10_000})
    store.install()
    return store


def reconcile(store: Store, *kinds: str) -> dict[str, DriftCheck]:  # noqa: F811
    shop = shops.by_domain(store.shop)
    assert shop is not None
    store.advance(minutes=2)
    return {check.object: check for check in passes.run(shop.id, kinds or checks.KINDS, seconds=60)}


def a_variant(store: Store) -> int:  # noqa: F811
    return int(store.rows("SELECT id FROM variants ORDER BY id LIMIT 1")[0]["id"])


def differing(store: Store, check: DriftCheck) -> list[dict[str, Any]]:  # noqa: F811
    query = "SELECT key, reason, groups FROM drift_findings WHERE check_id = :id AND outcome = 'healed' ORDER BY key"
    return store.rows(query, id=check.id)


def whole(store: Store, tables: Iterable[str]) -> dict[str, list[dict[str, Any]]]:  # noqa: F811
    return {table: told(store, f"SELECT * FROM {table} ORDER BY 1, 2, 3") for table in tables}


def different(before: dict[str, list[dict[str, Any]]], after: dict[str, list[dict[str, Any]]]) -> list[Any]:
    """Table, id and columns of each row that is not the same; a count where rows are missing."""
    found: list[Any] = [(table, len(before[table]), len(after[table])) for table in before]
    found = [each for each in found if each[1] != each[2]]
    for table in before:
        for old, new in zip(before[table], after[table], strict=False):
            changed = {name: (old[name], new[name]) for name in old if old[name] != new[name]}
            found += [(table, old["id"], changed)] if changed else []
    return found


def read_again(store: Store, ids: dict[str, list[int]]) -> None:  # noqa: F811
    """Every one of these as the store has it now, by a single read."""
    shop = shops.by_domain(store.shop)
    assert shop is not None
    asked = {fetch_key(kind, id): fetch_payload(kind, id) for kind, found in ids.items() for id in found}
    with db.transaction(shop.id) as session:
        effects.record_all(session, shop.id, "fetch", asked, again=True)
    store.settle()


def trade(store: Store, chance: random.Random, many: int) -> None:  # noqa: F811
    """Orders, refunds, parcels, new people and changed products; nothing is settled in between."""
    people = store.get("/_control/customers", limit=20)["customers"]
    variant, products = a_variant(store), store.get("/_control/products", limit=5)["products"]
    placed: list[int] = []
    for number in range(many):
        match chance.randrange(6):
            case 0 | 1:
                placed.append(store.place_order(chance.choice(people)["id"], variant, chance.randint(1, 3))["id"])
            case 2 if placed:
                store.post(f"/_control/orders/{placed.pop()}/refund")
            case 3 if placed:
                store.post(f"/_control/orders/{chance.choice(placed)}/edit", {"add": []})
            case 4:
                store.post(
                    "/_control/customers", {"email": f"new{number}@example.com", "first_name": "N", "tags": ["a"]}
                )
            case _:
                title = f"Renamed {number}"
                store.post(f"/_control/products/{chance.choice(products)['id']}", {"title": title})


def findings(store: Store, check: DriftCheck) -> list[tuple[str, str, str]]:  # noqa: F811
    query = "SELECT key, reason, outcome FROM drift_findings WHERE check_id = :id AND outcome <> 'same' ORDER BY key"
    return [(row["key"], row["reason"], row["outcome"]) for row in store.rows(query, id=check.id)]


def unheard(store: Store, path: str, body: Any = None) -> Any:  # noqa: F811
    """Something happens in the store, and none of its webhooks leaves."""
    store.post("/_control/faults", OFF | {"drop": 1})
    answer = store.post(path, body)
    store.post("/_control/faults", OFF)
    return answer


def test_a_mirror_that_heard_everything_has_no_drift(installed: Store) -> None:
    found = reconcile(installed)
    counts = installed.get("/_control/summary")["counts"]
    assert {kind: check.state for kind, check in found.items()} == dict.fromkeys(checks.KINDS, "done")
    assert {kind: check.differed for kind, check in found.items()} == dict.fromkeys(checks.KINDS, 0)
    assert (found["orders"].total, found["orders"].compared) == (counts["order"], counts["order"])
    assert installed.rows("SELECT * FROM drift_findings") == []


def test_an_order_that_was_never_told_is_fetched(installed: Store) -> None:
    customer, variant = installed.get("/_control/customers", limit=1)["customers"][0], a_variant(installed)
    lines = [{"variant_id": variant, "quantity": 2}]
    order = unheard(installed, "/_control/orders", {"customer_id": customer["id"], "lines": lines, "paid": True})
    check = reconcile(installed, "orders")["orders"]
    assert findings(installed, check) == [(str(order["id"]), "missing", "healed")]
    assert (check.differed, check.healed) == (1, 1)
    [row] = installed.rows("SELECT * FROM orders WHERE id = :id", id=order["id"])
    assert (row["known"], row["customer_id"]) == (True, customer["id"])


def test_totals_that_were_never_told_are_read_again(installed: Store) -> None:
    customer = installed.get("/_control/customers", limit=1)["customers"][0]
    check = reconcile(installed, "customers")["customers"]
    assert findings(installed, check) == [(str(customer["id"]), "different", "healed")]
    [row] = installed.rows("SELECT groups FROM drift_findings WHERE check_id = :id", id=check.id)
    assert row["groups"] == ["totals"]
    [row] = installed.rows("SELECT orders_count FROM customers WHERE id = :id", id=customer["id"])
    assert row["orders_count"] == customer["orders_count"]


def test_a_change_and_a_refund_that_were_never_told_are_seen_by_their_groups(installed: Store) -> None:
    sent, given_back = installed.rows("SELECT id FROM orders WHERE NOT test ORDER BY processed_at DESC LIMIT 2")
    unheard(installed, f"/_control/orders/{sent['id']}/fulfill")
    unheard(installed, f"/_control/orders/{given_back['id']}/refund")
    check = reconcile(installed, "orders")["orders"]
    found = {(row["key"], row["reason"]): row["groups"] for row in differing(installed, check)}
    assert set(found) == {(str(sent["id"]), "older"), (str(given_back["id"]), "older")}
    assert found[str(sent["id"]), "older"] == ["parcels", "status"]
    assert {"amounts", "refunds", "status"} <= set(found[str(given_back["id"]), "older"])
    assert installed.rows("SELECT id FROM refunds WHERE order_id = :id", id=given_back["id"])


def test_what_the_store_deleted_unheard_leaves_tombstones(installed: Store) -> None:
    [order] = installed.rows("SELECT id FROM orders ORDER BY processed_at LIMIT 1")
    [product] = installed.rows("SELECT id FROM products ORDER BY id DESC LIMIT 1")
    person = installed.post("/_control/customers", {"email": "gone@example.com", "first_name": "G", "last_name": "One"})
    installed.settle()
    installed.post("/_control/faults", OFF | {"drop": 1})
    for kind, id in (("orders", order["id"]), ("products", product["id"]), ("customers", person["id"])):
        installed.delete(f"/_control/{kind}/{id}")
    installed.post("/_control/faults", OFF)
    found = reconcile(installed)
    for kind, id in (("orders", order["id"]), ("products", product["id"]), ("customers", person["id"])):
        assert (str(id), "gone", "healed") in findings(installed, found[kind]), kind
        [row] = installed.rows(f"SELECT deleted_at FROM {kind} WHERE id = :id", id=id)
        assert row["deleted_at"] is not None


def test_content_that_differs_at_an_equal_moment_is_found(installed: Store) -> None:
    [order] = installed.rows("SELECT * FROM orders WHERE current_total_minor > 0 ORDER BY id DESC LIMIT 1")
    with installed.owner.begin() as connection:
        connection.execute(text("UPDATE orders SET current_total_minor = 1 WHERE id = :id"), {"id": order["id"]})
    check = reconcile(installed, "orders")["orders"]
    assert [(row["reason"], row["groups"]) for row in differing(installed, check)] == [("different", ["amounts"])]
    [healed] = installed.rows("SELECT * FROM orders WHERE id = :id", id=order["id"])
    assert healed["current_total_minor"] == order["current_total_minor"]


def test_a_person_gets_everything_compared_and_the_schedule_leaves_what_is_young(installed: Store) -> None:
    product = unheard(installed, "/_control/products", {"title": "A young lot", "price": "9.00"})
    shop = shops.by_domain(installed.shop)
    assert shop is not None
    with db.transaction(shop.id) as session:
        checks.begin(session, shop, "all", "schedule", ["products"])
    [scheduled] = passes.run(shop.id, ["products"], seconds=60)
    assert findings(installed, scheduled) == []
    [asked] = passes.run(shop.id, ["products"], seconds=60)
    assert findings(installed, asked) == [(str(product["id"]), "missing", "healed")]


def test_a_checkout_that_was_never_told_is_fetched_and_a_guest_s_address_is_not_lost(installed: Store) -> None:
    lines, guest = [{"variant_id": a_variant(installed), "quantity": 1}], {"email": "guest@example.com"}
    known = installed.post("/_control/checkouts", guest | {"lines": lines})["token"]
    installed.settle()
    unheard(installed, "/_control/checkouts", {"token": known, "lines": [lines[0] | {"quantity": 4}]})
    fresh = unheard(installed, "/_control/checkouts", {"email": "another@example.com", "lines": lines})["token"]
    installed.advance(minutes=15)  # a checkout is abandoned after ten minutes of rest
    found = findings(installed, reconcile(installed, "checkouts")["checkouts"])
    assert found == [(fresh, "missing", "healed")]
    [guests] = installed.rows("SELECT email FROM checkouts WHERE token = :token", token=known)
    assert guests["email"] == "guest@example.com"
    unheard(installed, f"/_control/checkouts/{known}/complete")
    assert (known, "older", "healed") in findings(installed, reconcile(installed, "checkouts")["checkouts"])
    [bought] = installed.rows("SELECT completed_at FROM checkouts WHERE token = :token", token=known)
    assert bought["completed_at"] is not None


def test_after_lost_repeated_and_shuffled_news_one_comparison_makes_the_mirror_whole(installed: Store) -> None:
    installed.post("/_control/faults", {"drop": 0.05, "duplicate": 0.2, "shuffle": True})
    trade(installed, random.Random(3), 60)
    installed.post("/_control/faults", OFF)
    healed = reconcile(installed)
    again = reconcile(installed)
    assert sum(check.healed for check in healed.values()) > 0
    assert {kind: check.differed for kind, check in again.items()} == dict.fromkeys(checks.KINDS, 0)
    assert installed.rows("SELECT * FROM inbox WHERE state <> 'done'") == []
    tables = ("customers", "products", "orders", "order_lines", "refunds", "fulfillments")
    mirror = whole(installed, tables)
    latest = {
        kind: [row["id"] for row in mirror[kind] if row["deleted_at"] is None][-15:]
        for kind in ("customers", "products", "orders")
    }
    read_again(installed, latest)
    assert different(mirror, whole(installed, tables)) == []


def test_the_command_compares_now_and_prints_a_line_a_kind(
    installed: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    product = unheard(installed, "/_control/products", {"title": "Lot for the command", "price": "9.00"})
    installed.advance(minutes=2)
    assert cli.run(["shop", "reconcile", installed.shop]) == 0
    lines = dict(line.split(": ", 1) for line in capsys.readouterr().out.splitlines() if ": " in line)
    assert lines["products"].endswith("differed (1 missing), 1 healed") and lines["products"].startswith("1 of ")
    assert lines["orders"].startswith("0 of ")
    assert lines["webhooks"] == f"0 of {len(subscribed.declared())} differed"
    assert installed.rows("SELECT known FROM products WHERE id = :id", id=product["id"]) == [{"known": True}]


def test_the_command_knows_only_shops_that_have_the_plugin(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["shop", "reconcile", "nobody.myshopify.com", "--object", "orders"]) == 1
    assert "nobody.myshopify.com" in capsys.readouterr().err

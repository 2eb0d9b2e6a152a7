"""Tasks: what failed stands there with its reason, and can be tried again by one click, one by one or all."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import Engine, insert, text

from plugin.effects.models import BreakerRow, Effect, SharedBreakerRow
from plugin.shops.models import Shop
from tests.admin_ui.conftest import Person

ROWS = (
    ("discount_code", "1", {"code": "REG-AAAA"}, "failed", "The store refused: the code is taken."),
    ("fetch", "orders:7", {"object": "orders", "id": 7}, "failed", "The store answered with status 500."),
    ("email_consent", "9:1", {"customer_id": 9}, "unknown", "A call was cut off."),
    ("fetch", "orders:8", {"object": "orders", "id": 8}, "pending", None),
    ("theme_data", "theme", {}, "done", None),
)


@pytest.fixture
def outbox(database: Engine, shop: Shop, other_shop: Shop) -> None:
    with database.begin() as connection:
        for tenant, mark in ((shop, ""), (other_shop, "stranger ")):
            for kind, key, payload, state, error in ROWS:
                values = {"kind": kind, "key": mark + key, "payload": payload, "state": state, "attempts": 3}
                values["error"] = error and mark + error
                connection.execute(insert(Effect).values(shop_id=tenant.id, **values))


def states(database: Engine, shop: Shop) -> dict[str, str]:
    with database.connect() as connection:
        rows = connection.execute(text("SELECT key, state FROM outbox WHERE shop_id = :id"), {"id": shop.id})
        return dict(iter(rows))


def test_what_failed_and_what_nobody_knows_stands_there_with_its_reason(person: Person, outbox: None) -> None:
    page = person.open("/sync/tasks")
    assert "Create a reward&#39;s code" in page and "REG-AAAA" in page and "the code is taken" in page
    assert "Order 7" in page and "Order 8" not in page and "stranger" not in page
    assert page.count("Look again") == page.count("It did not happen") == 1
    assert "See the tasks" in person.open("/sync") and "3 tasks could not be done" in person.open("/sync")


def test_each_state_has_its_list(person: Person, outbox: None) -> None:
    waiting, done = person.open("/sync/tasks/waiting"), person.open("/sync/tasks/done")
    assert "Order 8" in waiting and "in a moment" in waiting and "Order 7" not in waiting
    assert "Give the theme the programme" in done and "Order" not in done.partition("<tbody>")[2]


@pytest.mark.parametrize("query", ["kind=fetch", "q=read+from", "q=orders:7"])
def test_the_list_is_narrowed_by_kind_words_and_key(person: Person, outbox: None, query: str) -> None:
    page = person.open(f"/sync/tasks?{query}").partition("<tbody>")[2]
    assert "Order 7" in page and "REG-AAAA" not in page


def test_what_finds_nothing_says_so(person: Person, outbox: None) -> None:
    assert "Nothing found" in person.open("/sync/tasks?q=nonsense")


def effect_id(page: str, after: str) -> str:
    found = re.search(r"/sync/tasks/(\d+)/retry", page.partition(after)[2])
    assert found
    return found[1]


def test_one_is_tried_again(person: Person, outbox: None, database: Engine, shop: Shop, other_shop: Shop) -> None:
    id = effect_id(person.open("/sync/tasks"), "REG-AAAA")
    person.save(f"/sync/tasks/{id}/retry")
    assert states(database, shop)["1"] == "pending" and states(database, shop)["orders:7"] == "failed"
    assert states(database, other_shop)["stranger 1"] == "failed"
    assert person.send(f"/sync/tasks/{id}/retry").status_code == 404


def test_what_was_given_back_is_over(person: Person, outbox: None, database: Engine, shop: Shop) -> None:
    with database.begin() as connection:
        connection.execute(text("UPDATE outbox SET reason = 'given_back' WHERE kind = 'discount_code'"))
        query = text("SELECT id FROM outbox WHERE shop_id = :id AND kind = 'discount_code'")
        id = connection.execute(query, {"id": shop.id}).scalar_one()
    page = person.open("/sync/tasks")
    assert "the points went back" in page and f"/sync/tasks/{id}/retry" not in page
    assert person.send(f"/sync/tasks/{id}/retry").status_code == 404
    person.save("/sync/tasks/retry")
    assert states(database, shop)["1"] == "failed" and states(database, shop)["orders:7"] == "pending"


@pytest.mark.parametrize(("word", "forgotten"), [({}, False), ({"did_not_happen": "y"}, True)])
def test_an_unknown_one_is_looked_up_unless_the_admin_says_that_it_did_not_happen(
    person: Person, outbox: None, database: Engine, shop: Shop, word: dict[str, str], forgotten: bool
) -> None:
    with database.begin() as connection:
        connection.execute(text("UPDATE outbox SET called_at = clock_timestamp() WHERE state = 'unknown'"))
    id = effect_id(person.open("/sync/tasks"), "Customer 9")
    person.save(f"/sync/tasks/{id}/retry", **word)
    with database.connect() as connection:
        query = "SELECT state, called_at IS NULL FROM outbox WHERE id = :id"
        assert connection.execute(text(query), {"id": id}).one() == ("pending", forgotten)


@pytest.mark.parametrize(("kind", "opened"), [("fetch", {"orders:7"}), ("", {"orders:7", "1"})])
def test_all_that_failed_are_tried_again_and_no_unknown_and_no_stranger_s(
    person: Person, outbox: None, database: Engine, shop: Shop, other_shop: Shop, kind: str, opened: set[str]
) -> None:
    theirs = states(database, other_shop)
    person.save("/sync/tasks/retry", kind=kind)
    now = states(database, shop)
    assert {key for key in ("1", "orders:7", "9:1") if now[key] == "pending"} == opened
    assert states(database, other_shop) == theirs
    with database.connect() as connection:
        assert connection.execute(text("SELECT action FROM audit_log")).scalars().all() == ["task.retry"]


def test_all_again_means_what_the_list_shows(person: Person, outbox: None, database: Engine) -> None:
    assert "of every kind?" in person.open("/sync/tasks") and "Try all again" not in person.open("/sync/tasks?q=read")
    with database.begin() as connection:
        connection.execute(text("UPDATE outbox SET state = 'failed' WHERE kind = 'fetch'"))
    narrowed = person.open("/sync/tasks?kind=fetch")
    assert "2 tasks failed" in narrowed and "“Read from the store”?" in narrowed
    assert '<input type="hidden" name="kind" value="fetch">' in narrowed


def test_pages_go_by_key_both_ways(person: Person, database: Engine, shop: Shop, other_shop: Shop) -> None:
    with database.begin() as connection:
        rows = "INSERT INTO outbox (shop_id, kind, key, state) SELECT :shop, 'fetch', 'n' || n, 'failed'"
        connection.execute(text(rows + " FROM generate_series(1, 120) n"), {"shop": shop.id})
    seen: list[str] = []
    path: str | None = "/sync/tasks"
    while path:
        page = person.open(path)
        seen += re.findall(r">n(\d+)<", page)
        older = re.search(r'aria-label="Next page" href="([^"]+)"', page)
        path = older[1].replace("&amp;", "&") if older else None
    assert seen == [str(n) for n in range(120, 0, -1)]
    newer = re.search(r'aria-label="Previous page" href="([^"]+)"', page)
    assert newer and re.findall(r">n(\d+)<", person.open(newer[1].replace("&amp;", "&")))[0] == "70"


def test_a_store_or_mail_server_that_is_left_alone_is_told(person: Person, database: Engine, shop: Shop) -> None:
    soon = text("clock_timestamp() + interval '90 s'")
    with database.begin() as connection:
        connection.execute(insert(BreakerRow).values(shop_id=shop.id, destination="admin_api", open_until=soon))
        connection.execute(insert(SharedBreakerRow).values(destination="mail_server", open_until=soon))
    page = person.open("/sync/tasks")
    assert "Your store does not answer just now" in page and "The mail server does not answer just now" in page


def test_another_shops_silent_store_is_none_of_ours(
    person: Person, database: Engine, shop: Shop, other_shop: Shop
) -> None:
    soon = text("clock_timestamp() + interval '90 s'")
    with database.begin() as connection:
        connection.execute(insert(BreakerRow).values(shop_id=other_shop.id, destination="admin_api", open_until=soon))
    page = person.open("/sync/tasks")
    assert "does not answer" not in page and "Nothing needs you" in page

"""The comparison with the store in the panel: its scores, what was healed, and comparing now."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import Engine, insert, text
from sqlalchemy.orm import Session

from plugin.shops.models import Shop
from plugin.sync.checks import KINDS
from plugin.sync.drain import drain
from plugin.sync.models import DriftCheck, DriftFinding
from tests import payloads
from tests.admin_ui.conftest import Person
from tests.admin_ui.shopfloor import order
from tests.admin_ui.tokens import bearer
from tests.plugin.sync.deliveries import deliver
from tests.plugin.sync.test_merging import KEPT, OLD, launch


def checked(owner: Engine, shop: Shop, kind: str = "orders", reach: str = "all", **columns: Any) -> int:
    """A check that was over 14 minutes ago."""
    over = {"state": "done", "finished_at": text("clock_timestamp() - interval '14 minutes'")}
    with Session(owner) as session, session.begin():
        values = {"shop_id": shop.id, "object": kind, "reach": reach} | over | columns
        return session.execute(insert(DriftCheck).values(values).returning(DriftCheck.id)).scalar_one()


def find(owner: Engine, shop: Shop, check_id: int, key: str, reason: str, **columns: Any) -> None:
    with Session(owner) as session, session.begin():
        values = {"shop_id": shop.id, "check_id": check_id, "key": key, "reason": reason, "outcome": "healed"}
        session.execute(insert(DriftFinding).values(values | columns))


def test_a_shop_without_a_comparison_says_so(person: Person) -> None:
    assert "Orders: not compared yet" in person.open("/sync")
    assert "begins an hour after the import" in person.open("/sync/drift")


def test_the_score_counts_what_differs_and_says_when(
    person: Person, database: Engine, shop: Shop, other_shop: Shop
) -> None:
    checked(database, shop, total=12431, compared=12431)
    checked(database, other_shop, total=999, compared=999, differed=7)
    page = person.open("/sync")
    assert "0 of 12,431 orders differ" in page and "14 minutes ago" in page
    assert "999" not in page


def test_what_was_healed_is_named_with_what_had_been_different(
    person: Person, database: Engine, shop: Shop, other_shop: Shop
) -> None:
    with Session(database) as session, session.begin():
        order(session, shop, 71, None, 1000)
        order(session, other_shop, 71, None, 1000).name = "#STRANGE"
    check = checked(database, shop, total=50, compared=50, differed=2, healed=2)
    find(database, shop, check, "71", "older", groups=["amounts", "refunds"], store_id=71)
    find(database, shop, check, "72", "missing", store_id=72)
    find(database, other_shop, checked(database, other_shop), "73", "gone", store_id=73)
    page = person.open("/sync/drift")
    assert "0 of 50 orders differ" in page and "2 healed" in page
    assert "#71" in page and "Was older here" in page and "amounts, refunds" in page
    assert "Was missing here" in page
    assert "#STRANGE" not in page and "Deleted in the store" not in page


def test_a_difference_that_could_not_be_healed_counts_until_everything_was_compared_again(
    person: Person, database: Engine, shop: Shop
) -> None:
    find(database, shop, checked(database, shop, total=5, differed=1), "71", "older", outcome="failed")
    checked(database, shop, total=5, reach="recent")
    assert "1 of 5 orders differ" in person.open("/sync")
    checked(database, shop, total=5)
    assert "0 of 5 orders differ" in person.open("/sync")


def test_check_now_opens_a_comparison_of_every_kind_once(person: Person, database: Engine, shop: Shop) -> None:
    page = person.save("/sync/drift/check")
    assert "/sync/drift/scores" in page and 'action="/sync/drift/check"' not in page
    person.save("/sync/drift/check")
    with database.connect() as connection:
        opened = list(connection.execute(text("SELECT object, reach, asked_by FROM drift_checks ORDER BY object")))
    assert sorted(opened) == sorted((kind, "all", "admin") for kind in (*KINDS, "webhooks"))


def test_a_running_comparison_shows_how_far_it_is(person: Person, database: Engine, shop: Shop) -> None:
    checked(database, shop, state="reading", finished_at=None, total=200, compared=50)
    page = person.open("/sync/drift/scores")
    assert 'value="0.2500"' in page and "50 of 200 compared" in page and "every 2s" in page


@pytest.mark.parametrize(
    ("read", "said"), [(None, "the store prepares the data"), (800, "the store has read 800 of 9,000")]
)
def test_while_the_store_writes_its_list_that_is_said(
    person: Person, database: Engine, shop: Shop, read: int | None, said: str
) -> None:
    checked(database, shop, state="reading", finished_at=None, total=9000, compared=0, way="bulk", listed=read)
    page = person.open("/sync/drift")
    assert said in page and 'value="0.0000"' not in page


def test_at_its_end_the_page_with_all_findings_is_drawn_again(person: Person, database: Engine, shop: Shop) -> None:
    checked(database, shop)
    over = person.client.get("/sync/drift/scores?page=whole", headers=bearer())
    assert json.loads(over.headers["HX-Location"])["path"] == "/sync/drift" and "HX-Trigger" in over.headers
    alone = person.client.get("/sync/drift/scores", headers=bearer())
    assert "HX-Location" not in alone.headers and "orders differ" in alone.text


def test_subscriptions_that_are_not_as_declared_are_listed_with_the_way_out(
    person: Person, database: Engine, shop: Shop
) -> None:
    check = checked(database, shop, "webhooks", "recent", total=30, compared=30, differed=1)
    find(database, shop, check, "orders/paid", "missing", outcome="failed")
    page = person.open("/sync/drift")
    assert "orders/paid" in page and "Not registered" in page and "Deploy the app again" in page
    checked(database, shop, "webhooks", "recent", total=30, compared=30)
    assert "All 30 subscriptions are as declared" in person.open("/sync/drift")


def test_what_looks_like_a_merge_is_one_when_somebody_says_so(person: Person, database: Engine, shop: Shop) -> None:
    launch(shop)
    deliver(database, shop, "orders/create", payloads.order())
    deliver(database, shop, "customers/create", payloads.customer(KEPT))
    drain(shop.id)
    assert "Perhaps merged" not in person.open("/sync/drift")
    deliver(database, shop, "orders/updated", payloads.order(customer_id=KEPT, updated_at=payloads.at(11)))
    deliver(database, shop, "customers/delete", {"id": OLD}, at=payloads.at(11))
    drain(shop.id)
    assert "They were merged" in person.open("/sync/drift")
    person.save("/sync/drift/merge", from_id=OLD, into_id=KEPT)
    drain(shop.id)
    assert "Perhaps merged" not in person.open("/sync/drift")
    assert person.send("/sync/drift/merge", from_id=OLD, into_id=KEPT).status_code == 409

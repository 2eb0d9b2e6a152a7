"""A merge nobody told of: seen, never done by itself, and done like a told one when somebody says so."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, text

from plugin.db import engine as db
from plugin.errors import Refused
from plugin.shops.models import Shop
from plugin.sync import unheard_merges
from plugin.sync.drain import drain
from tests import payloads
from tests.plugin.sync.deliveries import deliver, one, rows
from tests.plugin.sync.test_merging import KEPT, OLD, THIRD, launch


@pytest.fixture
def lost(database: Engine, shop: Shop, other_shop: Shop) -> None:
    """A customer earned with an order; then the order names another and the customer is gone."""
    for each in (shop, other_shop):
        launch(each)
        deliver(database, each, "orders/create", payloads.order(note=each.domain))
        deliver(database, each, "customers/create", payloads.customer(KEPT, note=each.domain))
        drain(each.id)
    moved = payloads.order(customer_id=KEPT, updated_at=payloads.at(11), note="moved")
    deliver(database, shop, "orders/updated", moved, at=payloads.at(11))
    deliver(database, shop, "customers/delete", {"id": OLD}, at=payloads.at(11))
    drain(shop.id)


def likely(shop: Shop) -> list[tuple[int, int, int]]:
    with db.transaction(shop.id) as session:
        return [(one.from_id, one.into_id, one.orders) for one in unheard_merges.likely(session, shop)]


def believe(shop: Shop, into: int = KEPT) -> None:
    with db.transaction(shop.id) as session:
        unheard_merges.believe(session, shop, OLD, into, "staff:1")
    drain(shop.id)


def test_what_looks_like_a_merge_is_found_and_left_alone(
    lost: None, database: Engine, shop: Shop, other_shop: Shop
) -> None:
    assert (likely(shop), likely(other_shop)) == ([(OLD, KEPT, 1)], [])
    assert rows(database, "customer_merges") == []


def test_on_somebody_s_word_it_is_a_merge_like_any_other(
    lost: None, database: Engine, shop: Shop, other_shop: Shop
) -> None:
    believe(shop)
    merge = one(database, "customer_merges", shop)
    assert (merge["from_id"], merge["kept_id"]) == (OLD, KEPT)
    left = {row["customer_id"]: row["available"] + row["pending"] for row in rows(database, "point_accounts", shop)}
    assert left[OLD] == 0 and left[KEPT] > 0
    said = [row for row in rows(database, "audit_log", shop) if row["action"] == "customers.merge_believed"]
    assert [row["actor"] for row in said] == ["staff:1"]
    assert likely(shop) == [] and rows(database, "customer_merges", other_shop) == []


def test_what_does_not_look_like_one_is_not_done(lost: None, database: Engine, shop: Shop) -> None:
    with pytest.raises(Refused):
        believe(shop, THIRD)
    with database.begin() as connection:
        connection.execute(text("UPDATE customers SET deleted_at = now() WHERE id = :id"), {"id": KEPT})
    assert likely(shop) == []
    with pytest.raises(Refused):
        believe(shop)


def test_somebody_erased_is_not_brought_back(lost: None, database: Engine, shop: Shop) -> None:
    with database.begin() as connection:
        values = {"shop": shop.id, "key": f"customer:{OLD}"}
        connection.execute(text("INSERT INTO erasures (shop_id, key, erased_at) VALUES (:shop, :key, now())"), values)
    assert likely(shop) == []

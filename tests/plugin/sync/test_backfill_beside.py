"""Imports beside webhooks about the same objects; and imports of any length in the same memory."""

from __future__ import annotations

import random
import threading
import tracemalloc
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from plugin.sandbox import customers, fulfillments, refunds
from plugin.sandbox.world import World
from plugin.shops.models import Shop
from plugin.sync import backfill, drain
from tests.bench import bodies
from tests.plugin.sync.bulk_store import BulkStore, begin, bulk_store, finish, imported, step  # noqa: F401
from tests.plugin.sync.deliveries import deliver, rows

FEW, MANY = 3_000, 30_000


@pytest.fixture
def store(bulk_store: BulkStore, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> BulkStore:  # noqa: F811
    bulk_store.begin_test(shop)
    monkeypatch.setattr(backfill.chunks, "__defaults__", (2, None))
    return bulk_store


def test_webhooks_about_the_same_objects_do_no_harm_meanwhile(
    store: BulkStore, database: Engine, shop: Shop, other_shop: Shop
) -> None:
    begin(shop)
    step(database, shop, seconds=0)
    known = {one.id for one in store.sandbox.world.deliveries}
    change(store.sandbox.world)
    news = [one for one in store.sandbox.world.deliveries if one.id not in known]
    assert len(news) > 20
    told = threading.Thread(target=lambda: tell(database, shop, news))
    told.start()
    runs = finish(database, shop)
    told.join(30)
    while drain.drain(shop.id):
        pass
    assert {run["state"] for run in runs.values()} == {"done"}
    assert {row["state"] for row in rows(database, "inbox", shop)} <= {"done", "ignored"}
    there = imported(database, shop)
    store.admit(other_shop)
    begin(other_shop)
    finish(database, other_shop)
    assert there == imported(database, other_shop)


def change(world: World) -> None:
    """After the store has read everything: people go on buying, giving back and moving house."""
    world.advance(3600)
    for number, order in enumerate(list(world.orders)):
        if number % 3 == 1:
            refunds.refund(world, order.id, {order.lines[0].id: 1})
        if number % 4 == 2 and number % 5:  # the others were sent before
            fulfillments.fulfil(world, order.id)
    for customer in list(world.customers)[:6]:
        customers.save_customer(world, customer.id, first_name="Grace")


def tell(database: Engine, shop: Shop, news: list[object]) -> None:
    """Deliver them in any order, some twice, while the import goes on."""
    chance = random.Random(7)
    given = news + chance.sample(news, len(news) // 3)
    chance.shuffle(given)
    for number, one in enumerate(given):
        deliver(database, shop, one.topic, one.body.encode(), one.triggered_at.isoformat(), f"{one.id}-{number}")  # type: ignore[attr-defined]
        if number % 5 == 0:
            drain.drain(shop.id, 0.5)


def test_ten_times_the_lines_take_the_same_memory() -> None:
    assert peak(MANY) < peak(FEW) * 1.2


def peak(lines: int) -> int:
    """The most bytes in hand while so many lines are read in chunks."""
    tracemalloc.start()
    seen = sum(chunk.lines for chunk in backfill.chunks("customers", many(lines)))
    assert seen == lines
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most


def many(lines: int) -> Iterator[tuple[int, bytes]]:
    template = next(iter(bodies.customer_lines(1)))
    for end in range(1, lines + 1):
        yield end, template.replace(b'/1"', b'/%d"' % end, 1)

"""Every real body comes in: applied, ignored, or parked with a reason; and again in any order it changes nothing."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from sqlalchemy import Engine, text

from plugin.shops.models import Shop
from plugin.sync import drain as draining
from plugin.sync.drain import drain
from tests.plugin.sync.deliveries import mirror, rows
from tests.webhooks.posting import post
from tests.webhooks.shared_data import Sample, samples
from webhooks.receiver import Webhooks
from webhooks.topics import TOPICS


@pytest.fixture(scope="module")
def bodies() -> list[Sample]:
    return samples()


def post_all(receiver: Webhooks, bodies: list[Sample], order: list[int], round: str = "") -> None:
    for number in order:
        sample = bodies[number]
        day, minute = divmod(number, 1440)
        at = f"2026-10-{day + 1:02}T{minute // 60:02}:{minute % 60:02}:00Z"
        assert post(receiver, sample.body, sample.topic, id=f"{round}{number}", at=at) == 200, sample.name


def tables(owner: Engine, shop: Shop) -> dict[str, list[str]]:
    with owner.connect() as connection:
        columns = "name, email, currency, timezone, storefront_url, plan, scopes, uninstalled_at, version"
        described = connection.execute(text(f"SELECT {columns} FROM shops WHERE id = :id"), {"id": shop.id}).all()
    requests = [row["key"] for row in rows(owner, "privacy_requests", shop, "key")]
    return mirror(owner, shop) | {"shop": [repr(described)], "privacy_requests": requests}


def test_every_body_is_applied_or_parked_with_a_reason(
    receiver: Webhooks, database: Engine, shop: Shop, other_shop: Shop, bodies: list[Sample]
) -> None:
    post_all(receiver, bodies, list(range(len(bodies))))
    drain(shop.id)
    kept = {int(row["webhook_id"]): row for row in rows(database, "inbox", shop)}
    assert len(kept) == len(bodies)
    for number, sample in enumerate(bodies):
        row = kept[number]
        if sample.topic not in TOPICS:
            assert row["state"] == "ignored", sample.name
        else:
            assert row["state"] in ("done", "failed", "quarantined"), (sample.name, row["state"])
            assert bool(row["error"]) == (row["state"] != "done"), sample.name
    states = Counter(row["state"] for row in kept.values())
    assert states["done"] > 100 and states["new"] == 0
    documented = [
        n for n, s in enumerate(bodies) if "/docs-202" in s.name and "orders__" in s.name and s.topic in TOPICS
    ]
    assert {kept[number]["state"] for number in documented} == {"done"}
    assert all(found == [] for found in mirror(database, other_shop).values())


@pytest.mark.parametrize("seed", [1, 2])
def test_all_of_them_twice_in_another_order_give_the_same_tables(
    receiver: Webhooks, database: Engine, shop: Shop, bodies: list[Sample], monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    post_all(receiver, bodies, list(range(len(bodies))))
    drain(shop.id)
    once = tables(database, shop)
    with database.begin() as connection:
        for table in (*mirror(database, shop), "privacy_requests", "inbox", "outbox"):
            connection.execute(text(f"TRUNCATE {table} CASCADE"))
        connection.execute(
            text("UPDATE shops SET uninstalled_at = NULL, scopes_at = NULL, version = '' WHERE id = :id"),
            {"id": shop.id},
        )
    order = [*range(len(bodies)), *range(len(bodies))]
    random.Random(seed).shuffle(order)
    monkeypatch.setattr(draining.inbox.waiting, "__defaults__", (2**62, 23))
    for start in range(0, len(order), 100):
        for offset, number in enumerate(order[start : start + 100]):
            post_all(receiver, bodies, [number], round=f"{seed}-{start + offset}-")
        drain(shop.id)
    again = tables(database, shop)
    for table, found in once.items():
        assert again[table] == found, table

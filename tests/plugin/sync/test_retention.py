"""How long webhooks are kept: what was read goes soon, its key later, what was parked last, what waits never."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Engine, text

from plugin.config import config
from plugin.db import engine as db
from plugin.effects import operations as effects
from plugin.effects import retention as effects_retention
from plugin.shops.models import Shop
from plugin.sync import retention
from plugin.sync.retention import retain
from plugin.sync.tasks import retain as task
from tests.plugin.sync.deliveries import deliver, rows, states

AGES = {"new": (400,), "done": (3, 8, 31), "ignored": (3, 8, 31), "failed": (8, 31, 91), "quarantined": (31, 91)}


def aged(database: Engine, shop: Shop, state: str, days: float) -> str:
    """A webhook of this state that came so many days ago; its id."""
    name = deliver(database, shop, "orders/create", b'{"id": 1}', id=f"{state}-{days}")
    with database.begin() as connection:
        connection.execute(
            text("UPDATE inbox SET state = :state, received_at = received_at - :age WHERE webhook_id = :id"),
            {"state": state, "age": timedelta(days=days), "id": name},
        )
    return name


@pytest.fixture
def old(database: Engine, shop: Shop, other_shop: Shop) -> None:
    for tenant in (shop, other_shop):
        for state, ages in AGES.items():
            for days in ages:
                aged(database, tenant, state, days)


def test_bodies_go_after_a_week_keys_after_a_month_parked_rows_after_a_quarter(
    database: Engine, shop: Shop, other_shop: Shop, old: None
) -> None:
    kept = retain()
    for tenant in (shop, other_shop):
        assert {row["webhook_id"]: bool(row["body"]) for row in rows(database, "inbox", tenant)} == {
            "new-400": True,
            "done-3": True,
            "done-8": False,
            "ignored-3": True,
            "ignored-8": False,
            "failed-8": True,
            "failed-31": True,
            "quarantined-31": True,
        }
    assert (kept.emptied, kept.deleted, kept.finished) == (4, 8, True)
    again = retain()
    assert (again.emptied, again.deleted) == (0, 0)


def test_a_repetition_within_the_month_is_still_known(database: Engine, shop: Shop) -> None:
    name = aged(database, shop, "done", 29)
    retain()
    with db.transaction(shop.id) as session:
        insert = "INSERT INTO inbox (shop_id, webhook_id, topic, body) VALUES (:s, :id, 'orders/create', '{}')"
        session.execute(text(f"{insert} ON CONFLICT DO NOTHING"), {"s": shop.id, "id": name})
    assert states(database, shop) == {name: "done"}


def test_it_goes_in_small_steps_and_goes_on_where_it_was(
    database: Engine, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    for days in range(40, 52):
        aged(database, shop, "done", days)
    monkeypatch.setattr(retention, "BATCH_ROWS", 5)
    first = retain(seconds=-1)
    assert (first.deleted, first.finished) == (5, False)
    rest = retain()
    assert (rest.deleted, rest.finished) == (7, True)


def test_operators_may_keep_bodies_shorter_or_longer(
    database: Engine, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    for setting, emptied in (("1", True), ("9", False), ("soon", False)):
        monkeypatch.setenv("KEEP_BODIES_DAYS", setting)
        config.cache_clear()
        name = aged(database, shop, "done", 5 + len(setting) / 10)
        retain()
        bodies = {row["webhook_id"]: row["body"] for row in rows(database, "inbox", shop)}
        assert (not bodies[name]) is emptied, setting
        with database.begin() as connection:
            connection.execute(text("DELETE FROM inbox"))
    monkeypatch.undo()
    config.cache_clear()


def test_strays_and_digests_go_too(database: Engine, shop: Shop) -> None:
    with database.begin() as connection:
        for days in (29, 31):
            connection.execute(
                text(
                    "INSERT INTO inbox_strays (domain, webhook_id, topic, received_at, body)"
                    " VALUES ('x.myshopify.com', :id, 't', clock_timestamp() - :age, '')"
                ),
                {"id": str(days), "age": timedelta(days=days)},
            )
        for days in (89, 91):
            connection.execute(
                text("INSERT INTO body_digests (digest, shop_id, seen_at) VALUES (:d, 1, clock_timestamp() - :age)"),
                {"d": bytes([days]) * 16, "age": timedelta(days=days)},
            )
    assert retain().deleted == 2
    assert [row["webhook_id"] for row in rows(database, "inbox_strays", order="id")] == ["29"]
    assert [row["digest"][0] for row in rows(database, "body_digests", order="seen_at")] == [89]


def test_effects_that_happened_go_after_a_month_and_the_others_stay(
    database: Engine, shop: Shop, other_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(effects_retention, "BATCH_ROWS", 2)
    for tenant in (shop, other_shop):
        with db.transaction(tenant.id) as session:
            for state, days in (
                ("done", 31),
                ("failed", 99),
                ("done", 29),
                ("unknown", 99),
                ("pending", 99),
                ("done", 40),
            ):
                id = effects.record(session, tenant.id, "telepathy", f"{state}-{days}", {})
                session.execute(
                    text("UPDATE outbox SET state = :s, done_at = now() - :a, created_at = now() - :a WHERE id = :id"),
                    {"s": state, "a": timedelta(days=days), "id": id},
                )
    retain()
    for tenant in (shop, other_shop):
        left = [row["key"] for row in rows(database, "outbox", tenant)]
        assert left == ["failed-99", "done-29", "unknown-99", "pending-99"]


def test_it_runs_once_a_day_however_often_it_is_rung(
    database: Engine, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs: list[float] = []
    monkeypatch.setattr("plugin.sync.tasks.retention.retain", lambda: runs.append(1) or retention.Kept(finished=True))
    for _ in range(3):
        task()
    assert len(runs) == 1


def test_a_run_that_was_too_short_is_taken_up_at_the_next_bell(
    database: Engine, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs: list[float] = []
    monkeypatch.setattr("plugin.sync.tasks.retention.retain", lambda: runs.append(1) or retention.Kept())
    for _ in range(3):
        task()
    assert len(runs) == 3

"""Whose turn it is: shops take turns, who waits comes first, and a store that is left alone holds up nobody."""

from __future__ import annotations

from time import monotonic
from typing import Any

import pytest
from sqlalchemy import Engine

from plugin import pace
from plugin.db import engine as db
from plugin.effects import operations, performing, rounds
from plugin.errors import Throttled
from plugin.shops.models import Shop
from tests.conftest import make_shop
from tests.plugin.effects.conftest import Outside, lapse, record, row


def record_many(shop: Shop, prefix: str, count: int, **how: bool) -> dict[str, int]:
    with db.transaction(shop.id) as session:
        payloads = {f"{prefix}{number}": {"code": f"{prefix}{number}"} for number in range(count)}
        return operations.record_all(session, shop.id, "code", payloads, **how)


def order(outside: Outside) -> list[str]:
    return [payload["code"] for _, payload in outside.calls]


def test_each_shop_gets_its_turn_however_much_another_one_asks_for(
    shop: Shop, other_shop: Shop, outside: Outside
) -> None:
    record_many(shop, "much", 40)
    record_many(other_shop, "little", 3)
    rounds.perform_due()
    assert max(order(outside).index(f"little{number}") for number in range(3)) <= 5


def test_what_somebody_waits_for_goes_first_then_the_usual_then_the_patient(
    shop: Shop, other_shop: Shop, outside: Outside
) -> None:
    record_many(shop, "patient", 2, patient=True)
    record_many(shop, "usual", 2)
    record_many(other_shop, "waited for", 2, urgent=True)
    rounds.perform_due()
    called = order(outside)
    assert called[0].startswith("waited for") and called.index("waited for1") <= 2
    assert {code[:-1] for code in called[-2:]} == {"patient"}


def test_within_a_shop_what_somebody_waits_for_overtakes(shop: Shop, outside: Outside) -> None:
    record_many(shop, "usual", 30)
    record_many(shop, "waited for", 1, urgent=True)
    rounds.perform_due()
    assert order(outside)[0] == "waited for0"


def test_a_round_goes_on_after_the_shop_that_was_served_last(
    shop: Shop, other_shop: Shop, outside: Outside, database: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    third = make_shop(database, "vec-shop-3.myshopify.com", store_id=548380011)
    for each in (shop, other_shop, third):
        record_many(each, f"{each.id}:", 2)
    monkeypatch.setattr(rounds, "_last_served", shop.id)
    rounds.perform_due()
    assert [shop_id for shop_id, _ in outside.calls][:3] == [other_shop.id, third.id, shop.id]


def test_a_shop_at_its_limit_is_left_alone_and_the_others_wait_for_nothing(
    shop: Shop, other_shop: Shop, outside: Outside, database: Engine
) -> None:
    mine, theirs = record_many(shop, "mine", 20), record_many(other_shop, "theirs", 20)
    healthy = outside.call

    def limited(of: Shop, payload: dict[str, Any]) -> dict[str, Any]:
        if of.id == shop.id:
            outside.calls.append((of.id, payload))
            raise Throttled("Slow down.", 30)
        return healthy(of, payload)

    performing.use({"code": performing.Performer(limited, outside.done, outside.look_up)}, performing._shop_of[0])
    started = monotonic()
    rounds.perform_due(30)
    assert monotonic() - started < 25
    assert {row(database, effect).state for effect in theirs.values()} == {"done"}
    assert {(row(database, effect).state, row(database, effect).attempts) for effect in mine.values()} == {
        ("pending", 0)
    }
    assert len([shop_id for shop_id, _ in outside.calls if shop_id == shop.id]) == 1
    lapse(database, next(iter(mine.values())))
    rounds.perform_due(1)
    assert len([shop_id for shop_id, _ in outside.calls if shop_id == shop.id]) == 2


def test_a_worker_leaves_points_to_those_who_wait_and_whoever_waits_takes_them(shop: Shop, outside: Outside) -> None:
    paces: list[pace.Pace] = []

    def call(shop: Shop, payload: dict[str, Any]) -> dict[str, Any]:
        paces.append(pace.present())
        return {}

    performing.use({"code": performing.Performer(call, lambda *_: None)}, performing._shop_of[0])
    record(shop, key="by a worker")
    rounds.perform_due()
    performing.perform_now(shop.id, record(shop, key="at the screen"))
    assert [(each.patience, each.reserve) for each in paces] == [(1.0, 0.5), (2.5, 0.0)]
    assert pace.present() == pace.USUAL

"""The world on disk, its clock and its ids."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from plugin.sandbox import customers, refunds
from plugin.sandbox.errors import NotFound
from plugin.sandbox.runtime import build
from plugin.sandbox.world import World
from tests.plugin.sandbox.conftest import buy, customer, fill, install, make_settings, make_store


def test_a_restart_finds_everything_as_it_was(tmp_path: Path) -> None:
    settings = make_settings(tmp_path)
    before = make_store(settings)
    fill(before.world)
    install(before)
    order = buy(before.world, 2)
    refunds.refund(before.world, order.id, {order.lines[0].id: 1})
    before.world.advance(3600)
    before.world.close()
    after = build(settings, before.declaration).world
    assert [list(table) for table in after.tables] == [list(table) for table in before.world.tables]
    assert after.offset_seconds == 3600
    assert buy(after, 1).number == order.number + 1
    after.close()


def test_records_can_be_found_by_what_they_hold_now(world: World) -> None:
    person = customer(world)
    customers.save_customer(world, person.id, email="other@example.com")
    assert customers.find_by_email(world, "ada0@example.com") is None
    assert customers.find_by_email(world, "Other@Example.com") is person
    with pytest.raises(NotFound):
        world.customers[1]


def test_the_clock_only_goes_forward(world: World) -> None:
    before = world.now()
    world.advance(86_400)
    world.advance(-5_000)
    assert timedelta(days=1) <= world.now() - before < timedelta(days=1, minutes=1)


def test_the_past_is_stamped_and_silent(store: object, world: World) -> None:
    world.subscriptions = frozenset({"orders/create"})
    moment = (world.now() - timedelta(days=400)).replace(hour=9)
    with world.past(moment):
        order = buy(world, 1)
    assert (order.created_at, order.updated_at, len(world.deliveries)) == (moment, moment, 0)


def test_two_worlds_with_one_seed_give_the_same_ids(tmp_path: Path) -> None:
    worlds = [World(tmp_path / name, seed=3) for name in ("one", "two")]
    for one in worlds:
        fill(one)
    ids = [[person.id for person in one.customers] for one in worlds]
    assert ids[0] == ids[1]
    assert all(len(str(number)) == 13 for number in ids[0])
    assert buy(worlds[0], 1).checkout_token == buy(worlds[1], 1).checkout_token

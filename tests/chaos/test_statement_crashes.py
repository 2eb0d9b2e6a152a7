"""For every topic and statement: crash there, recover, and the tables are those of a run that did not crash (T13).

By default every twenty-third statement of each topic, killed and dropped in turns, each topic beginning at another one;
`-m long` takes them all, both ways.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import cycle, product

import pytest
from sqlalchemy import Engine, text

from plugin.db import engine as db
from plugin.shops.models import Shop
from plugin.sync import drain as draining
from plugin.sync.reading import READERS
from tests.chaos import topics
from tests.chaos.crashing import How, Killed, Points, crashing, dropped, killed, sigkilled
from tests.chaos.ground import LOST, Ground, prepared
from tests.chaos.tables import Picture, differences, picture
from tests.plugin.sync.deliveries import deliver

NEWS_AT = "2027-01-01T00:00:00Z"
EVERY = 23
KILLS = 20
LESS_ON_A_FRESH_CONNECTION = 3  # or more: what was prepared or staged before need not be again


@pytest.fixture(scope="module")
def ground(owner: Engine) -> Iterator[Ground]:
    with prepared(owner) as ground:
        yield ground


def tell(ground: Ground, topic: str) -> None:
    """The tables as they were, and the topic's news in the inbox."""
    ground.kept.bring_back()
    for number, body in enumerate(topics.TOLD[topic](ground.shop)):
        deliver(ground.owner, ground.shop, topic, body, at=NEWS_AT, id=f"news-{number}")


def recover(ground: Ground) -> None:
    """What the next rings and sweeps do, however long it takes."""
    for _ in range(5):
        with ground.owner.begin() as connection:
            connection.execute(text("UPDATE inbox SET next_attempt_at = NULL WHERE next_attempt_at IS NOT NULL"))
        if not draining.is_waiting(ground.shop.id):
            return
        draining.drain(ground.shop.id)
    raise AssertionError("the inbox does not get empty")


def clean_run(ground: Ground, topic: str) -> tuple[int, Picture]:
    """How many points the drain passes, and what it leaves."""
    tell(ground, topic)
    with crashing(Points()) as points:
        draining.drain(ground.shop.id)
    return points.passed, picture(ground.owner)


def crashed_run(ground: Ground, topic: str, point: int, how: How) -> Picture:
    tell(ground, topic)
    with crashing(Points(point, how)) as points, suppress(Killed, *LOST):
        draining.drain(ground.shop.id)
    assert points.passed >= point - LESS_ON_A_FRESH_CONNECTION, "it did not crash"
    recover(ground)
    return picture(ground.owner)


def check(ground: Ground, topic: str, choose: Callable[[int], Iterable[tuple[int, How]]]) -> None:
    last, expected = clean_run(ground, topic)
    assert last > 10
    for point, how in choose(last):
        found = crashed_run(ground, topic, point, how)
        if told := differences(expected, found):
            pytest.fail("\n".join([f"{topic}: {how.__name__} at {point} of {last}", *told]))


def test_every_topic_is_told_here() -> None:
    assert topics.TOLD.keys() == READERS.keys()


@pytest.mark.parametrize("topic", topics.TOLD)
def test_crashed_at_a_statement_the_tables_are_as_without(ground: Ground, topic: str) -> None:
    first = sorted(topics.TOLD).index(topic) % EVERY
    check(ground, topic, lambda last: zip(range(1 + first, last + 1, EVERY), cycle((killed, dropped)), strict=False))


@pytest.mark.long
@pytest.mark.parametrize("topic", topics.TOLD)
def test_crashed_at_any_statement_the_tables_are_as_without(ground: Ground, topic: str) -> None:
    check(ground, topic, lambda last: product(range(1, last + 1), (killed, dropped)))


def test_killed_by_the_system_the_tables_are_as_without(ground: Ground) -> None:
    """Real processes and SIGKILL, at twenty places spread over all topics."""
    for number in range(KILLS):
        topic = sorted(topics.TOLD)[number * 7 % len(topics.TOLD)]
        last, expected = clean_run(ground, topic)
        point = 1 + number * 11 % (last - LESS_ON_A_FRESH_CONNECTION * 2)
        tell(ground, topic)
        assert drain_in_a_child_killed_at(ground.shop, point) == -9
        recover(ground)
        assert not differences(expected, picture(ground.owner)), f"{topic}: killed at {point} of {last}"


def drain_in_a_child_killed_at(shop: Shop, point: int) -> int:
    """The child's exit status; negative is the signal that ended it."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    try:
        db.forget_connections()
        with crashing(Points(point, sigkilled)):
            draining.drain(shop.id)
    finally:
        os._exit(1)

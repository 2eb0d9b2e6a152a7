"""Workers as real processes: paused past their lease at each statement, or killed by their work every time."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest
from sqlalchemy import Engine, event, text

from plugin.db import engine as db
from plugin.effects import claims, performing, rounds
from plugin.effects.performing import Performer
from plugin.shopify import client, documents
from plugin.shops import api, queries
from plugin.shops.models import Shop
from tests.fake_store import Answer, Asked, data, fake_store
from tests.plugin.effects.conftest import claim_next, lapse, record, row, times_noted
from tests.plugin.shops.conftest import give_tokens

LEASE_SECONDS = 1.0
CALL_SECONDS = 0.3
EVERY = 3  # of some thirty points, of which seven lie between `calling` and the request
MOST_POINTS = 60
MAKE, FIND = "MakeSomething", "FindSomething"


class Store:
    """A store that makes a second thing when it is asked twice: nothing but we can prevent that."""

    def __init__(self) -> None:
        self.made: list[str] = []

    def answer(self, asked: Asked) -> Answer:
        if asked.body["operationName"] == MAKE:
            self.made.append(asked.body["variables"]["code"])
            return data(make={"userErrors": []})
        return data(found=asked.body["variables"]["code"] in self.made)


@pytest.fixture
def store(shop: Shop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Store]:
    (tmp_path / f"{MAKE}.graphql").write_text("mutation MakeSomething { make { userErrors { message } } }")
    (tmp_path / f"{FIND}.graphql").write_text("query FindSomething { found }")
    monkeypatch.setattr(documents, "FOLDER", tmp_path)
    documents.document.cache_clear()
    client._buckets.clear()
    rounds._resting_until.clear()
    kept = Store()
    with pytest.MonkeyPatch.context() as patch, fake_store(patch) as listening:
        listening.will(kept.answer)
        give_tokens(shop.id, 1)
        performing.use({"code": Performer(call, done, look_up)}, queries.shop)
        yield kept
    performing.use({}, queries.shop)
    documents.document.cache_clear()
    client._buckets.clear()


@pytest.fixture
def short_leases(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (claims, performing):
        monkeypatch.setattr(module, "LEASE_SECONDS", LEASE_SECONDS)
    monkeypatch.setattr(performing, "CALL_SECONDS", CALL_SECONDS)


def call(shop: Shop, payload: dict[str, Any]) -> dict[str, Any]:
    api.execute(shop, MAKE, payload)
    return {"made": True}


def look_up(shop: Shop, payload: dict[str, Any]) -> dict[str, Any] | None:
    return {"made": True} if api.execute(shop, FIND, payload)["found"] else None


def done(session: Any, shop: Shop, payload: dict[str, Any], result: dict[str, Any]) -> None:
    session.execute(text("UPDATE shops SET plan = plan || 'x' WHERE id = :id"), {"id": shop.id})


def worker(prepare: Callable[[], None]) -> int:
    """The pid of a process that performs what is due once; `prepare` runs in it first."""
    child = os.fork()
    if child:
        return child
    try:
        db.forget_connections()
        prepare()
        rounds.perform_due(2)
        os._exit(0)
    finally:
        os._exit(1)


def stop_at(number: int) -> Callable[[], None]:
    """Makes a process stop itself before its n-th statement or commit."""

    def prepare() -> None:
        seen: list[None] = []

        def count(*_: Any) -> None:
            seen.append(None)
            if len(seen) == number:
                os.kill(os.getpid(), signal.SIGSTOP)

        event.listen(db.engine(), "before_cursor_execute", count)
        event.listen(db.engine(), "commit", count)

    return prepare


def perform_until_done(database: Engine, effect: int, seconds: float) -> None:
    ends = monotonic() + seconds
    while row(database, effect).state != "done" and monotonic() < ends:
        rounds.perform_due(2)
        sleep(0.02)


def test_paused_past_its_lease_at_any_statement_the_call_is_made_once(
    shop: Shop, store: Store, database: Engine, short_leases: None
) -> None:
    for number in range(1, MOST_POINTS, EVERY):
        effect = record(shop, key=f"code {number}")
        paused = worker(stop_at(number))
        _, status = os.waitpid(paused, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            break
        # Somebody else takes over once the lease is over; not where the paused one is in a transaction on the row.
        perform_until_done(database, effect, LEASE_SECONDS * 1.5)
        os.kill(paused, signal.SIGCONT)
        assert os.waitstatus_to_exitcode(os.waitpid(paused, 0)[1]) == 0
        perform_until_done(database, effect, 20)
        assert store.made.count(f"code {number}") == 1, number
        assert row(database, effect).state == "done" and times_noted(database, shop) == number // EVERY + 1, number
    assert number > 10


def test_what_kills_its_worker_every_time_is_parked_after_five_deaths(
    shop: Shop, other_shop: Shop, store: Store, database: Engine
) -> None:
    poison, innocent = record(shop, key="poison"), record(other_shop, key="innocent")
    give_tokens(other_shop.id, 900)
    healthy = performing._performers["code"]

    def deadly(shop: Shop, payload: dict[str, Any]) -> dict[str, Any]:
        if payload["code"] == "poison":
            os.kill(os.getpid(), signal.SIGKILL)
        return healthy.call(shop, payload)

    performing.use({"code": Performer(deadly, done, look_up)}, queries.shop)
    deaths = 0
    while os.waitstatus_to_exitcode(os.waitpid(worker(lambda: None), 0)[1]) and deaths < 10:
        deaths += 1
        lapse(database, poison)
    assert deaths == 5
    assert row(database, poison).state == "unknown" and "too often" in row(database, poison).error
    assert (row(database, innocent).state, row(database, innocent).lapses) == ("done", 0)
    assert store.made == ["innocent"] and claim_next() is None

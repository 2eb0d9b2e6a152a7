"""A store that does not answer is left alone by everybody, and asked by one; other stores notice nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Engine, text

from plugin import pace
from plugin.db import engine as db
from plugin.effects import breakers, operations, performing, rounds
from plugin.effects.breakers import ADMIN_API
from plugin.effects.performing import Performer
from plugin.effects.rules import FAILURES_TO_OPEN, Stand
from plugin.errors import Unauthorized, Unavailable
from plugin.shopify import client
from plugin.shopify.errors import Denied
from plugin.shops import api, queries, tokens
from plugin.shops.models import Shop
from tests.conftest import forget_settings
from tests.fake_store import SHOP_INFO, Answer, Asked, FakeStore, cost, data, grant, throttled
from tests.plugin.shops.conftest import give_tokens

HURRIED = pace.Pace(patience=0)


@pytest.fixture
def each_its_store(with_tokens: Shop, store: FakeStore, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    """The path of a request says which shop it was meant for; nothing is remembered of the rate limit."""
    monkeypatch.setenv("PLATFORM_STORE_URL", store.url + "/{shop}")
    forget_settings()
    client._buckets.clear()
    rounds._resting_until.clear()
    performing.use({"read": Performer(read, lambda *_: None, repeatable=True)}, queries.shop)
    yield with_tokens
    performing.use({}, queries.shop)
    rounds._resting_until.clear()
    client._buckets.clear()


def read(shop: Shop, payload: dict[str, Any]) -> dict[str, Any]:
    return api.execute(shop, "ShopInfo")


def play(away: Shop, answer: Answer) -> Any:
    """Only one shop's store is in trouble."""
    return lambda asked: answer if away.domain + "/" in asked.path else data(shop=SHOP_INFO)


def ask(shop: Shop) -> None:
    with pace.at(HURRIED), pytest.raises(Unavailable):
        api.execute(shop, "ShopInfo")


def stand(shop: Shop) -> Stand:
    with db.transaction(shop.id) as session:
        return breakers.look(session, ADMIN_API).stand


def rest_is_over(database: Engine) -> None:
    with database.begin() as connection:
        connection.execute(text("UPDATE breakers SET open_until = clock_timestamp() - interval '1 ms'"))
    rounds._resting_until.clear()


def due_again(database: Engine) -> None:
    with database.begin() as connection:
        connection.execute(text("UPDATE outbox SET next_attempt_at = clock_timestamp() - interval '1 ms'"))


def record(shop: Shop, count: int) -> None:
    with db.transaction(shop.id) as session:
        operations.record_all(session, shop.id, "read", {str(number): {} for number in range(count)})


def states(database: Engine, shop: Shop) -> list[tuple[str, int]]:
    with database.connect() as connection:
        rows = connection.execute(text("SELECT state, attempts FROM outbox WHERE shop_id = :id"), {"id": shop.id})
        return [(state, attempts) for state, attempts in rows]


def test_after_some_failures_nothing_is_sent_and_others_go_on(
    each_its_store: Shop, other_shop: Shop, store: FakeStore
) -> None:
    store.will(play(each_its_store, Answer({}, status=503)))
    for _ in range(FAILURES_TO_OPEN):
        ask(each_its_store)
    sent = len(store.asked)
    with pytest.raises(api.LeftAlone) as told:
        api.execute(each_its_store, "ShopInfo")
    assert len(store.asked) == sent and 0 < told.value.after <= 15
    assert api.execute(other_shop, "ShopInfo")["shop"] and stand(other_shop) is Stand.CLOSED


def test_a_no_is_an_answer(each_its_store: Shop, store: FakeStore) -> None:
    for status in (503, 503, 403, 503, 503, 503, 503):
        store.will(Answer({}, status=status))
        with pace.at(HURRIED), pytest.raises((Unavailable, Denied)):
            api.execute(each_its_store, "ShopInfo")
    assert stand(each_its_store) is Stand.CLOSED


def test_when_the_rest_is_over_one_of_many_tries_and_its_answer_lets_all_in(
    each_its_store: Shop, store: FakeStore, database: Engine
) -> None:
    store.will(Answer({}, status=503))
    for _ in range(FAILURES_TO_OPEN):
        ask(each_its_store)
    rest_is_over(database)
    sent = len(store.asked)
    store.will(Answer({"data": {"shop": SHOP_INFO}}, slow=1.5))
    with ThreadPoolExecutor(12) as threads:
        answers = list(threads.map(lambda _: _try(each_its_store), range(12)))
    assert len(store.asked) == sent + 1 and sorted(answers) == ["answer"] + ["left alone"] * 11
    assert stand(each_its_store) is Stand.CLOSED and _try(each_its_store) == "answer"


def _try(shop: Shop) -> str:
    try:
        api.execute(shop, "ShopInfo")
    except api.LeftAlone:
        return "left alone"
    return "answer"


def test_a_store_that_gives_a_token_has_answered(each_its_store: Shop, store: FakeStore) -> None:
    store.will(Answer({}, status=503))
    for _ in range(FAILURES_TO_OPEN):
        ask(each_its_store)
    store.will(lambda asked: Answer(grant(7)) if "access_token" in asked.path else data(shop=SHOP_INFO))
    tokens.exchange(each_its_store.id, "an id token")
    assert stand(each_its_store) is Stand.CLOSED and _try(each_its_store) == "answer"


def test_another_process_knows(each_its_store: Shop, store: FakeStore) -> None:
    store.will(Answer({}, status=503))
    for _ in range(FAILURES_TO_OPEN):
        ask(each_its_store)
    child = os.fork()
    if not child:
        db.forget_connections()
        os._exit({"left alone": 0}.get(_try(each_its_store), 1))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_what_waits_behind_an_open_breaker_pays_no_try(
    each_its_store: Shop, other_shop: Shop, store: FakeStore, database: Engine
) -> None:
    store.will(play(each_its_store, Answer({}, status=500)))
    record(each_its_store, FAILURES_TO_OPEN + 10)
    record(other_shop, 3)
    rounds.perform_due(20)
    assert states(database, other_shop) == [("done", 1)] * 3
    assert stand(each_its_store) is Stand.OPEN
    tried = sum(attempts for _, attempts in states(database, each_its_store))
    assert tried == FAILURES_TO_OPEN
    for _ in range(3):
        due_again(database)
        rounds._resting_until.clear()
        rounds.perform_due(5)
    assert sum(attempts for _, attempts in states(database, each_its_store)) == tried
    store.will(data(shop=SHOP_INFO))
    rest_is_over(database)
    due_again(database)
    rounds.perform_due(20)
    assert {state for state, _ in states(database, each_its_store)} == {"done"}


def test_a_shop_at_its_limit_keeps_nobody_waiting(
    each_its_store: Shop, other_shop: Shop, store: FakeStore, database: Engine
) -> None:
    store.will(play(each_its_store, throttled(requested=100, available=0, rate=0.5)))
    record(each_its_store, 30)
    record(other_shop, 30)
    assert rounds.perform_due(30) == 31
    assert states(database, other_shop) == [("done", 1)] * 30
    assert states(database, each_its_store) == [("pending", 0)] * 30
    assert len([asked for asked in store.asked if each_its_store.domain + "/" in asked.path]) == 1


def test_what_somebody_waits_for_overtakes_reads_that_leave_half_of_the_limit(
    each_its_store: Shop, store: FakeStore, database: Engine
) -> None:
    told = {"cost": cost(requested=10, available=900, rate=1)}
    store.will(Answer({"data": {"shop": SHOP_INFO}, "extensions": told}))
    record(each_its_store, 5)
    rounds.perform_due(5)
    assert sorted(states(database, each_its_store)) == [("done", 1)] + [("pending", 0)] * 4
    with db.transaction(each_its_store.id) as session:
        waited_for = operations.record(session, each_its_store.id, "read", "waited for", {}, urgent=True)
    assert performing.perform_now(each_its_store.id, waited_for) == "done"
    assert len(store.asked) == 2


def test_what_failed_for_want_of_a_token_is_done_after_the_next_sign_in(
    each_its_store: Shop, other_shop: Shop, store: FakeStore, database: Engine
) -> None:
    def refuse(asked: Asked) -> Answer:
        return (
            Answer({"error": "invalid_grant"}, status=400) if "access_token" in asked.path else Answer({}, status=401)
        )

    store.will(refuse)
    record(each_its_store, 3)
    rounds.perform_due(5)
    assert states(database, each_its_store) == [("failed", 1)] * 3
    store.will(lambda asked: Answer(grant(7)) if "access_token" in asked.path else data(shop=SHOP_INFO))
    with pytest.raises(Unauthorized):
        tokens.access_token(each_its_store.id)
    give_tokens(other_shop.id, 901)
    assert states(database, each_its_store) == [("failed", 1)] * 3
    tokens.exchange(each_its_store.id, "an id token")
    assert states(database, each_its_store) == [("pending", 0)] * 3
    rounds.perform_due(5)
    assert states(database, each_its_store) == [("done", 1)] * 3

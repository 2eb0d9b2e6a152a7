"""Refreshing by real processes: one call for all of them, killed between answer and storing, paused until too late."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine, text

from plugin.db import engine as db
from plugin.shops import remote, tokens
from plugin.shops.models import Shop
from tests.fake_store import Answer, FakeStore, grant
from tests.plugin.shops.conftest import give_tokens

WORKERS = 8


def process(work: Callable[[], object]) -> int:
    """The pid of a child that does the work and ends with 0."""
    child = os.fork()
    if child:
        return child
    try:
        db.forget_connections()
        work()
        os._exit(0)
    finally:
        os._exit(1)


def end_of(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def expect(shop: Shop, token: str) -> None:
    if tokens.access_token(shop.id) != token:
        raise AssertionError


def test_all_processes_together_make_one_call(with_tokens: Shop, other_shop: Shop, store: FakeStore) -> None:
    give_tokens(with_tokens.id, 1, expires_in=0)
    store.will(Answer(grant(2), slow=0.5))
    children = [process(lambda: expect(with_tokens, "access-2")) for _ in range(WORKERS)]
    assert [end_of(child) for child in children] == [0] * WORKERS
    assert len(store.asked) == 1 and tokens.read(other_shop.id).access_token == "access-900"


def test_killed_with_the_answer_in_its_hands_the_old_refresh_token_is_used_again(
    with_tokens: Shop, store: FakeStore, database: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_tokens(with_tokens.id, 1, expires_in=0)
    store.will(Answer(grant(2)), Answer(grant(3)))

    def dying(*_: Any) -> bool:
        os.kill(os.getpid(), signal.SIGKILL)
        return False

    with monkeypatch.context() as patch:
        patch.setattr(tokens, "store", dying)
        assert end_of(process(lambda: tokens.access_token(with_tokens.id))) == -signal.SIGKILL
    with database.begin() as connection:
        connection.execute(text("UPDATE shops SET refreshing_until = clock_timestamp() - interval '1 ms'"))
    assert tokens.access_token(with_tokens.id) == "access-3"
    assert [asked.body["refresh_token"] for asked in store.asked] == ["refresh-1", "refresh-1"]


def test_paused_past_its_lease_its_late_refusal_closes_nothing(
    with_tokens: Shop, store: FakeStore, database: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_tokens(with_tokens.id, 1, expires_in=0)
    dead = Answer({"error": "invalid_grant"}, status=400)  # the store: its replacement has been used
    store.will(Answer(grant(2)), dead)
    refresh = remote.refresh

    def pausing(domain: str, token: str) -> remote.Grant:
        os.kill(os.getpid(), signal.SIGSTOP)
        return refresh(domain, token)

    with monkeypatch.context() as patch:
        patch.setattr(remote, "refresh", pausing)
        paused = process(lambda: expect(with_tokens, "access-2"))
    assert os.WIFSTOPPED(os.waitpid(paused, os.WUNTRACED)[1])
    with database.begin() as connection:
        connection.execute(text("UPDATE shops SET refreshing_until = clock_timestamp() - interval '1 ms'"))
    assert tokens.access_token(with_tokens.id) == "access-2"
    os.kill(paused, signal.SIGCONT)
    assert end_of(paused) == 0
    assert [asked.body["refresh_token"] for asked in store.asked] == ["refresh-1", "refresh-1"]
    stored = tokens.read(with_tokens.id)
    assert not stored.dead and stored.access_token == "access-2"

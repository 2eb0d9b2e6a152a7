"""The sweep: each due cart is woken once however many workers look, and looking costs no more when many wait."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import func, select, text

from plugin.campaigns import operations, waking
from plugin.campaigns.models import Enrollment
from plugin.db import engine as db
from plugin.messages.models import Message
from plugin.shops.models import Shop
from tests.plugin.people import cart, pass_time

CARTS = 40


@pytest.fixture
def due(shop: Shop, story_clock: None) -> None:
    """Forty carts, all due."""
    with db.transaction(shop.id) as session:
        operations.turn_on(session, shop, operations.ensure_default(session, shop).id)
    with db.transaction(shop.id) as session:
        tokens = {f"t{number}" for number in range(CARTS)}
        for token in tokens:
            cart(session, shop, token, f"{token}@example.com", accepts_marketing=True)
        operations.follow_checkouts(session, shop, tokens)
    pass_time(minutes=61)


def test_many_workers_wake_each_cart_once(shop: Shop, due: None) -> None:
    begin = threading.Barrier(4)

    def work() -> None:
        begin.wait()
        waking.wake_due()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    with db.transaction(shop.id) as session:
        assert session.scalar(select(func.count(Message.id))) == CARTS
        assert set(session.scalars(select(Enrollment.step))) == {1}


def test_a_sweep_that_dies_loses_nothing(shop: Shop, due: None) -> None:
    with pytest.raises(RuntimeError), db.transaction(shop.id) as session:
        waking.wake(session, shop)
        raise RuntimeError
    assert waking.wake_due() == CARTS
    with db.transaction(shop.id) as session:
        assert session.scalar(select(func.count(Message.id))) == CARTS


@pytest.mark.parametrize(
    ("claim", "index"),
    [
        ("SELECT * FROM enrollments WHERE state = 'waiting' AND wake_at <= now() ORDER BY wake_at LIMIT 200", "due"),
        (
            "SELECT * FROM messages WHERE state IN ('queued', 'sending') AND next_attempt_at <= now()"
            " ORDER BY next_attempt_at LIMIT 50",
            "due",
        ),
    ],
)
def test_due_rows_are_found_by_their_partial_index(shop: Shop, due: None, claim: str, index: str) -> None:
    with db.transaction(shop.id) as session:
        session.execute(text("SET LOCAL enable_seqscan = off"))
        plan = "\n".join(session.scalars(text(f"EXPLAIN {claim} FOR UPDATE SKIP LOCKED")))
    assert f"_{index}" in plan and "Sort" not in plan

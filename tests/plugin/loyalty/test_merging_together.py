"""A merge while both customers are spending, on real threads and transactions: nobody waits for ever, sums hold."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from sqlalchemy import Engine, func, select

from plugin.db import engine as db
from plugin.errors import Refused
from plugin.loyalty import operations as loyalty
from plugin.loyalty.models import PointEntry, Redemption
from plugin.shops.models import Shop
from tests.plugin.loyalty.ledgers import account, at, broken, customer, order, program, reward, settle
from tests.plugin.loyalty.test_merging import merge

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PAIRS = [(number, number + 20) for number in range(1, 7)] + [(60, 50), (61, 51)]  # kept after, and before, the merged


def in_turn(shop: Shop, act: Callable[..., object], *arguments: object) -> bool:
    try:
        with db.transaction(shop.id) as session:
            at(session, NOW)
            act(session, shop, *arguments)
    except Refused:
        return False
    return True


def test_merges_and_spending_at_once_keep_the_sum(database: Engine, shop: Shop) -> None:
    with db.transaction(shop.id) as session:
        at(session, NOW)
        program(session, shop)
        reward_id = reward(session, shop, 40).id
        for number, (old, kept) in enumerate(PAIRS):
            for offset, whose in enumerate((old, kept)):
                customer(session, shop, whose)
                order(session, shop, number * 2 + offset + 1, whose, NOW)
        settle(session, shop, *range(1, 2 * len(PAIRS) + 1))

    def spend(session: object, shop: Shop, whose: int, key: str) -> None:
        loyalty.redeem(session, shop, whose, reward_id, key)  # type: ignore[arg-type]

    work: list[tuple[object, ...]] = [(merge, old, kept) for old, kept in PAIRS]
    for old, kept in PAIRS:
        work += [(spend, whose, f"click-{whose}-{turn}") for whose in (old, kept) for turn in range(3)]
        work += [(loyalty.adjust, old, 7, "why", "staff:1", f"hand-{old}")]
    work += [(loyalty.settle_orders, set(range(1, 2 * len(PAIRS) + 1)))] * 4
    random.Random(5).shuffle(work)
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda each: (each, in_turn(shop, *each)), work))  # type: ignore[arg-type]

    given = sum(7 for each, was_done in done if each[0] is loyalty.adjust and was_done)
    with db.transaction(shop.id) as session:
        assert broken(session) == []
        assert {account(session, shop, old) for old, _ in PAIRS} == {(0, 0, 0)}
        bought = session.scalar(select(func.coalesce(func.sum(Redemption.points), 0)))
        total = session.scalar(select(func.sum(PointEntry.points)))
        assert bought and total == 2 * len(PAIRS) * 150 + given - bought
        assert set(session.scalars(select(Redemption.customer_id))) <= {kept for _, kept in PAIRS}

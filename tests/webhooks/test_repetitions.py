"""The same news again: under the same name, under a new one, over two subscriptions, without a name. It counts once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, text

from plugin.db import engine as db
from plugin.shops.models import Shop
from plugin.sync.drain import drain
from tests import payloads
from tests.plugin.loyalty.ledgers import program
from tests.plugin.sync.deliveries import rows
from tests.webhooks.posting import post
from webhooks.receiver import Webhooks

BODY = payloads.encode(payloads.order())
Post = Callable[[Webhooks, int], int]

AGAIN: dict[str, tuple[Post, int]] = {
    "a hundred times, thirty at once": (lambda receiver, _: post(receiver, BODY, id="w-1"), 1),
    "under a new id each time": (lambda receiver, n: post(receiver, BODY, id=f"w-{n}", event=f"e-{n}"), 100),
    "over two subscriptions": (lambda receiver, n: post(receiver, BODY, id=f"w-{n % 2}", event="e-1"), 2),
    "without any id": (lambda receiver, _: post(receiver, BODY, id=None, event=None), 1),
}


@pytest.mark.parametrize(("again", "kept"), AGAIN.values(), ids=AGAIN)
def test_what_is_told_often_counts_once(
    receiver: Webhooks, database: Engine, shop: Shop, other_shop: Shop, again: Post, kept: int
) -> None:
    with db.transaction(shop.id) as session:
        program(session, shop)
    with ThreadPoolExecutor(30) as senders:
        answers = list(senders.map(lambda number: again(receiver, number), range(100)))
    assert answers == [200] * 100
    assert len(rows(database, "inbox", shop)) == kept
    drain(shop.id)
    assert len(rows(database, "orders", shop)) == 1
    [earned] = [row for row in rows(database, "point_entries", shop) if row["kind"] == "earn"]
    assert earned["points"] > 0 and rows(database, "inbox", other_shop) == []


def test_an_uninstalled_shop_s_webhooks_are_kept_and_do_no_harm(
    receiver: Webhooks, database: Engine, shop: Shop
) -> None:
    with database.begin() as connection:
        connection.execute(text("UPDATE shops SET uninstalled_at = clock_timestamp()"))
    assert post(receiver, BODY, id="late") == 200
    drain(shop.id)
    assert rows(database, "outbox", shop) == [] or {row["kind"] for row in rows(database, "outbox", shop)} == {"fetch"}
    assert rows(database, "messages", shop) == []

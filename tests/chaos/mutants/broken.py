"""Six ways to build the product wrongly. Each changes the process it is called in, before anything has started."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

LATE_SECONDS = 3.0


def nothing() -> None:
    """The product as it is: what the scenarios find in it must be nothing."""


def no_inbox() -> None:
    """Answer first, write later: what is on its way in memory when the process dies was acknowledged and is gone."""
    from webhooks import writer

    insert = writer.Writer._insert

    def remember(self: Any, group: Sequence[Any]) -> set[int]:
        def write() -> None:
            time.sleep(LATE_SECONDS)
            with lock:
                self._after(insert(self, group))

        threading.Thread(target=write, daemon=True).start()
        return set()

    lock = threading.Lock()
    writer.Writer._insert = remember  # type: ignore[method-assign]


def check_then_insert() -> None:
    """Redeem without the account's lock: read the balance, think, write."""
    from plugin.loyalty import ledger, redeeming

    locked, load = ledger._LOCK, ledger.load_open_lots

    def think(*arguments: Any) -> None:
        load(*arguments)
        time.sleep(0.05)

    ledger._LOCK = locked.replace("FOR UPDATE", "")
    redeeming.ledger.load_open_lots = think


def shared_engine() -> None:
    """Children go on with the connections that their parent had opened."""
    from plugin.db import engine

    engine.forget_connections = lambda: None


def no_fencing() -> None:
    """Whoever wakes up late goes on as if the lease were still its own."""
    from plugin.messages import sending

    def begin(shop_id: int, group: Sequence[Any], before: Any) -> list[Any]:
        with sending.db.transaction(shop_id) as session:
            sending._store(session, before)
            for each in group:
                sending._change(session, (sending.COLUMNS.id == each.id,), {"state": "sending"})
        return list(group)

    sending._begin = begin


def sent_after_the_call() -> None:
    """Nothing is committed before the call, so a process that dies in it leaves no trace of it."""
    from plugin.messages import sending

    def begin(shop_id: int, group: Sequence[Any], before: Any) -> list[Any]:
        with sending.db.transaction(shop_id) as session:
            sending._store(session, before)
        return list(group)

    store = sending._store

    def keep(session: Any, outcomes: Sequence[Any]) -> None:
        for outcome in outcomes:
            queued = sending.COLUMNS.id == outcome.id, sending.COLUMNS.lease == outcome.lease
            sending._change(session, queued, {"state": "sending"})
        store(session, outcomes)

    sending._begin, sending._store = begin, keep


def no_composite_key() -> None:
    """The key lacks the shop; the scenario makes it in the database, where keys live."""


MUTANTS: Final[dict[str, Callable[[], None]]] = {
    "nothing": nothing,
    "no_inbox": no_inbox,
    "check_then_insert": check_then_insert,
    "shared_engine": shared_engine,
    "no_fencing": no_fencing,
    "sent_after_the_call": sent_after_the_call,
    "no_composite_key": no_composite_key,
}

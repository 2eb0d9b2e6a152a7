"""Group commit: the concurrent webhooks of a process share one INSERT and one commit.

One thread owns one connection, in the sweep role because a group holds several shops. What it calls stored is on disk.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from queue import Empty, SimpleQueue

import psycopg

from plugin.db.engine import SWEEP_ROLE
from webhooks import arrays
from webhooks.arrays import execute
from webhooks.delivery import Delivery

log = logging.getLogger(__name__)

GROUP_ROWS = 64
GROUP_BYTES = 16 * 2**20
PATIENCE_SECONDS = 0.003
DOMAIN_SECONDS = 30  # how long a domain's shop id is trusted without asking again
SESSION = f"-c role={SWEEP_ROLE} -c statement_timeout=4s -c lock_timeout=3s -c timezone=UTC"

# Ordered, so that two processes which insert the same deliveries wait for each other instead of deadlocking.
TO_INBOX = b"""
    INSERT INTO inbox (shop_id, webhook_id, topic, state, api_version, event_id, triggered_at, body)
    SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[],
                         $8::bytea[]) AS came (shop_id, webhook_id)
    ORDER BY came.shop_id, came.webhook_id
    ON CONFLICT DO NOTHING
"""
TO_STRAYS = b"""
    INSERT INTO inbox_strays (domain, webhook_id, topic, api_version, event_id, triggered_at, body)
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[],
                         $7::bytea[]) AS came (domain, webhook_id)
    ORDER BY came.domain, came.webhook_id
    ON CONFLICT DO NOTHING
"""


class Writer:
    """The one thread that writes; `put` is called by many. `after` hears of the shops that got rows."""

    def __init__(self, url: str, after: Callable[[Iterable[int]], None]) -> None:
        self._url = url
        self._after = after
        self._queue: SimpleQueue[Delivery] = SimpleQueue()
        self._connection: psycopg.Connection | None = None
        self._shops: dict[str, tuple[int, float]] = {}
        self._expected = 1
        self._patience = 0.0
        threading.Thread(target=self._run, name="webhook-writer", daemon=True).start()

    def put(self, delivery: Delivery) -> None:
        self._queue.put(delivery)

    def _run(self) -> None:
        try:
            while True:
                group = self._next_group()
                started = time.monotonic()
                self._write(group)
                self._patience = min((time.monotonic() - started) / 2, PATIENCE_SECONDS)
        finally:
            # Without its writer the process can only say 503; the server starts another one.
            log.critical("The webhook writer died; this process ends.", exc_info=True)
            os._exit(70)

    def _next_group(self) -> list[Delivery]:
        """The first that comes, and those behind it.

        Who was answered together comes back together, a little apart. Without a moment's patience the first of them
        would have a commit to itself and the others a second one; the moment is half of what a commit takes here.
        """
        group = [self._queue.get()]
        size = len(group[0].body)
        ends = time.monotonic() + self._patience
        while len(group) < GROUP_ROWS and size < GROUP_BYTES:
            left = ends - time.monotonic() if len(group) < self._expected else 0.0
            try:
                group.append(self._queue.get(timeout=max(left, 0.0)))
            except Empty:
                break
            size += len(group[-1].body)
        self._expected = len(group)
        return group

    def _write(self, group: Sequence[Delivery]) -> None:
        try:
            shops = self._insert(group)
        except psycopg.OperationalError as error:
            self._lost(group, error)
            return
        except psycopg.Error as error:
            log.warning("A group of %s webhooks was refused, now one by one: %s", len(group), type(error).__name__)
            self._write_singly(group)
            return
        for delivery in group:
            delivery.settle(True)
        self._after(shops)

    def _write_singly(self, group: Sequence[Delivery]) -> None:
        for delivery in group:
            try:
                shops = self._insert([delivery])
            except psycopg.Error as error:
                self._lost([delivery], error)
                continue
            delivery.settle(True)
            self._after(shops)

    def _lost(self, group: Sequence[Delivery], error: psycopg.Error) -> None:
        log.error("%s webhooks could not be stored (%s); the store will retry.", len(group), type(error).__name__)
        for delivery in group:
            delivery.settle(False)

    def _insert(self, group: Sequence[Delivery]) -> set[int]:
        """Write the group; once more on a fresh connection when the old one had died while idle."""
        if self._connection is None or self._connection.closed:
            self._connection = self._connect()
            return self._insert_on(self._connection, group)
        try:
            return self._insert_on(self._connection, group)
        except psycopg.OperationalError:
            if not self._connection.closed:
                raise
            self._connection = self._connect()
            return self._insert_on(self._connection, group)

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(
            self._url,
            autocommit=True,
            options=SESSION,
            connect_timeout=2,
            tcp_user_timeout=4000,
            keepalives_idle=30,
            application_name="webhooks",
        )

    def _insert_on(self, connection: psycopg.Connection, group: Sequence[Delivery]) -> set[int]:
        """One statement in autocommit, so one round trip and one commit; two only when strays are among them."""
        self._learn_shops(connection, {d.domain for d in group})
        known = [(self._shops[d.domain][0], d) for d in group if d.domain in self._shops]
        if known:
            execute(connection, TO_INBOX, _inbox_columns(known))
        if len(known) < len(group):
            execute(connection, TO_STRAYS, _stray_columns([d for d in group if d.domain not in self._shops]))
        return {shop_id for shop_id, _ in known}

    def _learn_shops(self, connection: psycopg.Connection, domains: set[str]) -> None:
        """Ask for the domains that are unknown or were learnt too long ago; unknown ones are not remembered."""
        now = time.monotonic()
        asked = [domain for domain in domains if self._shops.get(domain, (0, 0.0))[1] < now]
        if not asked:
            return
        for domain in asked:
            self._shops.pop(domain, None)
        rows = connection.execute("SELECT domain, id FROM shops WHERE domain = ANY (%s)", [asked])
        self._shops.update({domain: (shop_id, now + DOMAIN_SECONDS) for domain, shop_id in rows})


def _inbox_columns(group: Sequence[tuple[int, Delivery]]) -> list[bytes]:
    return [arrays.bigints([shop_id for shop_id, _ in group]), *_columns([d for _, d in group], with_state=True)]


def _stray_columns(group: Sequence[Delivery]) -> list[bytes]:
    return [arrays.texts([d.domain for d in group]), *_columns(group, with_state=False)]


def _columns(group: Sequence[Delivery], with_state: bool) -> list[bytes]:
    """The columns that both tables have, in their order."""
    return [
        arrays.texts([d.webhook_id for d in group]),
        arrays.texts([d.topic for d in group]),
        *([arrays.texts([d.state for d in group])] if with_state else []),
        arrays.texts([d.api_version for d in group]),
        arrays.texts([d.event_id for d in group]),
        arrays.moments([d.triggered_at for d in group]),
        arrays.byteas([d.body for d in group]),
    ]

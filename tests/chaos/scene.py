"""A shop of the crash tests with an outside: its store over HTTP, a mail server, and the worker's tasks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import Engine, text

import app
from plugin.crypto import secrets
from plugin.shops.models import Shop
from tests.chaos import topics
from tests.chaos.ground import NOW, prepared
from tests.chaos.mailbox import Mailbox
from tests.chaos.store import Stores
from tests.chaos.tables import Kept
from tests.chaos.world import World
from tests.conftest import DOMAIN, forget_settings

OPEN = "state IN ('pending', 'claimed', 'calling')"


@dataclass
class Scene:
    """A shop with its store and a mail server; `run` names the task that does the deed."""

    owner: Engine
    shop: Shop
    world: World
    stores: Stores
    mails: Mailbox
    tasks: Any
    kept: Kept

    def forget(self) -> None:
        """Outside, nothing has happened yet."""
        self.world.codes.clear()
        self.stores.acted.clear()
        self.mails.forget()

    def waits(self) -> bool:
        """Whether something is left to do."""
        queues = {"inbox": "state = 'new'", "outbox": OPEN, "messages": "state IN ('queued', 'sending')"}
        left = " OR ".join(f"EXISTS (SELECT FROM {table} WHERE {where})" for table, where in queues.items())
        with self.owner.connect() as connection:
            return bool(connection.execute(text(f"SELECT {left}")).scalar_one())

    def pass_time(self) -> None:
        """Leases and patience of whoever is gone are over, and it is another day."""
        with self.owner.begin() as connection:
            connection.execute(text("DELETE FROM pulses"))
            for table, where in (("outbox", OPEN), ("messages", "state IN ('queued', 'sending')")):
                connection.execute(text(f"UPDATE {table} SET next_attempt_at = clock_timestamp() WHERE {where}"))
            connection.execute(text("UPDATE inbox SET next_attempt_at = NULL WHERE next_attempt_at IS NOT NULL"))
            connection.execute(text("UPDATE shops SET refreshing_until = NULL WHERE refreshing_until IS NOT NULL"))
            for table in ("breakers", "shared_breakers"):
                connection.execute(text(f"UPDATE {table} SET open_until = NULL, probing_until = NULL"))


Step = Callable[[Scene], object]


@contextmanager
def staged(owner: Engine) -> Iterator[Scene]:
    """An outside for the first of two look-alike shops, which has a token for it."""
    world = World(0, lambda: NOW)
    world.domain = DOMAIN
    for id in (501, 502, 509):
        world.customers[id] = topics.payloads.customer(id)
        world.consents[id] = ("subscribed", topics.payloads.at(9))
    stores, mails = Stores([world], 1), Mailbox(1)
    outside = {"REGULARS_SANDBOX": "1", "PLATFORM_STORE_URL": stores.url, "SMTP_URL": mails.url}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in outside.items():
            patch.setenv(name, value)
        forget_settings()
        with prepared(owner) as ground:
            give_tokens(owner, ground.shop)
            with owner.begin() as connection:
                connection.execute(text("DELETE FROM outbox"))
            app._wire()
            celery = app.make_celery()
            celery.loader.import_default_modules()
            with closing(Kept(owner)) as kept:
                yield Scene(owner, ground.shop, world, stores, mails, celery.tasks, kept)
    mails.close()
    stores.close()
    forget_settings()


def give_tokens(owner: Engine, shop: Shop) -> None:
    pair = {name: secrets.encrypt(shop.id, f"{name}-of-the-tests") for name in ("access", "refresh")}
    columns = "access_token = :access, refresh_token = :refresh, access_expires_at = now() + interval '1 hour'"
    with owner.begin() as connection:
        connection.execute(
            text(f"UPDATE shops SET {columns}, refresh_expires_at = now() + interval '80 days' WHERE id = :id"),
            pair | {"id": shop.id},
        )

"""A durable PostgreSQL and a Valkey of the bench's own, and shops with an active programme."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from cryptography.fernet import Fernet

from plugin.config import config
from plugin.db import engine as db
from plugin.jobs import collector
from plugin.jobs.celery import make_celery
from plugin.local import postgres, valkey
from plugin.loyalty.programs import ProgramDraft, TierDraft, save_program
from plugin.migrations.run import upgrade
from plugin.shops import queries as shops
from plugin.shops.models import Shop

SECRET = "a-client-secret-for-the-bench-0001"


@dataclass(frozen=True)
class House:
    """Where things are; the environment of this process points there too."""

    owner_url: str

    def owner(self) -> psycopg.Connection:
        return psycopg.connect(self.owner_url, autocommit=True)


@contextmanager
def house() -> Iterator[House]:
    """Everything started, and stopped at the end."""
    with (
        tempfile.TemporaryDirectory(prefix="regulars-bench-") as home,
        postgres.running(Path(home, "postgres"), durable=True) as pg,
        valkey.running(Path(home, "valkey")) as redis,
    ):
        upgrade(pg.owner_url)
        os.environ.update(
            {
                "DATABASE_URL": pg.url,
                "REDIS_URL": redis.url,
                "SHOPIFY_API_KEY": "bench",
                "SHOPIFY_API_SECRET": SECRET,
                "APP_URL": "https://regulars.example",
                "SMTP_URL": "smtp://127.0.0.1:9",
                "ENCRYPTION_KEYS": Fernet.generate_key().decode(),
            }
        )
        config.cache_clear()
        make_celery().set_default()
        collector.relax()  # as in a worker
        yield House(pg.owner_url)
        db.engine().dispose()


def make_shop(house: House, number: int, programme: bool = False) -> Shop:
    """An installed shop; with `programme`, one that gives points since 2020 and has two tiers."""
    domain = f"bench-{number}.myshopify.com"
    with house.owner() as connection:
        row = connection.execute(
            "INSERT INTO shops (domain, currency, installed_at) VALUES (%s, 'EUR', now()) RETURNING id", [domain]
        ).fetchone()
    assert row is not None
    if programme:
        tiers = (TierDraft("Regular", 0), TierDraft("Gold", 30_000, 3, 2))
        draft = ProgramDraft("Beans", "bean", "beans", 1, 100, tiers=tiers)
        with db.transaction(row[0]) as session:
            save_program(session, shops.shop(session), "bench", draft, datetime(2020, 1, 1, tzinfo=UTC))
    return shops.by_id(row[0])

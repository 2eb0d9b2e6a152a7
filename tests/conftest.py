"""Fixtures everybody uses: one real PostgreSQL and one real Valkey a test run, a shop and its look-alike.

`session` is one transaction in the shop's scope, rolled back at the end. Tests that need commits (tasks, views,
threads) use `database` alone: it is emptied after each of them.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography.fernet import Fernet
from hypothesis import settings as properties
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.orm import Session

from plugin.config import config
from plugin.db import engine as db
from plugin.jobs.celery import make_celery
from plugin.local import postgres, valkey
from plugin.migrations.run import upgrade
from plugin.migrations.tables import metadata
from plugin.shops.models import Shop

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# The same examples at every run, so that a red run says something about the change and not about luck.
# `pytest --hypothesis-profile=searching` draws new ones.
properties.register_profile("repeatable", derandomize=True, print_blob=True, deadline=None)
properties.register_profile("searching", print_blob=True, deadline=None)
properties.load_profile("repeatable")

SECRET = "a-client-secret-for-tests-only-0001"
DOMAIN = "vec-shop.myshopify.com"
OTHER_DOMAIN = "vec-shop-2.myshopify.com"
FILLED = " UNION ALL ".join(
    f"SELECT '{table.name}' WHERE EXISTS (SELECT FROM {table.name})"
    for table in metadata.sorted_tables
    if table.name != "clock"
)
RESTART = """
    SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, 1, false)
    FROM pg_sequences WHERE schemaname = 'public' AND last_value IS NOT NULL
"""


CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The one browser of a test run: its driver cannot be started twice in a process."""
    from playwright.sync_api import sync_playwright

    from plugin.local.chromium import find_or_install

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(find_or_install()), args=list(CHROMIUM_FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """PostgreSQL with the migrated schema and Valkey; the environment points at them."""
    with (
        tempfile.TemporaryDirectory(prefix="regulars-tests-", ignore_cleanup_errors=True) as home,
        postgres.running(Path(home, "postgres")) as pg,
        valkey.running(Path(home, "valkey")) as redis,
    ):
        upgrade(pg.owner_url)
        settings = {
            "DATABASE_URL": pg.url,
            "DATABASE_OWNER_URL": pg.owner_url,
            "REDIS_URL": redis.url,
            "SHOPIFY_API_KEY": "test-client-id",
            "SHOPIFY_API_SECRET": SECRET,
            "APP_URL": "https://regulars.example",
            "SMTP_URL": "smtp://127.0.0.1:9",
            "ENCRYPTION_KEYS": Fernet.generate_key().decode(),
        }
        with pytest.MonkeyPatch.context() as patch:
            for name, value in settings.items():
                patch.setenv(name, value)
            patch.delenv("REGULARS_SANDBOX", raising=False)
            forget_settings()
            make_celery().set_default()  # without one, ringing looks for a broker of Celery's own choice
            yield
            forget_settings()


def forget_settings() -> None:
    """After the environment changed: settings and the engine are read afresh."""
    if db.engine.cache_info().currsize:
        db.engine().dispose()
    db.engine.cache_clear()
    config.cache_clear()


@pytest.fixture(scope="session")
def owner(services: None) -> Iterator[Engine]:
    """The owner's engine: sees every shop. For looking and for emptying, never for the code under test."""
    engine = create_engine(os.environ["DATABASE_OWNER_URL"].replace("postgresql://", "postgresql+psycopg://", 1))
    yield engine
    engine.dispose()


@pytest.fixture
def database(owner: Engine) -> Iterator[Engine]:
    """A database that may be committed to; every table is empty again afterwards."""
    yield owner
    empty(owner)


def empty(owner: Engine) -> None:
    """Deletes what is there and restarts what counts: far quicker than truncating every table."""
    with owner.begin() as connection:
        filled = set(connection.execute(text(FILLED)).scalars())
        for table in reversed(metadata.sorted_tables):
            if table.name in filled:
                connection.execute(table.delete())
        connection.execute(text(RESTART))
        connection.execute(text("UPDATE clock SET offset_seconds = 0"))


@pytest.fixture
def shop(database: Engine) -> Shop:
    """The shop under test, installed."""
    return make_shop(database, DOMAIN, store_id=548380009)


@pytest.fixture
def other_shop(database: Engine, shop: Shop) -> Shop:
    """A look-alike tenant: its rows must never show."""
    return make_shop(database, OTHER_DOMAIN, store_id=548380010)


def make_shop(owner: Engine, domain: str, store_id: int, **columns: object) -> Shop:
    """An installed shop, committed."""
    with Session(owner, expire_on_commit=False) as session, session.begin():
        shop = Shop(
            domain=domain,
            store_id=store_id,
            name="Vector Roasters",
            currency="EUR",
            timezone="Europe/Berlin",
            storefront_url=f"https://{domain}",
            **columns,
        )
        session.add(shop)
        session.flush()
        session.execute(text("UPDATE shops SET installed_at = clock_timestamp() WHERE id = :id"), {"id": shop.id})
        session.refresh(shop)
        session.expunge(shop)
    return shop


@pytest.fixture
def session(shop: Shop) -> Iterator[Session]:
    """One transaction as regulars_app in the shop's scope, rolled back."""
    with Session(db.engine(), expire_on_commit=False) as session:
        session.begin()
        db.enter_shop(session, shop.id)
        yield session
        session.rollback()

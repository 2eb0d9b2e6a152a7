"""The five shops inside the product, and the database as its owner sees it.

Opening a shop uses the product's own operations (it is not under test here); everything after that goes through its
public doors.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import DBAPIError

import app
from plugin import clock
from plugin.campaigns import operations as campaigns
from plugin.config import config
from plugin.crypto import secrets
from plugin.db import engine as db
from plugin.jobs.celery import make_celery
from plugin.loyalty import operations as loyalty
from plugin.loyalty.programs import ProgramDraft, TierDraft
from plugin.loyalty.rewards import RewardDraft
from plugin.migrations.run import upgrade
from plugin.shops import queries as shops
from tests.chaos import model
from tests.chaos.stack import Stack
from tests.chaos.world import World

REWARD_COST = 100
REWARD_VALUE = 300
ANCIENT = timedelta(days=30)

# What is due and what is under way, by table.
UNFINISHED = {
    "inbox": "state = 'new'",
    "outbox": "state IN ('pending', 'claimed', 'calling')",
    "messages": "state IN ('queued', 'sending')",
}
INSTALL = """
    INSERT INTO shops (domain, store_id, name, currency, timezone, storefront_url, installed_at)
    VALUES (:domain, :store_id, :name, :currency, 'Europe/Berlin', :url, clock_timestamp() - interval '1 day')
    RETURNING id
"""
GIVE_TOKENS = """
    UPDATE shops SET access_token = :access, refresh_token = :refresh, access_expires_at = clock_timestamp(),
        refresh_expires_at = clock_timestamp() + interval '80 days' WHERE id = :id
"""


@dataclass
class House:
    """The product's database. `ids` are the shops' ids, `rewards` their one reward's, by place."""

    owner: Engine
    ids: list[int]
    rewards: list[int]

    def rows(self, query: str, **values: Any) -> list[dict[str, Any]]:
        with self.owner.connect() as connection:
            return [dict(row) for row in connection.execute(text(query), values).mappings()]

    def run(self, statement: str, **values: Any) -> None:
        with self.owner.begin() as connection:
            connection.execute(text(statement), values)

    def unfinished(self) -> dict[str, int]:
        """How many rows still wait, by table; empty when everything is done."""
        counts = {
            table: self.rows(f"SELECT count(*) AS n FROM {table} WHERE {where}")[0]["n"]
            for table, where in UNFINISHED.items()
        }
        return {table: count for table, count in counts.items() if count}

    def carts_due(self) -> int:
        """Enrollments whose moment has come in business time."""
        due = """
            SELECT count(*) AS n FROM enrollments, clock WHERE state = 'waiting'
            AND wake_at <= clock_timestamp() + make_interval(secs => offset_seconds)
        """
        return int(self.rows(due)[0]["n"])

    def hurry(self, leases_too: bool = False) -> None:
        """What waits for a later try is due now: minutes of patience, spared. Leases only when nobody can hold one."""
        self.run("UPDATE inbox SET next_attempt_at = NULL WHERE state = 'new' AND next_attempt_at IS NOT NULL")
        for table, waiting in {"outbox": "pending", "messages": "queued"}.items():
            whose = "" if leases_too else f"AND lease IS NULL AND state = '{waiting}'"
            self.run(
                f"UPDATE {table} SET next_attempt_at = clock_timestamp() - interval '1 second'"
                f" WHERE {UNFINISHED[table]} AND next_attempt_at > clock_timestamp() {whose}"
            )
        for table in ("breakers", "shared_breakers"):
            self.run(f"UPDATE {table} SET open_until = clock_timestamp() WHERE open_until > clock_timestamp()")
        if leases_too:
            self.run("UPDATE shops SET refreshing_until = NULL WHERE refreshing_until IS NOT NULL")

    def is_up(self) -> bool:
        try:
            return bool(self.rows("SELECT 1"))
        except DBAPIError:
            return False


def build(stack: Stack, worlds: Iterable[World]) -> House:
    """The schema, and five shops open for business: a programme without waiting time, a reward, cart mails."""
    upgrade(stack.postgres.owner_url)
    config.cache_clear()
    make_celery().set_default()
    app._wire()
    url = stack.postgres.owner_url.replace("postgresql://", "postgresql+psycopg://", 1)
    house = House(create_engine(url, pool_pre_ping=True, pool_size=3, max_overflow=8), [], [])
    for world in worlds:
        _open(house, world)
    db.engine().dispose()
    return house


def _open(house: House, world: World) -> None:
    told = {"domain": world.domain, "store_id": world.store_id, "name": "Roasters", "currency": world.currency}
    with house.owner.begin() as connection:
        shop_id = connection.execute(text(INSTALL), told | {"url": f"https://{world.domain}"}).scalar_one()
        pair = {name: secrets.encrypt(shop_id, f"{name}-{world.domain}-0") for name in ("access", "refresh")}
        connection.execute(text(GIVE_TOKENS), pair | {"id": shop_id})
    house.ids.append(shop_id)
    with db.transaction(shop_id) as session:
        shop = shops.shop(session)
        started: datetime = clock.now(session) - ANCIENT
        tiers = tuple(TierDraft(name, least, num, den) for name, least, num, den in model.TIERS)
        draft = ProgramDraft("Club", "bean", "beans", model.POINTS, model.PER_MINOR, return_days=0, tiers=tiers)
        loyalty.save_program(session, shop, "staff:1", draft, started)
        reward = loyalty.add_reward(session, shop, "staff:1", RewardDraft("3 off", REWARD_COST, REWARD_VALUE))
        house.rewards.append(reward.id)
        automation = campaigns.ensure_default(session, shop)
        campaigns.turn_on(session, shop, automation.id)
        automation.started_at = started

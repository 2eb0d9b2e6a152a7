"""Two shops that look alike, with programme, campaign and some history: where the crash tests begin."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import psycopg
import pytest
import sqlalchemy.exc
from sqlalchemy import Engine

from plugin import clock
from plugin.campaigns import operations as campaigns
from plugin.db import engine as db
from plugin.loyalty import operations as loyalty
from plugin.loyalty.programs import ProgramDraft, TierDraft
from plugin.loyalty.rewards import RewardDraft
from plugin.shops import queries as shops
from plugin.shops.models import Shop
from plugin.sync import drain as draining
from tests.chaos import topics
from tests.chaos.tables import Kept
from tests.conftest import DOMAIN, OTHER_DOMAIN, empty, make_shop
from tests.plugin.sync.deliveries import deliver

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
LAUNCH = datetime(2026, 11, 1, tzinfo=UTC)
LOOK_ALIKES = ((DOMAIN, 548380009), (OTHER_DOMAIN, 548380010))
LOST = (psycopg.OperationalError, sqlalchemy.exc.OperationalError)


@dataclass(frozen=True)
class Ground:
    """Two shops that look alike, with programme, campaign and some history; business time stands still."""

    owner: Engine
    shop: Shop
    kept: Kept


@contextmanager
def prepared(owner: Engine) -> Iterator[Ground]:
    """The ground, made once; whoever uses it brings it back first. All tables are empty afterwards."""
    empty(owner)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "machine_now", lambda: NOW)
        pair = [make_shop(owner, domain, store_id) for domain, store_id in LOOK_ALIKES]
        for shop in pair:
            open_for_business(shop)
            for number, (topic, body) in enumerate(topics.before(shop)):
                deliver(owner, shop, topic, body, id=f"before-{number}")
            draining.drain(shop.id)
        with closing(Kept(owner)) as kept:
            yield Ground(owner, pair[0], kept)
    empty(owner)


def open_for_business(shop: Shop) -> None:
    with db.transaction(shop.id) as session:
        mine = shops.shop(session)
        tiers = (TierDraft("Bronze", 0), TierDraft("Silver", 20_00, 5, 4))
        draft = ProgramDraft("Club", "bean", "beans", 3, 100, return_days=0, tiers=tiers)
        loyalty.save_program(session, mine, "staff:1", draft, LAUNCH).history_after = None
        loyalty.add_reward(session, mine, "staff:1", RewardDraft("5 off", 50, 5_00))
        automation = campaigns.ensure_default(session, mine)
        campaigns.turn_on(session, mine, automation.id)
        automation.started_at = LAUNCH

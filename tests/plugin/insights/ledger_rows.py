"""Ledgers of any shape, written as rows: what the figures must add up, whoever wrote it."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from sqlalchemy import insert
from sqlalchemy.orm import Session

from plugin.commerce.models import Customer
from plugin.db import engine as db
from plugin.loyalty.models import PointAccount, PointEntry
from plugin.shops.models import Shop

START = datetime(2025, 11, 3, 22, 30, tzinfo=UTC)
KINDS = {
    "earn": ("sales", 1), "claw": ("sales", -1), "forgive": ("sales", 1), "redeem": ("rewards", -1),
    "return": ("rewards", 1), "expire": ("breakage", -1), "unexpire": ("breakage", 1), "adjust": ("staff", 0),
    "bonus": ("actions", 1), "unbonus": ("referrals", -1), "import": ("imports", 1), "unheard_of": ("mystery", 0),
}  # fmt: skip


def accounts(shop: Shop, *customer_ids: int) -> None:
    with db.transaction(shop.id) as session:
        for customer_id in customer_ids:
            session.add(Customer(shop_id=shop.id, id=customer_id))
            session.flush()
            session.add(PointAccount(shop_id=shop.id, customer_id=customer_id))


def entry(
    session: Session, shop: Shop, number: int, kind: str, points: int, moment: datetime, account: str, whose: int = 1
) -> None:
    row = {"shop_id": shop.id, "customer_id": whose, "kind": kind, "points": points, "counter_account": account}
    dates = {"occurred_at": moment, "created_at": moment}
    session.execute(insert(PointEntry).values(**row, **dates, key=f"{kind}:{number}", explanation={}))


def scatter(shop: Shop, seed: int, count: int) -> None:
    """So many random movements over half a year, some written long after what they are about."""
    rng = random.Random(seed)
    with db.transaction(shop.id) as session:
        for number in range(count):
            kind = rng.choice(sorted(KINDS))
            account, sign = KINDS[kind]
            points = rng.randint(1, 5_000) * (sign or rng.choice((1, -1)))
            moment = START + timedelta(minutes=rng.randrange(180 * 24 * 60))
            entry(session, shop, seed * 10_000 + number, kind, points, moment, account)

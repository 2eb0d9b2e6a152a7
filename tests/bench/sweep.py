"""sweep: milliseconds to claim a thousand due carts with many waiting, next to the same with few waiting."""

from __future__ import annotations

from datetime import timedelta
from time import perf_counter

from plugin import clock
from plugin.campaigns import operations as campaigns
from plugin.campaigns import waking
from plugin.db import engine as db
from plugin.shops import queries as shops
from plugin.shops.models import Shop
from tests.bench.figures import Figure, middle
from tests.bench.house import House, make_shop

MANY = 300_000  # a million takes a minute to fill
FEW = 10_000
DUE = 1_000
ROUNDS = 9
GOAL = 1.5
FILL = """
    INSERT INTO enrollments (shop_id, automation_id, version, subject_key, checkout_token, email, wake_at, entered_at)
    SELECT %(shop)s, %(automation)s, %(version)s, 'checkout:' || n, 'c' || n, 'person' || n || '@example.com',
        %(now)s + CASE WHEN n %% %(every)s = 0 THEN interval '-1 minute' ELSE n * interval '1 second' END, %(now)s
    FROM generate_series(1, %(many)s) AS n
"""


def run(house: House) -> Figure:
    few, many = _fill(house, 601, FEW), _fill(house, 602, MANY)
    for shop in (few, many):
        _claim_ms(shop)
    pairs = [(_claim_ms(many), _claim_ms(few)) for _ in range(ROUNDS)]
    ours, baseline = middle([pair[0] for pair in pairs]), middle([pair[1] for pair in pairs])
    with house.owner() as owner:
        owner.execute("DELETE FROM enrollments")
    return Figure("sweep", ours, baseline, GOAL, less_is_better=True, detail={"unit": "ms", "waiting": MANY})


def _fill(house: House, number: int, many: int) -> Shop:
    shop = make_shop(house, number)
    with db.transaction(shop.id) as session:
        automation = campaigns.ensure_default(session, shops.shop(session))
        asked = {"shop": shop.id, "automation": automation.id, "version": automation.version, "many": many}
        asked |= {"every": many // DUE, "now": clock.now(session) - timedelta(minutes=5)}
    with house.owner() as owner:
        owner.execute(FILL, asked)
        owner.execute("ANALYZE enrollments")
    return shop


def _claim_ms(shop: Shop) -> float:
    """Claimed and let go again: nothing is written."""
    with db.transaction(shop.id) as session:
        found = shops.shop(session)
        started = perf_counter()
        claimed = waking._claim(session, found, DUE)
        taken = (perf_counter() - started) * 1000
    assert len(claimed) == DUE, len(claimed)
    return taken

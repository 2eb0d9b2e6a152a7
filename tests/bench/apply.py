"""apply: webhooks a second from the inbox to the settled ledger, one worker."""

from __future__ import annotations

from plugin.sync.drain import drain
from tests.bench import bodies
from tests.bench.copying import copy_seconds
from tests.bench.figures import Figure, of_rounds, seconds
from tests.bench.house import House, make_shop

ORDERS = 2000
CUSTOMERS = 1000
ROUNDS = 3
GOAL = 0.15
FILL = "INSERT INTO inbox (shop_id, webhook_id, topic, triggered_at, body) VALUES (%s, %s, %s, %s, %s)"


def run(house: House) -> Figure:
    _round(house, 100, ORDERS // 5)  # code and plans warm, pools open
    rounds = [_round(house, 101 + number, ORDERS) for number in range(ROUNDS)]
    return of_rounds("apply", rounds, GOAL, detail={"unit": "webhooks/s", "webhooks": ORDERS})


def _round(house: House, number: int, orders: int) -> tuple[float, float]:
    shop = make_shop(house, number, programme=True)
    with house.owner() as owner:
        rows = (
            (shop.id, str(each), "orders/create", bodies.moment(each), bodies.order(each, CUSTOMERS, shop.id))
            for each in range(orders)
        )
        owner.cursor().executemany(FILL, rows)
        owner.execute("ANALYZE inbox")
        ours = seconds(lambda: drain(shop.id, 120))
        left = owner.execute("SELECT count(*) FROM inbox WHERE shop_id = %s AND state <> 'done'", [shop.id]).fetchone()
        earned = owner.execute("SELECT count(*) FROM point_entries WHERE shop_id = %s", [shop.id]).fetchone()
        assert left == (0,) and earned and earned[0] >= orders, (left, earned)
        return orders / ours, orders / copy_seconds(owner, shop)

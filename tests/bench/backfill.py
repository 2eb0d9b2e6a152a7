"""backfill: orders a second from a bulk result into the tables, ledger settled; and the same for the mirror alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from plugin.db import engine as db
from plugin.shops import queries as shops
from plugin.sync import backfill, importing
from tests.bench import bodies
from tests.bench.copying import copy_seconds
from tests.bench.figures import Figure, of_rounds, seconds
from tests.bench.house import House, make_shop

ORDERS = 5_000
CUSTOMERS = 2_000
ROUNDS = 3
GOAL = 0.25
READ_AT = datetime(2026, 11, 20, tzinfo=UTC)


def run(house: House) -> Figure:
    _round(house, 200, ORDERS // 10)  # code and plans warm, pools open
    rounds = [_round(house, 200 + number, ORDERS) for number in range(1, ROUNDS + 1)]
    mirror = of_rounds("mirror", [_round(house, 250, ORDERS, programme=False)], GOAL)
    detail = {"unit": "orders/s", "orders": ORDERS, "ratio_without_programme": round(mirror.ratio, 3)}
    return of_rounds("backfill", rounds, GOAL, detail=detail)


def _round(house: House, number: int, orders: int, programme: bool = True) -> tuple[float, float]:
    shop = make_shop(house, number, programme)
    customers = list(bodies.customer_lines(CUSTOMERS))
    lines = list(bodies.order_lines(0, orders, CUSTOMERS))
    import_lines(shop.id, "customers", customers)
    ours = seconds(lambda: import_lines(shop.id, "orders", lines))
    with house.owner() as owner:
        earned = owner.execute("SELECT count(*) FROM point_entries WHERE shop_id = %s", [shop.id]).fetchone()
        assert earned and (earned[0] >= orders) == programme, earned
        return orders / ours, orders / copy_seconds(owner, shop)


def import_lines(shop_id: int, kind: str, lines: Iterable[bytes]) -> None:
    """Lines of a bulk result into a shop, a transaction a chunk."""
    shop = shops.by_id(shop_id)
    for chunk in backfill.ahead(shop, kind, backfill.chunks(kind, _with_ends(lines)), READ_AT):
        with db.transaction(shop_id) as session:
            backfill.write(session, shop, kind, chunk, READ_AT)
    while kind == "orders" and importing.settle(shop):
        pass


def _with_ends(lines: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    end = 0
    for line in lines:
        end += len(line)
        yield end, line.rstrip(b"\n")

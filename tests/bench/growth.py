"""backfill_memory: the peak of memory of an import of many lines, next to one of ten thousand.

Each import runs in a process of its own: `python -m tests.bench.growth SHOP LINES` tells its peak in KiB. A third of
the lines are orders, the others theirs. `BENCH_LINES=1000000` is the size of the promise; it takes minutes.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys

from plugin.config import ROOT
from plugin.jobs import collector
from plugin.shops.models import Shop
from tests.bench import bodies
from tests.bench.backfill import import_lines
from tests.bench.figures import Figure
from tests.bench.house import House, make_shop

FEW = 10_000
MANY = int(os.environ.get("BENCH_LINES", "40000"))
ORDERS_A_CUSTOMER = 3
LINES_AN_ORDER = bodies.LINES_AN_ORDER + 1
GOAL = 1.15


def run(house: House) -> Figure:
    few, many = make_shop(house, 501, programme=True), make_shop(house, 502, programme=True)
    small, large = _peak_mib(few, FEW), _peak_mib(many, MANY)
    with house.owner() as owner:
        kept = owner.execute("SELECT count(*) FROM orders WHERE shop_id = %s", [many.id]).fetchone()
        assert kept == (MANY // LINES_AN_ORDER,), kept
    return Figure("backfill_memory", large, small, GOAL, less_is_better=True, detail={"unit": "MiB", "lines": MANY})


def _peak_mib(shop: Shop, lines: int) -> float:
    command = [sys.executable, "-m", "tests.bench.growth", str(shop.id), str(lines)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return int(ran.stdout) / 1024


def main(shop_id: int, lines: int) -> None:
    """Import so many lines of orders and print the peak of this process's memory in KiB."""
    collector.relax()
    orders = lines // LINES_AN_ORDER
    customers = orders // ORDERS_A_CUSTOMER
    import_lines(shop_id, "customers", bodies.customer_lines(customers))
    import_lines(shop_id, "orders", bodies.order_lines(0, orders, customers))
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))

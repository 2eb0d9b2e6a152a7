"""`python -m tests.bench [receive apply backfill …]`: a JSON line a figure, all of them in about four minutes."""

from __future__ import annotations

import sys
from collections.abc import Callable

import structlog

from tests.bench import (
    apply,
    backfill,
    end_to_end,
    growth,
    panel,
    receive,
    redeem,
    render,
    replay,
    settle,
    storefront,
    sweep,
    tiers,
)
from tests.bench.figures import Figure
from tests.bench.house import House, house

FIGURES: dict[str, Callable[[House], Figure | list[Figure]]] = {
    "receive": receive.run,
    "apply": apply.run,
    "backfill": backfill.run,
    "backfill_memory": growth.run,
    "settle": settle.run,
    "redeem": redeem.run,
    "replay": replay.run,
    "tiers": tiers.run,
    "sweep": sweep.run,
    "render": render.run,
    "panel": panel.run,
    "storefront": storefront.run,
    "end_to_end": end_to_end.run,  # with memory_web and memory_worker
}


def main(wanted: list[str]) -> None:
    """Run the figures named, or all of them."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    with house() as ours:
        for name in wanted or FIGURES:
            found = FIGURES[name](ours)
            for figure in found if isinstance(found, list) else [found]:
                print(figure.line(), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])

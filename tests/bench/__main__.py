"""`python -m tests.bench [receive apply backfill panel]`: a JSON line a figure, within five minutes."""

from __future__ import annotations

import sys
from collections.abc import Callable

import structlog

from tests.bench import apply, backfill, panel, receive
from tests.bench.figures import Figure
from tests.bench.house import House, house

FIGURES: dict[str, Callable[[House], Figure]] = {
    "receive": receive.run,
    "apply": apply.run,
    "backfill": backfill.run,
    "panel": panel.run,
}


def main(wanted: list[str]) -> None:
    """Run the figures named, or all of them."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    with house() as ours:
        for name in wanted or FIGURES:
            print(FIGURES[name](ours).line(), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])

"""Python's cycle collector, set for a process that makes many rows and hardly a cycle.

With the defaults it walks the rows of a batch again and again while they are being made: 45 % of the processor time of
a backfill. References alone free them; cycles are still found, later.
"""

from __future__ import annotations

import gc

YOUNG_OBJECTS = 50_000  # half a chunk of a backfill, about; the default is 700, and more than this gains nothing
ROUNDS = 10


def relax() -> None:
    """Look at young objects rarely, and never again at what is here already: that is code, and forks share it."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, ROUNDS, ROUNDS)

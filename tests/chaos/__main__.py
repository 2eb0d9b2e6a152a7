"""`make chaos`: real processes, signed traffic of five shops, faults; then a count of what went wrong.

SEED (1) and MINUTES (3) choose the run; MUTANTS=1 shows instead that broken variants are caught. The last line says it
all; the status is 1 unless every count is zero, at least 1,000 webhooks were acknowledged and faults took effect.
"""

from __future__ import annotations

import os
import sys

from tests.chaos.mutants.run import catch_all
from tests.chaos.storm import LEAST_ACKED, Ended, run

MOST_LINES = 60


def main() -> int:
    seed = int(os.environ.get("SEED") or 1)
    if os.environ.get("MUTANTS"):
        return 0 if catch_all(seed) else 1
    ended = run(seed, 60 * float(os.environ.get("MINUTES") or 3))
    good = tell(seed, ended)
    print(f"acked {ended.acked} kills {ended.kills} {ended.report.summary}", flush=True)
    return 0 if good else 1


def tell(seed: int, ended: Ended) -> bool:
    """Print faults and differences; whether all is well."""
    print("faults: " + ", ".join(f"{name} {times}" for name, times in sorted(ended.faults.items()) if times))
    complaints = list(ended.report.lines())
    if ended.acked < LEAST_ACKED:
        complaints.append(f"only {ended.acked} webhooks were acknowledged; {LEAST_ACKED} are needed to say anything")
    if not ended.kills or not any(ended.faults.values()):
        complaints.append("no fault took effect")
    if complaints:
        print(f"seed {seed}: {len(complaints)} complaints")
        print("\n".join(complaints[:MOST_LINES]))
    return not complaints


if __name__ == "__main__":
    sys.exit(main())

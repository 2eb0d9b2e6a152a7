"""The platform's leaky bucket, as its answers describe it (shopify.dev: "API rate limits").

Points per app and store; the size and the speed are never assumed, only read from `extensions.cost.throttleStatus`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

SHORTEST_WAIT_SECONDS = 0.1


@dataclass
class Bucket:
    """What one store's bucket held when it last told; `clock` gives monotonic seconds."""

    clock: Callable[[], float]
    available: float | None = None
    restore_rate: float = 50.0
    maximum: float = 1000.0
    told_at: float = 0.0
    costs: dict[str, float] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    def wait(self, operation: str, reserve: float = 0.0) -> float:
        """Seconds until the bucket should hold what this operation asked for last time; 0 when nothing is known.

        `reserve` is the share of the whole bucket that must be left afterwards.
        """
        with self.lock:
            return self._missing_seconds(self.costs.get(operation, 0.0) + reserve * self.maximum)

    def learn(self, operation: str, cost: dict[str, Any] | None) -> None:
        """Take over what an answer's `extensions.cost` says."""
        status = (cost or {}).get("throttleStatus")
        if not cost or not status:
            return
        with self.lock:
            self.costs[operation] = float(cost.get("requestedQueryCost") or 0)
            self.available = float(status["currentlyAvailable"])
            self.restore_rate = max(float(status["restoreRate"]), 0.1)
            self.maximum = float(status["maximumAvailable"])
            self.told_at = self.clock()

    def _missing_seconds(self, cost: float) -> float:
        if self.available is None:
            return 0.0
        now_there = min(self.available + (self.clock() - self.told_at) * self.restore_rate, self.maximum)
        missing = min(cost, self.maximum) - now_there
        return max(missing / self.restore_rate, 0.0)


def throttled_seconds(cost: dict[str, Any] | None) -> float:
    """How long a THROTTLED answer asks to wait: (requested − available) / restore rate."""
    status = (cost or {}).get("throttleStatus")
    if not cost or not status:
        return 1.0
    missing = float(cost.get("requestedQueryCost") or 0) - float(status["currentlyAvailable"])
    return max(missing / max(float(status["restoreRate"]), 0.1), SHORTEST_WAIT_SECONDS)

"""One figure: ours next to its baseline in the same run, as a line of JSON. Absolute times say nothing, ratios do."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median
from time import perf_counter
from typing import Any


@dataclass(frozen=True)
class Figure:
    """`goal` is reached when `ratio` is at least that, or at most when `less_is_better`."""

    name: str
    ours: float
    baseline: float
    goal: float
    less_is_better: bool = False
    detail: dict[str, Any] = field(default_factory=dict)

    @property
    def ratio(self) -> float:
        return self.ours / self.baseline if self.baseline else 0.0

    @property
    def reached(self) -> bool:
        return self.ratio <= self.goal if self.less_is_better else self.ratio >= self.goal

    def line(self) -> str:
        told = {"name": self.name, "ours": round(self.ours, 1), "baseline": round(self.baseline, 1)}
        goal = f"<= {self.goal}" if self.less_is_better else f">= {self.goal}"
        return json.dumps(told | {"ratio": round(self.ratio, 3), "goal": goal, "reached": self.reached} | self.detail)


def of_rounds(name: str, rounds: Sequence[tuple[float, float]], goal: float, **more: Any) -> Figure:
    """The round whose ratio is the median one."""
    ordered = sorted(rounds, key=lambda pair: pair[0] / pair[1])
    ours, baseline = ordered[len(ordered) // 2]
    return Figure(name, ours, baseline, goal, **more)


def seconds(work: Callable[[], object]) -> float:
    started = perf_counter()
    work()
    return perf_counter() - started


def middle(values: Sequence[float]) -> float:
    return median(values)

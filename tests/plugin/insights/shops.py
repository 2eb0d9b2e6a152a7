"""Pretend shops for the statistics: people with many zeros and a few very large sums, and a programme of known effect.

A shop's people are a fixed crowd of which every run draws its own customers, so the true lift is known exactly: the
difference of the crowd's two means, had everybody been in the programme or nobody. They are drawn by tables of ten
who have nothing to do with each other, which is the same and quicker.
"""

from __future__ import annotations

import itertools
import math
import random
from typing import Any, NamedTuple

from plugin.insights.profit_rules import Sums

CROWD = 60_000
TABLE = 10
HABITS, BASKETS = 0.8, 0.7  # how unequal people are in how often they come, and orders in their size
LOOKS = (4, 8, 13, 17, 21, 26, 30, 34, 39, 43, 47, 52)  # weeks at which somebody impatient looks
Moments = tuple[float, ...]


class Crowd(NamedTuple):
    """The moments of every table, without the programme and with it, and what the programme truly brings a person."""

    without: list[Moments]
    having: list[Moments]
    lift: float


def crowd(effect: float, seed: int, orders: float = 0.5, people: int = CROWD) -> Crowd:
    """People who place about `orders` orders in the time looked at, and twice as many before it.

    The programme makes them come `effect` more often.
    """
    rng = random.Random(seed)
    without, having = [], []
    for _ in range(people):
        often = _habit(rng) * orders
        before = _spent(rng, 2 * often)
        without.append(_moments(_spent(rng, often), before))
        having.append(_moments(_spent(rng, often * (1 + effect)), before))
    if not effect:
        having = without
    mean, other = (math.fsum(person[2] for person in side) / people for side in (without, having))
    return Crowd(_tables(without), _tables(having), other - mean)


def run(rng: random.Random, shop: Crowd, programme: int, holdout: int) -> tuple[Sums, Sums]:
    """One shop's customers: so many with the programme and so many without."""
    return drawn(rng, shop.having, programme), drawn(rng, shop.without, holdout)


def drawn(rng: random.Random, tables: list[Moments], people: int) -> Sums:
    return _sums(_added(rng.choices(tables, k=people // TABLE)))


def lives(seed: int, people: int = 15_000) -> list[Moments]:
    """Tables of people as they stand at each of LOOKS, one look after the other: a third had bought before, the others
    come in the course of the year."""
    rng = random.Random(seed)
    return _tables([_life(rng) for _ in range(people)])


def at_looks(rng: random.Random, tables: list[Moments], people: int) -> list[Sums]:
    """One side of a shop at each look."""
    width = len(Sums.__dataclass_fields__)
    column = _added(rng.choices(tables, k=people // TABLE))
    return [_sums(column[start : start + width]) for start in range(0, width * len(LOOKS), width)]


def _life(rng: random.Random) -> Moments:
    often = _habit(rng) * 0.05  # orders a week
    came = 0 if rng.random() < 1 / 3 else rng.randrange(52)
    before = _spent(rng, often * 40) if not came else 0.0
    life, spent, since = [], 0.0, came
    for look in LOOKS:
        if look <= came:
            life += _NOBODY
            continue
        spent += _spent(rng, often * (look - since))
        since = look
        life += _moments(spent, before)
    return tuple(life)


def _habit(rng: random.Random) -> float:
    return rng.lognormvariate(-HABITS * HABITS / 2, HABITS)


def _spent(rng: random.Random, orders: float) -> float:
    return sum(rng.lognormvariate(3.6, BASKETS) for _ in range(_poisson(rng, orders)))


def _poisson(rng: random.Random, mean: float) -> int:
    """Knuth's way: how many uniform numbers can be multiplied before the product falls below e^-mean."""
    limit, product = math.exp(-min(mean, 50.0)), 1.0
    for count in itertools.count():
        product *= rng.random()
        if product <= limit:
            return count
    raise AssertionError


def _moments(y: float, x: float) -> Moments:
    return (1, y > 0, y, x, y * y, x * y, x * x, y * y * y, x * y * y, x * x * y, x * x * x)


_NOBODY = (0.0,) * len(Sums.__dataclass_fields__)


def _sums(moments: Moments) -> Sums:
    people, buyers, *rest = moments
    powers: Any = rest
    return Sums(int(people), int(buyers), *powers)


def _tables(people: list[Moments]) -> list[Moments]:
    return [_added(people[start : start + TABLE]) for start in range(0, len(people), TABLE)]


def _added(several: list[Moments]) -> Moments:
    return tuple(map(sum, zip(*several, strict=True)))

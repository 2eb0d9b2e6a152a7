"""What the programme brings: profit per customer with it and without it, and how sure that is. Pure arithmetic.

Both sides of the split are everybody, not only those who bought or redeemed: choosing by what people did would compare
different people. Spending has many zeros and a few very large sums, so:

- What a customer had bought before is taken out first (CUPED: Deng, Xu, Kohavi, Walker, "Improving the Sensitivity of
  Online Controlled Experiments by Utilizing Pre-Experiment Data", WSDM 2013). The split was blind to it, so it can only
  be luck, and luck of that kind is most of the noise.
- The sides are of unequal size and spread: Welch's standard error and degrees of freedom (Welch, Biometrika 34, 1947).
- A few large sums make the plain interval lean: it is bent back by Hall's transformation, which does from third moments
  what the bootstrap-t does by resampling (Hall, "On the Removal of Skewness by Transformation", JRSS B 54, 1992).

Everything comes from sums, which add up over any parts of the customers, so a shop of any size is read in one pass.

Whoever looks every week and stops when the result pleases finds a win in nearly every shop. So the interval may be
looked at at any time, and a verdict is given only on the days of READINGS, each by an interval so much wider that all
of them together are wrong in at most 5 of 100 shops (Bonferroni's inequality; it needs nothing of how readings hang
together, and costs less here than intervals that hold at every moment: 2.64 standard errors instead of 3 or more).

Money is in minor units; means and intervals are fractions of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from statistics import NormalDist
from typing import Final, Literal

Verdict = Literal["more", "less", "same", "open"]

CONFIDENCE: Final = 0.95
READINGS: Final = (4, 8, 13, 26, 52, 104)  # full weeks since the split began: two months, a quarter, and doublings
STRICT: Final = 1 - (1 - CONFIDENCE) / len(READINGS)
USEFUL: Final = 0.05  # a lift worth knowing, as a share of the profit per customer without the programme
FEWEST_BUYERS: Final = 100  # on each side: below, even a bent interval promises a little more than it keeps
MOST_WEEKS: Final = READINGS[-1]
_NORMAL = NormalDist()


@dataclass(frozen=True)
class Sums:
    """One side: customers, those who bought, and the sums of profit `y` and earlier spend `x` in their powers."""

    people: int = 0
    buyers: int = 0
    y: float = 0.0
    x: float = 0.0
    yy: float = 0.0
    xy: float = 0.0
    xx: float = 0.0
    yyy: float = 0.0
    xyy: float = 0.0
    xxy: float = 0.0
    xxx: float = 0.0

    def __add__(self, other: Sums) -> Sums:
        return Sums(*(one + two for one, two in zip(astuple(self), astuple(other), strict=True)))

    @property
    def mean(self) -> float:
        return self.y / self.people if self.people else 0.0

    def spread(self) -> tuple[float, float, float]:
        """Variance of y, of x, and their covariance, each as of a sample."""
        n, free = self.people, max(self.people - 1, 1)
        return (
            max(0.0, self.yy - self.y * self.y / n) / free,
            max(0.0, self.xx - self.x * self.x / n) / free,
            (self.xy - self.x * self.y / n) / free,
        )

    def third_moment(self, theta: float) -> float:
        """The third central moment of y − theta·x."""
        first = (self.y - theta * self.x) / self.people
        second = self.yy - 2 * theta * self.xy + theta * theta * self.xx
        third = self.yyy - 3 * theta * self.xyy + 3 * theta**2 * self.xxy - theta**3 * self.xxx
        return (third - 3 * first * second) / self.people + 2 * first**3


@dataclass(frozen=True)
class Interval:
    low: float
    high: float

    def holds(self, value: float) -> bool:
        return self.low <= value <= self.high

    @property
    def half(self) -> float:
        return (self.high - self.low) / 2


@dataclass(frozen=True)
class Lift:
    """Profit per customer on both sides, corrected for what they had bought before, and the difference."""

    programme: float
    holdout: float
    correction: tuple[float, float]  # what the correction added to each side's plain mean
    error: float  # the standard error of the difference
    interval: Interval  # holds the truth in 95 of 100 shops, read once
    strict: Interval  # all readings together are wrong in at most 5 of 100 shops
    enough: bool  # there are buyers enough on both sides for either to be believed

    @property
    def difference(self) -> float:
        return self.programme - self.holdout

    def share(self, value: float) -> float | None:
        """An amount as a share of the profit without the programme; None where there is none to compare with."""
        return value / self.holdout if self.holdout > 0 else None


def lift(programme: Sums, holdout: Sums) -> Lift | None:
    """The comparison; None with fewer than two customers on a side."""
    sides = (programme, holdout)
    if min(side.people for side in sides) < 2:
        return None
    theta = _theta(sides)
    everybody = (programme.x + holdout.x) / (programme.people + holdout.people)
    correction = (
        theta * (everybody - programme.x / programme.people),
        theta * (everybody - holdout.x / holdout.people),
    )
    means = programme.mean + correction[0], holdout.mean + correction[1]
    parts = [_variance(side, theta) / side.people for side in sides]
    error, freedom = math.sqrt(sum(parts)), _freedom(parts, sides)
    lean = _lean(sides, theta, error)
    return Lift(
        programme=means[0],
        holdout=means[1],
        correction=correction,
        error=error,
        interval=_interval(means[0] - means[1], error, lean, _student(CONFIDENCE, freedom)),
        strict=_interval(means[0] - means[1], error, lean, _student(STRICT, freedom)),
        enough=min(side.buyers for side in sides) >= FEWEST_BUYERS,
    )


def _freedom(parts: Sequence[float], sides: Sequence[Sums]) -> float:
    """Welch 1947: degrees of freedom of two means of unequal spread; `parts` are their squared errors."""
    shares = sum(part * part / (side.people - 1) for part, side in zip(parts, sides, strict=True))
    return sum(parts) ** 2 / shares if shares else 1.0


def _theta(sides: Sequence[Sums]) -> float:
    """The weight of earlier spend that leaves the least variance of the difference; 0 where nobody bought before.

    Deng et al. 2013, equation 4, with each side's moments over its own size: so it never does worse than leaving
    earlier spend alone, whatever the sizes.
    """
    spreads = [(*side.spread()[1:], side.people) for side in sides]
    across = sum(variance / people for variance, _, people in spreads)
    return sum(covariance / people for _, covariance, people in spreads) / across if across > 0 else 0.0


def _variance(side: Sums, theta: float) -> float:
    of_y, of_x, both = side.spread()
    return max(0.0, of_y - 2 * theta * both + theta * theta * of_x)


def _lean(sides: Sequence[Sums], theta: float, error: float) -> float:
    """The skewness of the difference of the means: each side's third moment over the square of its size."""
    if not error:
        return 0.0
    programme, holdout = (side.third_moment(theta) / side.people**2 for side in sides)
    return (programme - holdout) / error**3


def _interval(difference: float, error: float, lean: float, quantile: float) -> Interval:
    """Hall 1992: g(t) = t + a·t²/3 + a²·t³/27 + a/6 is nearly normal; its inverse bends the quantiles."""
    low, high = (difference - error * _bent(bound, lean) for bound in (quantile, -quantile))
    return Interval(low, high)


def _bent(quantile: float, lean: float) -> float:
    if abs(lean) < 1e-9:
        return quantile
    return 3 / lean * (math.cbrt(1 + lean * (quantile - lean / 6)) - 1)


def _student(confidence: float, freedom: float) -> float:
    """The two-sided quantile of Student's t by Fisher's expansion (Abramowitz and Stegun 26.7.5), to 1 % from 5 on."""
    z = _NORMAL.inv_cdf((1 + confidence) / 2)
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / freedom + second / freedom**2 + third / freedom**3


def verdict(found: Lift | None) -> Verdict:
    """What a reading says: more or less profit with the programme, no useful difference, or not known yet."""
    if found is None or not found.enough:
        return "open"
    if found.strict.low > 0:
        return "more"
    if found.strict.high < 0:
        return "less"
    useful = USEFUL * found.holdout
    return "same" if -useful < found.strict.low and found.strict.high < useful else "open"


def weeks_left(found: Lift | None, week: int) -> int | None:
    """About how many weeks until a reading can see a useful lift; None when that is beyond the last reading.

    Both more customers and a longer time make the interval narrower: with a steady inflow, and with each customer's
    spend adding up, its width against the profit per customer falls with the square root of the weeks. The reading is
    the first one at which it will be as narrow as a useful lift is large.
    """
    if found is None or week < 1 or found.holdout <= 0:
        return None
    times = (found.strict.half / (USEFUL * found.holdout)) ** 2
    needed = max(week * times, week + 1 if not found.enough else 0)
    at = next((reading for reading in READINGS if reading >= needed and reading > week), None)
    return at - week if at is not None else None


def visible(found: Lift, week: int, at: int) -> float | None:
    """The smallest lift, as a share, that the reading of a later week will tell from none; by the same reckoning."""
    return found.share(found.strict.half * math.sqrt(week / at))


def next_reading(week: int) -> int | None:
    """The week of the next verdict after this many full weeks; None after the last."""
    return next((reading for reading in READINGS if reading > week), None)


def as_kept(sums: Sums) -> dict[str, float]:
    """Sums as JSON values."""
    return {one.name: getattr(sums, one.name) for one in fields(sums)}

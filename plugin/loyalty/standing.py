"""What counts for tiers, and the tier it gives: pure functions of a customer's orders, referrals and grants.

At a moment count the orders strictly before it, in their present lines, with only the refunds and cancellations dated
before it. So it does not matter in which order the news arrived. Where a tier is lost with the number that brought it,
that is all; the others are followed along time (tiers/walking.py).
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from plugin.loyalty.counting import counted, points_of
from plugin.loyalty.rules import (
    OrderState,
    ProgramRules,
    TierRules,
    days_later,
    in_zone,
    not_counted,
    program_at,
    tier_for,
    why_not,
)
from plugin.loyalty.tiers import terms
from plugin.loyalty.tiers.terms import Metric
from plugin.loyalty.tiers.walking import State, Walk

Position = tuple[datetime, int]  # an order's moment and id
LAST = 2**63 - 1  # the id of a position after every order of a moment
EVER: Final = datetime(1, 1, 1, tzinfo=UTC)
INSTANT: Final = timedelta(microseconds=1)


class Grant(NamedTuple):
    """A tier given by hand over [starts, ends)."""

    id: int
    origin: int
    starts: datetime
    ends: datetime | None


class Referred(NamedTuple):
    """A friend that counts from one moment, and no longer from another."""

    moment: datetime
    ended: datetime | None = None


class Dated(NamedTuple):
    """What counts for a customer beside orders."""

    grants: tuple[Grant, ...] = ()
    referrals: tuple[Referred, ...] = ()


NOTHING: Final = Dated()
Earned = Callable[[OrderState, datetime | None], int]  # points of an order, as of a moment


class Stand(NamedTuple):
    """Where somebody stands. `measures` in the order of the ladder's metrics; `state` where tiers outlast numbers."""

    tier: TierRules | None
    spend_minor: int
    measures: tuple[int, ...]
    earned: TierRules | None  # without grants
    grant: Grant | None  # the one that gives the tier
    state: State | None


def _unearned(order: OrderState, before: datetime | None) -> int:
    return 0


class History:
    """One customer's history under one program version's idea of what counts."""

    def __init__(
        self,
        orders: Iterable[OrderState],
        program: ProgramRules,
        dated: Dated = NOTHING,
        earned: Earned = _unearned,
    ) -> None:
        self._program = program._replace(paused=False)  # a pause stops points, not spend
        self._ladder = program.document.tiers
        self._dated, self._earned = dated, earned
        self._plain = terms.is_plain(self._ladder, program.tiers)
        self._by_spend = self._plain and self._ladder.metrics == ("spend",) and not dated.grants
        self._positions: list[Position] = []
        self._orders: list[OrderState] = []
        self._sums: list[int] = [0]
        self._counts: list[int] = [0]
        self._changing: list[OrderState] = []
        for order in sorted((o for o in orders if o.moment is not None), key=position_of):
            self._add(order)
        self._walks: dict[str, Walk] = {}

    def spend(self, position: Position, timezone: str) -> int:
        """Money spent in the window that ends just before `position`, in minor units; never below zero."""
        return self._sum("spend", position, window_start(self._program, position, timezone), position[0])

    def tier(self, position: Position, timezone: str) -> tuple[TierRules | None, int]:
        """The tier at a position, and the spend in the window."""
        if not self._program.tiers:
            return None, 0
        stand = self.stand(position, timezone)
        return stand.tier, stand.spend_minor

    def stand(self, position: Position, timezone: str) -> Stand:
        """Where the customer stands just before a position."""
        tiers = self._program.tiers
        if self._by_spend:  # nearly every programme, and every order asks
            spend = self.spend(position, timezone)
            tier = tier_for(spend, tiers)
            return Stand(tier, spend, (spend,), tier, None, None)
        measures = self.measures(position, timezone)
        state = None
        if self._plain:
            rank = self.reached(measures)
        else:
            state = self._walk(timezone).at(position)
            rank = state.held
        grant = self._granted(position[0], rank)
        earned = tiers[rank - 1] if rank else None
        tier = earned if grant is None else next(tier for tier in tiers if tier.origin == grant.origin)
        spend = measures[0] if self._ladder.metrics == ("spend",) else self.spend(position, timezone)
        return Stand(tier, spend, measures, earned, grant, state)

    def measures(self, position: Position, timezone: str, refunded: datetime | None = None) -> tuple[int, ...]:
        """What the window that ends just before `position` holds; refunds up to there, or up to `refunded`."""
        start = window_start(self._program, position, timezone)
        known = refunded or position[0]
        return tuple(self._sum(metric, position, start, known) for metric in self._ladder.metrics)

    def reached(self, measures: Sequence[int]) -> int:
        """The rank (1 is the lowest tier) that these numbers reach, 0 for none; never one that only staff give."""
        return self._rank(measures, terms.entry, len(self._program.tiers))

    def kept(self, measures: Sequence[int], rank: int) -> bool:
        """Whether these numbers are enough to stay in a tier."""
        tier = self._program.tiers[rank - 1]
        return terms.met(self._ladder, [terms.keep(tier, metric) for metric in self._ladder.metrics], measures)

    def instants(self, timezone: str) -> list[Position]:
        """Where numbers may change by themselves or by news: the walk looks just before each, in this order."""
        found: set[Position] = set()
        for order in (*self._orders, *self._changing):
            assert order.moment is not None
            found.add((order.moment, order.id + 1))
            backs = [back.moment for back in order.returns] + [back.moment for back in order.money_back]
            for moment in (*backs, *([order.cancelled_at] if order.cancelled_at else [])):
                found.add((moment + INSTANT, -1))
        for friend in self._dated.referrals:
            found.update((moment + INSTANT, -1) for moment in friend if moment is not None)
        if self._ladder.window == "days":
            found |= self._edges(timezone)
        return sorted(found)

    def _edges(self, timezone: str) -> set[Position]:
        """Where the rolling window lets go."""
        days = self._program.tier_days
        counting = [order.moment for order in (*self._orders, *self._changing)]
        counting += [referred.moment for referred in self._dated.referrals]
        return {(days_later(moment, days, timezone) + INSTANT, -1) for moment in counting if moment is not None}

    def _walk(self, timezone: str) -> Walk:
        if timezone not in self._walks:
            self._walks[timezone] = Walk(self, self._program, timezone)
        return self._walks[timezone]

    def _rank(self, measures: Sequence[int], asked: Callable[[TierRules, Metric], int], upto: int) -> int:
        metrics = self._ladder.metrics
        for rank in range(upto, 0, -1):
            tier = self._program.tiers[rank - 1]
            if not tier.terms.manual and terms.met(self._ladder, [asked(tier, each) for each in metrics], measures):
                return rank
        return 0

    def below(self, measures: Sequence[int], rank: int) -> int:
        """The highest tier under a rank in which these numbers are enough to stay, 0 for none."""
        return self._rank(measures, terms.keep, rank - 1)

    def _granted(self, moment: datetime, rank: int) -> Grant | None:
        """The grant in force that gives more than `rank`."""
        best = None
        for grant in self._dated.grants:
            if grant.starts > moment or (grant.ends is not None and grant.ends <= moment):
                continue
            for number, tier in enumerate(self._program.tiers, start=1):
                if tier.origin == grant.origin and number > rank:
                    best, rank = grant, number
        return best

    def _sum(self, metric: Metric, position: Position, start: Position, known: datetime) -> int:
        if metric == "referrals":
            friends = (each for each in self._dated.referrals if start[0] <= each.moment < position[0])
            return sum(each.ended is None or each.ended >= known for each in friends)
        first, last = bisect_left(self._positions, start), bisect_left(self._positions, position)
        if metric == "spend" and not self._changing:
            return self._sums[last] - self._sums[first]
        within = (order for order in self._changing if start <= position_of(order) < position)
        if metric == "points":
            fixed = sum(self._earned(order, None) for order in self._orders[first:last])
            return fixed + sum(self._earned(order, known) for order in within)
        if metric == "orders":
            fixed = self._counts[last] - self._counts[first]
            return fixed + sum(worth_then(order, self._program, known) > 0 for order in within)
        return self._sums[last] - self._sums[first] + sum(worth_then(o, self._program, known) for o in within)

    def _add(self, order: OrderState) -> None:
        if order.returns or order.money_back or order.cancelled_at is not None:
            self._changing.append(order)
            return
        worth = worth_then(order, self._program, None)
        self._positions.append(position_of(order))
        self._orders.append(order)
        self._sums.append(self._sums[-1] + worth)
        self._counts.append(self._counts[-1] + (worth > 0))


class Histories:
    """Customers' orders, as spend under whichever program version asks; built once each."""

    def __init__(
        self,
        orders: Iterable[OrderState],
        timezone: str,
        programs: tuple[ProgramRules, ...] = (),
        dated: Mapping[int, Dated] | None = None,
    ) -> None:
        self.timezone = timezone
        self.of: dict[int, list[OrderState]] = defaultdict(list)
        for order in orders:
            if order.customer_id is not None:
                self.of[order.customer_id].append(order)
        self._programs, self._dated = programs, dated or {}
        self._ids = frozenset(program.id for program in programs)
        self._besides: dict[int, Histories] = {}
        self._built: dict[tuple[int, int], History] = {}
        self._tiers: dict[int, TierRules | None] = {}  # at the orders of customers whose points count
        self._counting: set[int] = set()

    def tier(self, customer_id: int, program: ProgramRules, position: Position) -> tuple[TierRules | None, int]:
        """The tier of a customer just before a position, and the spend behind it."""
        if not program.tiers:
            return None, 0
        return self.history(customer_id, program).tier(position, self.timezone)

    def history(self, customer_id: int, program: ProgramRules) -> History:
        """A customer's history under a version."""
        key = (customer_id, program.id)
        if self._ids and program.id not in self._ids:
            return self.beside(program).history(customer_id, program)
        if key not in self._built:
            self._count_points(customer_id)
            dated = self._dated.get(customer_id, NOTHING)
            self._built[key] = History(self.of.get(customer_id, ()), program, dated, self._points)
        return self._built[key]

    def beside(self, program: ProgramRules) -> Histories:
        """The same orders under a version that is none of these: a draft."""
        if program.id not in self._besides:
            orders = (order for placed in self.of.values() for order in placed)
            self._besides[program.id] = Histories(orders, self.timezone, (program,), self._dated)
        return self._besides[program.id]

    def _count_points(self, customer_id: int) -> None:
        """Where points count, the tier at an order depends on the points of the ones before: from the oldest on."""
        if customer_id in self._counting or not any("points" in p.document.tiers.metrics for p in self._programs):
            return
        self._counting.add(customer_id)
        for order in sorted((o for o in self.of.get(customer_id, ()) if o.moment is not None), key=position_of):
            program = program_at(self._programs, order.moment)
            if program is not None:
                self._tiers[order.id], _ = self.tier(customer_id, program, position_of(order))

    def _points(self, order: OrderState, before: datetime | None) -> int:
        program = program_at(self._programs, order.moment)
        order = _as_of(order, before)
        if program is None or why_not(order, program):
            return 0
        tier = self._tiers.get(order.id)
        money = counted(order, program.tax_basis, before, program.document, tier, self.timezone)
        return points_of(money, order.currency, program, tier)


def window_start(program: ProgramRules, position: Position, timezone: str) -> Position:
    """Where the window that ends just before `position` begins. Just before a turn of the year it is the old one."""
    window = program.document.tiers.window
    if window == "days":
        return days_later(position[0], -program.tier_days, timezone), -1
    if window == "lifetime":
        return EVER, -1
    local = in_zone(position[0], timezone).replace(month=1, day=1, hour=0, minute=0, second=0, microsecond=0, fold=0)
    turn = local.astimezone(UTC)
    if position < (turn, 0):
        turn = local.replace(year=local.year - 1).astimezone(UTC)
    return turn, -1


def reach(programs: Iterable[ProgramRules], moment: datetime, timezone: str) -> datetime:
    """From when on orders matter for tiers at `moment` and later; a day more than any clock change."""
    earliest = moment - timedelta(days=1)
    for program in programs:
        if not program.tiers:
            continue
        ladder = program.document.tiers
        if "points" in ladder.metrics or not terms.is_plain(ladder, program.tiers):
            return EVER
        start, _ = window_start(program, (moment, 0), timezone)
        earliest = min(earliest, start - timedelta(days=1) if start > EVER else EVER)
    return earliest


def position_of(order: OrderState) -> Position:
    """Where an order stands."""
    assert order.moment is not None
    return order.moment, order.id


def _as_of(order: OrderState, before: datetime | None) -> OrderState:
    if order.cancelled_at is not None and before is not None and order.cancelled_at >= before:
        return order._replace(cancelled_at=None)
    return order


def worth_then(order: OrderState, program: ProgramRules, before: datetime | None) -> int:
    """What an order counted for just before a moment, in minor units of the program's currency."""
    order = _as_of(order, before)
    if not_counted(order, program) is not None or order.currency != program.currency:
        return 0
    return counted(order, program.tax_basis, before).minor

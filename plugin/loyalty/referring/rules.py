"""Where a referral stands: a pure function of what is known, so that news in any order, and repeats, do no harm."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from plugin.loyalty.referring.fraud import DOUBTED, REJECTED, Signal, score
from plugin.loyalty.referring.terms import Referrals
from plugin.loyalty.rules import days_later

CLAIMED, HELD, IN_REVIEW, REWARDED = "claimed", "held", "in_review", "rewarded"
TAKEN_BACK, REJECTED_, LAPSED = "taken_back", "rejected", "lapsed"
STATES: Final = (CLAIMED, HELD, IN_REVIEW, REWARDED, TAKEN_BACK, REJECTED_, LAPSED)
ACCEPTED: Final = "accepted"
REFUSED: Final = "rejected"


class FriendOrder(NamedTuple):
    """The friend's order that the referral stands on. `net_minor` is what counts of it now, refunds taken off."""

    id: int
    moment: datetime
    net_minor: int
    void: str | None = None  # why it counts for nothing any more: cancelled, refunded …


class Case(NamedTuple):
    """Everything the standing depends on. `verdict` is what staff said; `ahead` how many of the month come before."""

    claimed_at: datetime
    now: datetime
    order: FriendOrder | None = None
    signals: Sequence[Signal] = ()
    verdict: str | None = None
    ahead: int = 0
    given: bool = False  # whether the points are out


class Standing(NamedTuple):
    """`due_at` is when time alone will change it; None for never."""

    state: str
    reason: str
    points: int = 0
    held_until: datetime | None = None
    due_at: datetime | None = None


def held_until(order_at: datetime, terms: Referrals, return_days: int, timezone: str) -> datetime:
    """When an order's return window is over, and the referral's own."""
    return days_later(order_at, max(terms.hold_days, return_days), timezone)


def standing(case: Case, terms: Referrals, return_days: int, timezone: str) -> Standing:
    """Where the referral stands at `case.now`, and how many points it is worth."""
    if case.order is None:
        return _without_order(case, terms, timezone)
    stop = _voided(case, case.order, terms) or _judged(case)
    if stop is not None:
        return stop
    until = held_until(case.order.moment, terms, return_days, timezone)
    if terms.monthly_cap is not None and case.ahead >= terms.monthly_cap and case.verdict != ACCEPTED:
        return Standing(REJECTED_, "cap", held_until=until)
    if case.now < until:
        return Standing(HELD, "waiting", held_until=until, due_at=until)
    return Standing(REWARDED, "rewarded", terms.points, until)


def _without_order(case: Case, terms: Referrals, timezone: str) -> Standing:
    ends = days_later(case.claimed_at, terms.claim_days, timezone)
    if case.now >= ends:
        return Standing(LAPSED, "no_order")
    stop = _judged(case)
    return stop._replace(due_at=ends) if stop else Standing(CLAIMED, "waiting_for_order", due_at=ends)


def _voided(case: Case, order: FriendOrder, terms: Referrals) -> Standing | None:
    if order.void is None and 0 < order.net_minor >= terms.minimum_minor:
        return None
    reason = order.void or ("refunded" if order.net_minor <= 0 or case.given else "below_minimum")
    return Standing(TAKEN_BACK if case.given else REJECTED_, reason)


def _judged(case: Case) -> Standing | None:
    """A person's word stands above every signal; what was given stands, until a person or a refund
    says otherwise or both sides turn out to be one customer."""
    if case.verdict == REFUSED:
        return Standing(TAKEN_BACK if case.given else REJECTED_, "staff")
    if case.verdict == ACCEPTED:
        return None
    if case.given:
        oneself = case.signals and case.signals[0].name == "same_customer"
        return Standing(TAKEN_BACK, "same_customer") if oneself else None
    doubt = score(case.signals)
    if doubt >= REJECTED:
        return Standing(REJECTED_, case.signals[0].name)
    return Standing(IN_REVIEW, case.signals[0].name) if doubt >= DOUBTED else None

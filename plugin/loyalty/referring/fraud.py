"""Signals that a referral is none: pure, each with its weight and the facts it saw.

From REJECTED on a referral brings nothing, from DOUBTED on a person looks at it. No signal names somebody: facts are
counts, ids of customers and moments, and the panel says them in words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from plugin.commerce.mailboxes import look, mailbox
from plugin.loyalty.referring.terms import Referrals

REJECTED: Final = 100
DOUBTED: Final = 50
DAY: Final = timedelta(hours=24)
LONGEST_RING: Final = 6
FLOOD: Final = 10  # so many times the daily limit is no enthusiasm any more

WEIGHTS: Final[Mapping[str, int]] = {
    "same_customer": REJECTED,
    "same_mailbox": REJECTED,
    "existing_customer": REJECTED,
    "ring": REJECTED,
    "same_address_blocked": REJECTED,
    "flood": REJECTED,
    "same_address": 60,
    "same_phone": 60,
    "similar_email": DOUBTED,
    "velocity": DOUBTED,
}


ORDER: Final = {name: place for place, name in enumerate(WEIGHTS)}


class Signal(NamedTuple):
    name: str
    weight: int
    facts: dict[str, Any]

    def told(self) -> dict[str, Any]:
        """As it is kept."""
        return {"name": self.name, "weight": self.weight, "facts": self.facts}


class Person(NamedTuple):
    """One side of a referral, as far as signals ask. `places` are numbers of addresses (plugin.commerce.places)."""

    customer_ids: frozenset[int] = frozenset()
    emails: frozenset[str] = frozenset()
    phones: frozenset[str] = frozenset()
    places: frozenset[int] = frozenset()


class Evidence(NamedTuple):
    """Everything signals are read from. `ring` leads over referrals from the friend back to the advocate."""

    advocate: Person
    friend: Person
    orders_before: int = 0  # orders of the friend from before the claim
    ring: tuple[int, ...] = ()
    claims_of_day: int = 1  # of this advocate, within the busiest 24 hours around this claim
    household_before: int = 0  # referrals of this advocate to the same address that came earlier and stand


def signals(evidence: Evidence, terms: Referrals) -> tuple[Signal, ...]:
    """What speaks against a referral, the heaviest first; nothing for an innocent one."""
    found = [
        _same_person(evidence),
        _existing(evidence),
        _ring(evidence),
        _address(evidence, terms),
        _phone(evidence),
        _similar(evidence),
        _speed(evidence, terms),
    ]
    return tuple(
        sorted((signal for signal in found if signal), key=lambda signal: (-signal.weight, ORDER[signal.name]))
    )


def score(found: Iterable[Signal]) -> int:
    """The sum of the weights."""
    return sum(signal.weight for signal in found)


def _same_person(evidence: Evidence) -> Signal | None:
    if both := evidence.advocate.customer_ids & evidence.friend.customer_ids:
        return _signal("same_customer", customer=min(both))
    if _mailboxes(evidence.advocate) & _mailboxes(evidence.friend):
        return _signal("same_mailbox")
    return None


def _existing(evidence: Evidence) -> Signal | None:
    return _signal("existing_customer", orders=evidence.orders_before) if evidence.orders_before else None


def _ring(evidence: Evidence) -> Signal | None:
    return _signal("ring", customers=list(evidence.ring)) if evidence.ring else None


def _address(evidence: Evidence, terms: Referrals) -> Signal | None:
    if terms.household == "allow" or not evidence.advocate.places & evidence.friend.places:
        return None
    if terms.household == "block":
        return _signal("same_address_blocked")
    if terms.household == "once" and not evidence.household_before:
        return None
    return _signal("same_address", before=evidence.household_before)


def _phone(evidence: Evidence) -> Signal | None:
    return _signal("same_phone") if evidence.advocate.phones & evidence.friend.phones else None


def _similar(evidence: Evidence) -> Signal | None:
    alike = _looks(evidence.advocate) & _looks(evidence.friend)
    same = _mailboxes(evidence.advocate) & _mailboxes(evidence.friend)
    return _signal("similar_email") if alike and not same else None


def _speed(evidence: Evidence, terms: Referrals) -> Signal | None:
    if evidence.claims_of_day > terms.daily_claims * FLOOD:
        return _signal("flood", claims=evidence.claims_of_day, limit=terms.daily_claims * FLOOD)
    if evidence.claims_of_day > terms.daily_claims:
        return _signal("velocity", claims=evidence.claims_of_day, limit=terms.daily_claims)
    return None


def _signal(name: str, **facts: Any) -> Signal:
    return Signal(name, WEIGHTS[name], facts)


def _mailboxes(person: Person) -> frozenset[str]:
    return frozenset(mailbox(email) for email in person.emails)


def _looks(person: Person) -> frozenset[str]:
    return frozenset(look(email) for email in person.emails) - {""}


def ring(advocate_id: int, friend_id: int, referred_by: Mapping[int, int]) -> tuple[int, ...]:
    """The chain of customers from the friend back to the advocate, when the friend brought the advocate; else ().

    `referred_by` says of each customer who referred them. Chains longer than LONGEST_RING are not followed.
    """
    chain = [advocate_id]
    while len(chain) <= LONGEST_RING:
        above = referred_by.get(chain[-1])
        if above is None or above in chain:
            return ()
        chain.append(above)
        if above == friend_id:
            return tuple(reversed(chain))
    return ()


def busiest_day(claimed_at: datetime, others: Iterable[datetime]) -> int:
    """The most claims within any 24 hours that this one lies in, this one included: who came first is in it too."""
    moments = sorted([claimed_at, *others])
    starts = [moment for moment in moments if claimed_at - DAY < moment <= claimed_at]
    return max(sum(start <= moment < start + DAY for moment in moments) for start in starts)

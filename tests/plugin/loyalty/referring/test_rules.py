"""Signals, standing and mailboxes as tables."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from plugin.commerce.mailboxes import look, mailbox
from plugin.commerce.places import place
from plugin.errors import Invalid
from plugin.loyalty.referring.fraud import Evidence, Person, busiest_day, ring, signals
from plugin.loyalty.referring.rules import Case, FriendOrder, Standing, standing
from plugin.loyalty.referring.terms import Referrals, check

TERMS = Referrals(enabled=True)
NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
ALICE = Person(frozenset({7}), frozenset({"alice.ray@gmail.com"}), frozenset({"+4930111"}), frozenset({111, 222}))
BOB = Person(frozenset({8}), frozenset({"bob@example.com"}), frozenset({"+4930222"}), frozenset({333}))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Alice.Ray@Gmail.com", "aliceray@gmail.com", True),
        ("a.l.i.c.e.ray+shop@googlemail.com", "aliceray@gmail.com", True),
        (" alice+1@Firm.example ", "alice@firm.example", True),
        ("alice.ray@firm.example", "aliceray@firm.example", False),
        ("alice@gmail.com", "alice@gmail.co", False),
        ("+tag@firm.example", "firm.example", False),
        ("ölga@example.com", "ÖLGA@example.com", True),
    ],
)
def test_a_mailbox_is_told_by_its_address(one: str, other: str, same: bool) -> None:
    assert (mailbox(one) == mailbox(other)) is same


@given(st.emails())
def test_a_mailbox_is_its_own(email: str) -> None:
    assert mailbox(mailbox(email)) == mailbox(email) == mailbox(email.upper() if email.isascii() else email)


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("anna.b@x.example", "annab1@x.example", True),
        ("anna-b2@x.example", "anna.b@x.example", True),
        ("anna@x.example", "anna@y.example", False),
        ("ab1@x.example", "ab2@x.example", False),  # too short to say anything
    ],
)
def test_addresses_may_look_alike(one: str, other: str, alike: bool) -> None:
    assert (look(one) == look(other) != "") is alike


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (("Lausitzer Straße 1", None, "10999", "Berlin", "DE"), ("LAUSITZER STR. 1", "", "10999", "", "de"), True),
        (("1 High Street", "Flat 2", "N1", "London", "GB"), ("1 High St, Flat 2", None, "N1", "London", "GB"), True),
        (("1 High Street", "Flat 2", "N1", "London", "GB"), ("1 High Street", "Flat 3", "N1", "London", "GB"), False),
        (("Rue Église 4", None, "75015", "Paris", "FR"), ("Rue Eglise, 4", None, "75 015", "Paris", "FR"), True),
        (("Hauptstraße 1", None, "10115", "Berlin", "DE"), ("Hauptstraße 1", None, "20095", "Hamburg", "DE"), False),
    ],
)  # fmt: skip
def test_addresses_are_compared_as_people_write_them(one: Any, other: Any, same: bool, services: None) -> None:
    assert place(1, *one) is not None and (place(1, *one) == place(1, *other)) is same
    assert place(1, *one) != place(2, *one), "another shop has another number"


def test_half_an_address_is_none(services: None) -> None:
    assert (
        place(1, None, None, "10999", "Berlin", "DE") is None and place(1, "Street 1", None, None, None, "DE") is None
    )


@pytest.mark.parametrize(
    ("evidence", "terms", "found"),
    [
        (Evidence(ALICE, BOB), {}, []),
        (Evidence(ALICE, BOB._replace(customer_ids=frozenset({7}))), {}, ["same_customer"]),
        (Evidence(ALICE, Person(emails=frozenset({"aliceray+2@googlemail.com"}))), {}, ["same_mailbox"]),
        (Evidence(ALICE, Person(emails=frozenset({"alice.ray2@gmail.com"}))), {}, ["similar_email"]),
        (Evidence(ALICE, BOB, orders_before=2), {}, ["existing_customer"]),
        (Evidence(ALICE, BOB, ring=(8, 7)), {}, ["ring"]),
        (Evidence(ALICE, BOB._replace(phones=frozenset({"+4930111"}))), {}, ["same_phone"]),
        (Evidence(ALICE, BOB._replace(places=frozenset({222}))), {}, []),  # the household's first
        (Evidence(ALICE, BOB._replace(places=frozenset({222})), household_before=1), {}, ["same_address"]),
        (Evidence(ALICE, BOB._replace(places=frozenset({222}))), {"household": "review"}, ["same_address"]),
        (Evidence(ALICE, BOB._replace(places=frozenset({222}))), {"household": "block"}, ["same_address_blocked"]),
        (Evidence(ALICE, BOB._replace(places=frozenset({222})), household_before=9), {"household": "allow"}, []),
        (Evidence(ALICE, BOB, claims_of_day=5), {}, []),
        (Evidence(ALICE, BOB, claims_of_day=6), {}, ["velocity"]),
        (Evidence(ALICE, BOB, claims_of_day=51), {}, ["flood"]),
        (Evidence(ALICE, BOB, orders_before=1, claims_of_day=6), {}, ["existing_customer", "velocity"]),
    ],
)
def test_signals(evidence: Evidence, terms: dict[str, Any], found: list[str]) -> None:
    assert [signal.name for signal in signals(evidence, replace(TERMS, **terms))] == found


@pytest.mark.parametrize(
    ("referred_by", "chain"),
    [
        ({}, ()),
        ({7: 8}, (8, 7)),
        ({7: 9, 9: 8}, (8, 9, 7)),
        ({7: 9, 9: 7}, ()),  # somebody else's circle
        ({7: 1, 1: 2, 2: 3, 3: 4, 4: 5, 5: 8}, (8, 5, 4, 3, 2, 1, 7)),
        ({7: 1, 1: 2, 2: 3, 3: 4, 4: 5, 5: 6, 6: 8}, ()),  # longer than is followed
    ],
)
def test_rings(referred_by: dict[int, int], chain: tuple[int, ...]) -> None:
    assert ring(7, 8, referred_by) == chain


@pytest.mark.parametrize(
    ("hours", "most"),
    [([], 1), ([-1, -23.9], 3), ([-24], 1), ([1, 2, 23], 4), ([-20, -10, 10, 20], 3), ([-23, 23], 2)],
)
def test_the_busiest_day_of_a_claim_is_any_24_hours_that_it_lies_in(hours: list[float], most: int) -> None:
    assert busiest_day(NOON, [NOON + timedelta(hours=each) for each in hours]) == most


def order(**columns: Any) -> FriendOrder:
    return FriendOrder(**{"id": 100, "moment": NOON, "net_minor": 50_00, **columns})


def case(days: float, **columns: Any) -> Case:
    return Case(**{"claimed_at": NOON, "now": NOON + timedelta(days=days), **columns})


DOUBT = signals(Evidence(ALICE, BOB._replace(phones=ALICE.phones)), TERMS)
PROOF = signals(Evidence(ALICE, ALICE), TERMS)


@pytest.mark.parametrize(
    ("known", "terms", "state", "reason", "points"),
    [
        (case(1), {}, "claimed", "waiting_for_order", 0),
        (case(30), {}, "lapsed", "no_order", 0),
        (case(1, signals=DOUBT), {}, "in_review", "same_phone", 0),
        (case(1, signals=PROOF), {}, "rejected", "same_customer", 0),
        (case(31, signals=PROOF), {}, "lapsed", "no_order", 0),
        (case(1, order=order()), {}, "held", "waiting", 0),
        (case(14, order=order()), {}, "rewarded", "rewarded", 500),
        (case(14, order=order()), {"hold_days": 3}, "rewarded", "rewarded", 500),
        (case(13, order=order()), {"hold_days": 3}, "held", "waiting", 0),  # never before the return window
        (case(20, order=order()), {"hold_days": 21}, "held", "waiting", 0),
        (case(14, order=order(net_minor=24_99)), {"minimum_minor": 25_00}, "rejected", "below_minimum", 0),
        (case(14, order=order(net_minor=25_00)), {"minimum_minor": 25_00}, "rewarded", "rewarded", 500),
        (case(14, order=order(net_minor=0)), {}, "rejected", "refunded", 0),
        (case(20, order=order(net_minor=0), given=True), {}, "taken_back", "refunded", 0),
        (case(20, order=order(net_minor=10), given=True), {"minimum_minor": 25_00}, "taken_back", "refunded", 0),
        (case(20, order=order(void="cancelled"), given=True), {}, "taken_back", "cancelled", 0),
        (case(14, order=order(), signals=DOUBT), {}, "in_review", "same_phone", 0),
        (case(14, order=order(), signals=DOUBT, verdict="accepted"), {}, "rewarded", "rewarded", 500),
        (case(14, order=order(), signals=PROOF, verdict="accepted"), {}, "rewarded", "rewarded", 500),
        (case(14, order=order(), verdict="rejected"), {}, "rejected", "staff", 0),
        (case(14, order=order(), verdict="rejected", given=True), {}, "taken_back", "staff", 0),
        (case(20, order=order(), signals=DOUBT, given=True), {}, "rewarded", "rewarded", 500),  # what was given stands
        (case(20, order=order(), signals=PROOF, given=True), {}, "taken_back", "same_customer", 0),  # but for oneself
        (case(14, order=order(), ahead=10), {}, "rejected", "cap", 0),
        (case(14, order=order(), ahead=9), {}, "rewarded", "rewarded", 500),
        (case(14, order=order(), ahead=99), {"monthly_cap": None}, "rewarded", "rewarded", 500),
        (case(14, order=order(), ahead=10, verdict="accepted"), {}, "rewarded", "rewarded", 500),
    ],
)
def test_standing(known: Case, terms: dict[str, Any], state: str, reason: str, points: int) -> None:
    there = standing(known, replace(TERMS, **terms), 14, "Europe/Berlin")
    assert there[:3] == Standing(state, reason, points)[:3]
    assert there.due_at is None or there.due_at > known.now, "time alone changes it later, or never"


@pytest.mark.parametrize(
    ("field", "terms"),
    [
        ("points", {"points": -1}),
        ("friend_value", {"friend_value": 0}),
        ("friend_value", {"friend_kind": "percent", "friend_value": 101}),
        ("minimum_minor", {"minimum_minor": 4_99}),
        ("claim_days", {"claim_days": 0}),
        ("hold_days", {"hold_days": 366}),
        ("monthly_cap", {"monthly_cap": 0}),
        ("daily_claims", {"daily_claims": 0}),
    ],
)
def test_terms_that_cannot_be_used_are_told_at_their_field(field: str, terms: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as refused:
        check(replace(TERMS, **terms))
    assert refused.value.field == field

"""The split of customers: stable, blind, of the share that was asked for, and the same in SQL."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.orm import Session

from plugin.errors import Invalid, Refused
from plugin.loyalty import queries
from plugin.loyalty.awarding import Award, award
from plugin.loyalty.holding_out import hold_out
from plugin.loyalty.holdout import (
    HOLDOUT,
    MOST_PERCENT,
    PLACE_SQL,
    PLACES,
    PROGRAMME,
    Holdout,
    arm,
    check,
    kept_salt,
    place,
)
from plugin.loyalty.programs import draft_of
from plugin.loyalty.redeeming import RewardPaused, redeem
from plugin.shops.models import Shop
from tests.plugin.loyalty.ledgers import DRAFT, LADDER, START, account, at, order, program, reward, settle

salts = st.integers(1, 2**63 - 1)
people = st.integers(1, 2**63 - 1)
shares = st.integers(0, MOST_PERCENT)


@given(salts, people)
def test_nobody_is_held_out_by_a_share_of_nothing(salt: int, customer: int) -> None:
    assert arm(salt, 0, customer) == PROGRAMME


@given(salts, people, shares, shares)
def test_a_growing_share_takes_nobody_out_of_the_holdout(salt: int, customer: int, one: int, other: int) -> None:
    smaller, larger = sorted((one, other))
    if arm(salt, smaller, customer) == HOLDOUT:
        assert arm(salt, larger, customer) == HOLDOUT


@given(salts, people, shares, shares)
def test_a_share_moves_only_those_between_the_old_mark_and_the_new_one(
    salt: int, customer: int, one: int, other: int
) -> None:
    smaller, larger = sorted((one, other))
    between = smaller * PLACES // 100 <= place(salt, customer) < larger * PLACES // 100
    assert (arm(salt, one, customer) != arm(salt, other, customer)) == between


def test_the_share_is_what_was_asked_for_whatever_the_ids_look_like() -> None:
    for ids in (range(1, 20_001), range(7_000_000_000_000, 7_000_000_000_000 + 20_000 * 32_768, 32_768)):
        held = sum(arm(548380009, 10, customer) == HOLDOUT for customer in ids)
        assert abs(held - 2_000) < 4 * math.sqrt(20_000 * 0.1 * 0.9)


def test_another_salt_is_another_split() -> None:
    both = sum(arm(1, 50, customer) == arm(2, 50, customer) for customer in range(10_000))
    assert abs(both - 5_000) < 200
    assert len({kept_salt(None) for _ in range(100)}) == 100 and kept_salt(7) == 7


@pytest.mark.parametrize("percent", [-1, MOST_PERCENT + 1, 10**9])
def test_an_absurd_share_is_refused_at_the_field(percent: int) -> None:
    with pytest.raises(Invalid) as refused:
        check(Holdout(percent))
    assert refused.value.field == "percent"


def test_the_database_puts_people_in_the_same_places(session: Session) -> None:
    salt, customers = kept_salt(None), [1, 9, 10, 2**31, 7_000_000_000_001, 2**63 - 1, *range(100, 300)]
    its_place = PLACE_SQL.format(salt="CAST(:salt AS bigint)", customer="c")
    sql = f"SELECT {its_place} FROM unnest(CAST(:ids AS bigint[])) AS c"
    found = session.execute(text(sql), {"salt": salt, "ids": customers}).scalars().all()
    assert found == [place(salt, customer) for customer in customers]


def test_holding_out_is_a_new_version_that_differs_in_nothing_else(session: Session, shop: Shop) -> None:
    at(session, START)
    program(session, shop, replace(DRAFT, tiers=LADDER))
    before = queries.latest_program(session, shop)
    assert before is not None
    at(session, START + timedelta(days=9))
    assert hold_out(session, shop, "staff:1", 10, before.version) is not None
    after = queries.latest_program(session, shop)
    assert after is not None and after.document.holdout.percent == 10 and after.holdout_salt == before.holdout_salt
    assert replace(draft_of(after), document=before.document) == draft_of(before)
    assert hold_out(session, shop, "staff:1", 10, after.version) is None
    with pytest.raises(Refused, match="saved elsewhere"):
        hold_out(session, shop, "staff:1", 20, before.version)


def test_whoever_is_held_out_earns_nothing_and_keeps_what_they_have(session: Session, shop: Shop) -> None:
    at(session, START)
    saved = program(session, shop)
    held = next(id for id in range(1, 1_000) if arm(saved.holdout_salt or 0, 10, id) == HOLDOUT)
    order(session, shop, 1, held, START)
    settle(session, shop, 1)
    at(session, START + timedelta(days=9))
    hold_out(session, shop, "staff:1", 10, 1)
    order(session, shop, 2, held, START + timedelta(days=10))
    settle(session, shop, 1, 2)
    assert account(session, shop, held) == (150, 0, 0)
    at(session, START + timedelta(days=20))
    hold_out(session, shop, "staff:1", 0, 2)
    at(session, START + timedelta(days=22))
    order(session, shop, 3, held, START + timedelta(days=21))
    settle(session, shop, 1, 2, 3)
    assert account(session, shop, held) == (300, 0, 0)


def test_whoever_is_held_out_redeems_nothing_and_is_given_nothing(session: Session, shop: Shop) -> None:
    at(session, START)
    saved = program(session, shop)
    held = next(id for id in range(1, 1_000) if arm(saved.holdout_salt or 0, 10, id) == HOLDOUT)
    with_it = next(id for id in range(1, 1_000) if arm(saved.holdout_salt or 0, 10, id) == PROGRAMME)
    gift = reward(session, shop, 100)
    for number, whose in enumerate((held, with_it), start=1):
        order(session, shop, number, whose, START)
    settle(session, shop, 1, 2)
    at(session, START + timedelta(days=9))
    hold_out(session, shop, "staff:1", 10, 1)
    for actor, words in (("", "not available"), ("staff:1", "held out")):
        with pytest.raises(RewardPaused, match=words), session.begin_nested():
            redeem(session, shop, held, gift.id, "click-000001", actor=actor)
    assert redeem(session, shop, with_it, gift.id, "click-000001").points == 100
    given = [award(session, shop, Award(whose, 20, "birthday", "actions", {}, START)) for whose in (held, with_it)]
    assert given == [0, 20]
    assert (account(session, shop, held), account(session, shop, with_it)) == ((150, 0, 0), (70, 0, 0))

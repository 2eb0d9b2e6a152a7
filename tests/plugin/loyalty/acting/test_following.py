"""Sign-up and newsletter: derived from who is there, whenever one looks."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from plugin.loyalty import holdout
from plugin.loyalty.acting.following import follow_customers
from plugin.loyalty.acting.terms import Way
from plugin.loyalty.document import Earn, Excluded
from plugin.loyalty.holdout import Holdout
from plugin.loyalty.joining import saying
from plugin.shops.models import Shop
from tests.plugin.loyalty.acting.deeds import LAUNCH, decisions, launch, person, settle
from tests.plugin.loyalty.ledgers import account, at, broken, entries, later

SIGNUP = Way(1, "signup", 100)
NEWSLETTER = Way(2, "newsletter", 40, keep_days=30)


@pytest.fixture(autouse=True)
def noon(session: Session) -> None:
    at(session, LAUNCH)


def test_who_signs_up_after_the_launch_gets_points_once(session: Session, shop: Shop) -> None:
    launch(session, shop, SIGNUP)
    person(session, shop, 7, created_at=later(session, hours=1))
    for _ in range(3):
        follow_customers(session, shop, {7})
        settle(session, shop)
    assert entries(session, shop, 7) == [("bonus", 100)]
    assert decisions(session, shop, 7) == {"signup:7": (100, "given")}
    assert broken(session) == []


def test_who_was_there_before_gets_none(session: Session, shop: Shop) -> None:
    launch(session, shop, SIGNUP, NEWSLETTER)
    before = LAUNCH - timedelta(days=1)
    person(session, shop, 7, created_at=before, email_consent="subscribed", email_consent_at=before)
    follow_customers(session, shop, {7})
    settle(session, shop)
    assert decisions(session, shop, 7) == {}


def test_points_for_the_newsletter_go_when_they_leave_soon_and_come_back_with_them(
    session: Session, shop: Shop
) -> None:
    launch(session, shop, NEWSLETTER)
    for days, consent in ((1, "subscribed"), (5, "unsubscribed"), (5, "subscribed"), (40, "unsubscribed")):
        moment = later(session, days=days)
        person(session, shop, 7, created_at=LAUNCH, email_consent=consent, email_consent_at=moment)
        follow_customers(session, shop, {7})
        settle(session, shop)
    assert entries(session, shop, 7) == [("bonus", 40), ("unbonus", -40), ("bonus", 40)]
    assert account(session, shop, 7) == (40, 0, 0), "after 40 days they are theirs"
    assert broken(session) == []


@pytest.mark.parametrize("reason", ["excluded", "held_out", "not_member", "conditions", "paused"])
def test_who_takes_no_part_gets_nothing_and_it_is_known_why(session: Session, shop: Shop, reason: str) -> None:
    way = Way(1, "signup", 100, customer_tags=("VIP",)) if reason == "conditions" else SIGNUP
    program = launch(session, shop, way, earn=Earn(excluded=Excluded(customer_tags=("Staff",))), holdout=Holdout(50))
    ids = {held: id for id in range(7, 40) for held in [_is_held(program.holdout_salt, id)]}
    id = ids[reason == "held_out"]
    person(session, shop, id, created_at=later(session, hours=1), tags=["staff"] if reason == "excluded" else [])
    if reason == "not_member":
        saying.say(session, shop, id, False, "storefront", "customer")
    program.paused = reason == "paused"
    session.flush()
    follow_customers(session, shop, {id})
    settle(session, shop)
    assert decisions(session, shop, id) == {f"signup:{id}": (0, reason)}
    assert entries(session, shop, id) == []


def _is_held(salt: int | None, id: int) -> bool:
    return holdout.arm(salt or 0, 50, id) == "holdout"


def test_conditions_choose_the_first_way_that_holds(session: Session, shop: Shop) -> None:
    vip = Way(5, "signup", 300, customer_tags=("vip",))
    launch(session, shop, vip, SIGNUP)
    moment = later(session, hours=1)
    person(session, shop, 7, created_at=moment, tags=["VIP"])
    person(session, shop, 8, created_at=moment)
    follow_customers(session, shop, {7, 8})
    settle(session, shop)
    assert (account(session, shop, 7)[0], account(session, shop, 8)[0]) == (300, 100)


def test_the_other_shop_sees_nothing(session: Session, shop: Shop, other_shop: Shop) -> None:
    launch(session, shop, SIGNUP)
    person(session, shop, 7, created_at=later(session, hours=1))
    follow_customers(session, other_shop, {7})
    assert decisions(session, shop, 7) == {}

"""Birthdays and anniversaries: at the edges of days, years and time zones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from plugin.loyalty.acting import profiles
from plugin.loyalty.acting.models import ProfileField
from plugin.loyalty.acting.terms import Way
from plugin.shops.models import Shop
from tests.plugin.loyalty.acting.deeds import LAUNCH, decisions, launch, person, settle
from tests.plugin.loyalty.ledgers import account, at, broken, order

BIRTHDAY = Way(1, "birthday", 200, notice_days=30)


@pytest.fixture(autouse=True)
def noon(session: Session) -> None:
    at(session, LAUNCH)


@pytest.fixture
def birthday(session: Session, shop: Shop) -> ProfileField:
    return profiles.save_field(session, shop, "staff:1", "Birthday", "birthday", [])


def born(session: Session, shop: Shop, field: ProfileField, id: int, day: str) -> None:
    person(session, shop, id, created_at=LAUNCH)
    profiles.answer(session, shop, id, {field.id: day})


def test_a_birthday_begins_at_the_shop_s_midnight(session: Session, shop: Shop, birthday: ProfileField) -> None:
    launch(session, shop, BIRTHDAY)
    settle(session, shop)
    born(session, shop, birthday, 7, "06-14")
    at(session, datetime(2026, 6, 13, 21, 59, tzinfo=UTC))
    settle(session, shop)
    assert decisions(session, shop, 7) == {}
    at(session, datetime(2026, 6, 13, 22, 0, tzinfo=UTC))
    for _ in range(3):
        settle(session, shop)
    assert decisions(session, shop, 7) == {"birthday:7:2026": (200, "given")}
    assert account(session, shop, 7) == (200, 0, 0)


def test_a_day_changed_shortly_before_pays_only_the_next_time(
    session: Session, shop: Shop, birthday: ProfileField
) -> None:
    launch(session, shop, BIRTHDAY)
    settle(session, shop)
    born(session, shop, birthday, 7, "06-14")
    for month, expected in (("06-14", (200, "given")), ("07-01", (200, "given"))):
        at(session, datetime(2026, int(month[:2]), int(month[3:]), 9, tzinfo=UTC))
        settle(session, shop)
        assert decisions(session, shop, 7)["birthday:7:2026"] == expected
        profiles.answer(session, shop, 7, {birthday.id: "07-01"})
    assert account(session, shop, 7)[0] == 200, "one a year, whatever is said"
    at(session, datetime(2027, 1, 1, 9, tzinfo=UTC))
    settle(session, shop)
    profiles.answer(session, shop, 7, {birthday.id: "01-05"})
    at(session, datetime(2027, 1, 5, 9, tzinfo=UTC))
    settle(session, shop)
    assert decisions(session, shop, 7)["birthday:7:2027"] == (0, "cooldown")


def test_a_missed_night_is_made_up_for_and_new_year_is_no_gap(
    session: Session, shop: Shop, birthday: ProfileField
) -> None:
    launch(session, shop, BIRTHDAY)
    for id, day in ((7, "12-31"), (8, "01-01")):
        born(session, shop, birthday, id, day)
    at(session, datetime(2026, 12, 30, 12, tzinfo=UTC))
    settle(session, shop)
    at(session, datetime(2027, 1, 3, 12, tzinfo=UTC))
    settle(session, shop)
    assert decisions(session, shop, 7) == {"birthday:7:2026": (200, "given")}
    assert decisions(session, shop, 8) == {"birthday:8:2027": (200, "given")}
    assert broken(session) == []


def test_29_february_is_28_february_in_a_year_without_one(session: Session, shop: Shop, birthday: ProfileField) -> None:
    launch(session, shop, BIRTHDAY)
    born(session, shop, birthday, 7, "02-29")
    for year, day in ((2027, 28), (2028, 29), (2029, 28)):
        at(session, datetime(year, 2, day, 12, tzinfo=UTC))
        settle(session, shop)
    assert account(session, shop, 7)[0] == 600


def test_anniversaries_of_sign_up_and_first_order(session: Session, shop: Shop) -> None:
    launch(session, shop, Way(1, "anniversary", 10), Way(2, "anniversary", 30, since="first_order"))
    settle(session, shop)
    midnight = datetime(2024, 6, 13, 22, tzinfo=UTC)  # 14 June in Berlin
    order(session, shop, 1, 7, midnight + timedelta(hours=5))
    order(session, shop, 2, 8, midnight - timedelta(days=90))
    order(session, shop, 3, 8, midnight)
    for id, moment in ((7, midnight), (8, midnight - timedelta(seconds=1))):
        person(session, shop, id, created_at=moment)
    at(session, datetime(2026, 6, 14, 9, tzinfo=UTC))
    settle(session, shop)
    assert decisions(session, shop, 7) == {
        "anniversary:signup:7:2026": (10, "given"),
        "anniversary:first_order:7:2026": (30, "given"),
    }
    assert decisions(session, shop, 8) == {"anniversary:signup:8:2026": (10, "given")}, "the day before, made up for"

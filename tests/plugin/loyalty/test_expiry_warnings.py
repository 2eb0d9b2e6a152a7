"""Warnings before points are lost, and the limits of changes by hand; next door nobody is told and nothing counted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.db import engine as db
from plugin.errors import Invalid, Refused
from plugin.loyalty import document, limits
from plugin.loyalty import operations as loyalty
from plugin.loyalty.document import Document, Expiry
from plugin.loyalty.expiry import saving, warning
from plugin.loyalty.expiry.models import StaffPoints
from plugin.messages.models import Message
from plugin.messages.renderer import Job, render_all
from plugin.messages.template_store import compiled_built_in
from plugin.shops.models import Shop
from tests.plugin.loyalty.ledgers import DRAFT, at, customer, later, order, program, settle

NOON = datetime(2026, 6, 1, 10, tzinfo=UTC)  # in Berlin
RULES = replace(DRAFT, expiry_days=40, document=Document(expiry=Expiry(warn_days=(30, 7))))


@pytest.fixture
def session(shop: Shop, other_shop: Shop) -> Iterator[Session]:
    """Customer 1 has 150 points until the 11th of July, here and next door, where nobody wants warnings."""
    with Session(db.engine(), expire_on_commit=False) as session:
        session.begin()
        for each, draft in ((other_shop, replace(RULES, document=Document())), (shop, RULES)):
            db.enter_shop(session, each.id)
            at(session, NOON)
            program(session, each, draft)
            order(session, each, 1, 1, NOON)
            settle(session, each, 1)
        yield session
        db.enter_shop(session, other_shop.id)
        warning.warnings_due(session, other_shop)
        assert session.scalar(select(Message.id)) is None and session.scalar(select(StaffPoints.points)) is None


def warned(session: Session, shop: Shop, moment: datetime) -> list[str]:
    at(session, moment)
    warning.warnings_due(session, shop)
    return list(session.scalars(select(Message.key).order_by(Message.id)))


def test_people_are_told_so_many_days_before_the_last_one(session: Session, shop: Shop) -> None:
    told = {day: warned(session, shop, NOON + timedelta(days=day)) for day in range(42)}
    first, second = "points_expiring:1:2026-07-11:30", "points_expiring:1:2026-07-11:7"
    assert [day for day in told if told[day] == [first]] == list(range(10, 33))
    assert [day for day in told if told[day] == [first, second]] == list(range(33, 42))


def test_nobody_is_told_before_nine_and_nobody_twice(session: Session, shop: Shop) -> None:
    day = NOON + timedelta(days=10)
    assert warned(session, shop, day.replace(hour=6, minute=59)) == []
    assert len(warned(session, shop, day.replace(hour=7))) == 1
    assert len(warned(session, shop, day.replace(hour=9))) == 1


def test_a_day_without_a_sweep_is_made_up_for(session: Session, shop: Shop) -> None:
    warned(session, shop, NOON + timedelta(days=8))
    assert len(warned(session, shop, NOON + timedelta(days=12))) == 1


def test_the_mail_says_how_many_and_until_when(session: Session, shop: Shop) -> None:
    warned(session, shop, NOON + timedelta(days=10))
    message = session.scalars(select(Message)).one()
    assert (message.email, message.marketing, message.context["points"]) == ("customer-1@example.com", False, 150)
    context = {
        **message.context,
        "locale": "en",
        "customer": {"first_name": "Anna", "last_name": ""},
        "shop": {"name": "Bean", "url": "https://bean.example", "postal_address": "", "logo_url": "", "plain": True,
                 "color": "#1a1a1a", "color_text": "#ffffff"},
        "unsubscribe_url": "",
    }  # fmt: skip
    mail = render_all({"it": compiled_built_in("points_expiring")}, [Job("it", context)])[0]
    assert not isinstance(mail, Invalid), mail
    assert mail.subject == "150 beans are about to expire" and "July 11, 2026" in mail.text and "150" in mail.html


def test_who_has_spent_them_is_not_told(session: Session, shop: Shop) -> None:
    warned(session, shop, NOON + timedelta(days=10))
    waiting = list(session.scalars(select(Message)))
    assert warning.recheck(session, shop, waiting) == {}
    loyalty.adjust(session, shop, 1, -150, "spent", "staff:1", "spent")
    stops = warning.recheck(session, shop, waiting)
    assert [stop.rule for stop in stops.values()] == ["nothing_expiring"]
    session.query(StaffPoints).delete()


def test_the_rule_of_expiry_is_a_new_version(session: Session, shop: Shop) -> None:
    later(session, seconds=1)
    saved = saving.save_expiry(session, shop, "staff:1", 90, Expiry("inactivity", (14,)))
    assert (saved.version, saved.expiry_days) == (2, 90)
    assert document.read(saved.rules).expiry == Expiry("inactivity", (14,))
    for days, rule, field in ((None, Expiry("inactivity"), "expiry_days"), (9, Expiry(warn_days=(0,)), "warn_days")):
        with pytest.raises(Invalid) as error:
            saving.save_expiry(session, shop, "staff:1", days, rule)
        assert error.value.field == field


def test_staff_move_no_more_than_the_shop_allows(session: Session, shop: Shop) -> None:
    limits.change(session, shop, "staff:1", 100, 250)
    shop.settings = {"adjust_most": 100, "adjust_daily": 250}
    customer(session, shop, 1)
    with pytest.raises(Invalid, match="at most 100"):
        loyalty.adjust(session, shop, 1, 101, "why", "staff:1", "much")
    for number in range(2):
        loyalty.adjust(session, shop, 1, 100, "why", "staff:1", f"ok-{number}")
    loyalty.adjust(session, shop, 1, 100, "why", "staff:1", "ok-1")
    assert limits.used(session, shop, "staff:1") == 200, "the same click counts once"
    with pytest.raises(Refused, match="You may move 250 points by hand in a day, and 200 of them are used."):
        loyalty.adjust(session, shop, 1, -60, "why", "staff:1", "over")
    loyalty.adjust(session, shop, 1, -50, "why", "staff:1", "just")
    loyalty.adjust(session, shop, 1, 60, "why", "staff:2", "another")
    later(session, days=1)
    loyalty.adjust(session, shop, 1, 100, "why", "staff:1", "tomorrow")


@pytest.mark.parametrize(("most", "daily", "field"), [(0, None, "most"), (2_000_000, None, "most"), (50, 49, "daily")])
def test_limits_that_make_no_sense_are_told(
    session: Session, shop: Shop, most: int, daily: int | None, field: str
) -> None:
    with pytest.raises(Invalid) as error:
        limits.change(session, shop, "staff:1", most, daily)
    assert error.value.field == field

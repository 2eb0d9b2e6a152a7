"""Abandoned carts as calendars: what a shopper does, and what arrives when."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin import clock
from plugin.campaigns import operations as campaigns
from plugin.campaigns import waking
from plugin.campaigns.models import Decision, Enrollment
from plugin.commerce.models import Checkout, Customer
from plugin.db import engine as db
from plugin.messages import claiming, sending
from plugin.messages import operations as messages
from plugin.messages.models import Message
from plugin.shops.models import Shop
from tests.plugin.mailbox import Sink
from tests.plugin.people import cart, customer, order, pass_time

ANNA = "anna@example.com"


@pytest.fixture(autouse=True)
def running(story_clock: None, shop: Shop, other_shop: Shop) -> Iterator[None]:
    """The campaign is on in both shops, sending asks it again, and a minute has passed."""
    claiming.use({"cart": waking.recheck})
    for each in (shop, other_shop):
        with db.transaction(each.id) as session:
            campaigns.turn_on(session, each, campaigns.ensure_default(session, each).id)
            customer(session, each, 7, ANNA, first_name="Anna")
    pass_time(minutes=1)
    yield
    claiming.use({})


def leave(shop: Shop, token: str = "t1", **more: object) -> None:
    with db.transaction(shop.id) as session:
        cart(session, shop, token, ANNA, **{"customer_id": 7, **more})
        campaigns.follow_checkouts(session, shop, {token})


def change(shop: Shop, token: str = "t1", **columns: object) -> None:
    with db.transaction(shop.id) as session:
        row = session.get_one(Checkout, (shop.id, token))
        for name, value in {"updated_at": clock.now(session), **columns}.items():
            setattr(row, name, value)
        session.flush()
        campaigns.follow_checkouts(session, shop, {token})


def place(shop: Shop, id: int, **more: object) -> None:
    with db.transaction(shop.id) as session:
        order(session, shop, id, **more)
        campaigns.stop_for_orders(session, shop, {id})


def work() -> None:
    waking.wake_due()
    sending.send_due()


def enrollment(shop: Shop, token: str = "t1") -> Enrollment:
    with db.transaction(shop.id) as session:
        return session.scalars(select(Enrollment).where(Enrollment.checkout_token == token)).one()


def rules_of(session: Session) -> list[str]:
    return list(session.scalars(select(Decision.rule).order_by(Decision.id)))


def test_two_mails_after_an_hour_and_a_day(shop: Shop, sink: Sink) -> None:
    leave(shop)
    pass_time(minutes=59)
    work()
    assert sink.mails == []
    pass_time(minutes=2)
    work()
    assert [mail["Subject"] for mail in sink.mails] == ["You left something behind"]
    pass_time(hours=22)
    work()
    assert len(sink.mails) == 1
    pass_time(hours=1, minutes=1)
    work()
    work()
    assert [mail["Subject"] for mail in sink.mails] == ["You left something behind", "Still thinking about it?"]
    assert enrollment(shop).state == "done"


def test_the_mail_shows_the_cart_and_leads_back_to_it(shop: Shop, sink: Sink) -> None:
    leave(shop)
    pass_time(hours=1, minutes=1)
    work()
    mail = sink.mails[0]
    text = mail.get_body(("plain",)).get_content()
    html = mail.get_body(("html",)).get_content()
    assert "Hello Anna" in text and "2 x Kochere, 250 g: €29.00" in text
    assert "/checkouts/t1/recover?key=s3cret&utm_source=regulars" in text
    assert "Kochere" in html and "/checkouts/t1/recover?key=s3cret&amp;utm_source=regulars" in html
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_an_order_between_the_mails_stops_the_second_and_counts_as_recovered(shop: Shop, sink: Sink) -> None:
    leave(shop)
    pass_time(hours=1, minutes=1)
    work()
    pass_time(hours=3)
    place(shop, 501, checkout_token="t1", customer_id=7, current_total_minor=2650)
    pass_time(hours=24)
    work()
    assert len(sink.mails) == 1
    found = enrollment(shop)
    assert (found.state, found.stop_reason, found.order_id, found.recovered_minor) == ("stopped", "ordered", 501, 2650)


def test_an_order_before_the_first_mail_is_nothing_we_recovered(shop: Shop, sink: Sink) -> None:
    leave(shop)
    pass_time(minutes=30)
    place(shop, 501, checkout_token="t1", customer_id=7)
    pass_time(hours=2)
    work()
    assert sink.mails == []
    assert (enrollment(shop).stop_reason, enrollment(shop).order_id) == ("ordered", None)


def test_another_order_of_the_same_person_stops_the_mails_and_is_not_claimed(shop: Shop, sink: Sink) -> None:
    leave(shop)
    pass_time(hours=1, minutes=1)
    work()
    place(shop, 502, checkout_token="another", email="Anna@Example.com")
    pass_time(hours=24)
    work()
    assert len(sink.mails) == 1
    assert (enrollment(shop).stop_reason, enrollment(shop).recovered_minor) == ("ordered", 0)


def test_a_cancelled_or_refunded_order_is_taken_back(shop: Shop, sink: Sink) -> None:
    leave(shop)
    pass_time(hours=1, minutes=1)
    work()
    place(shop, 501, checkout_token="t1")
    with db.transaction(shop.id) as session:
        from plugin.commerce.models import Order

        session.get_one(Order, (shop.id, 501)).cancelled_at = clock.now(session)
        session.flush()
        campaigns.stop_for_orders(session, shop, {501})
    assert (enrollment(shop).order_id, enrollment(shop).recovered_minor) == (None, 0)


def test_consent_withdrawn_between_the_mails_stops_the_second(shop: Shop, sink: Sink) -> None:
    leave(shop)
    pass_time(hours=1, minutes=1)
    work()
    with db.transaction(shop.id) as session:
        row = session.get_one(Customer, (shop.id, 7))
        row.email_consent, row.email_consent_at = "unsubscribed", clock.now(session)
        session.flush()
        messages.follow_consent(session, shop, {7})
    pass_time(hours=24)
    work()
    assert len(sink.mails) == 1
    assert enrollment(shop).stop_reason == "unsubscribed"


def test_a_no_that_comes_after_queueing_still_counts(shop: Shop, sink: Sink) -> None:
    leave(shop)
    pass_time(hours=1, minutes=1)
    waking.wake_due()
    place(shop, 501, checkout_token="t1")
    sending.send_due()
    assert sink.mails == []
    with db.transaction(shop.id) as session:
        message = session.scalars(select(Message)).one()
        assert (message.state, message.reason) == ("skipped", "ordered")


def test_sending_asks_the_campaign_again_even_if_nobody_stopped_the_cart(shop: Shop, sink: Sink) -> None:
    leave(shop)
    pass_time(hours=1, minutes=1)
    waking.wake_due()
    with db.transaction(shop.id) as session:
        order(session, shop, 501, checkout_token="t1")
    sending.send_due()
    assert sink.mails == []
    with db.transaction(shop.id) as session:
        assert rules_of(session) == ["ordered"]


def test_without_consent_nothing_is_sent_and_the_reason_is_written(shop: Shop, sink: Sink) -> None:
    with db.transaction(shop.id) as session:
        session.get_one(Customer, (shop.id, 7)).email_consent = "not_subscribed"
    leave(shop)
    pass_time(hours=2)
    work()
    assert sink.mails == []
    with db.transaction(shop.id) as session:
        decision = session.scalars(select(Decision)).one()
        assert decision.rule == "no_consent"
        assert decision.value == {"consent": "not_subscribed", "accepts_marketing": False}


def test_accepting_marketing_in_this_checkout_is_enough(shop: Shop, sink: Sink) -> None:
    with db.transaction(shop.id) as session:
        session.get_one(Customer, (shop.id, 7)).email_consent = "not_subscribed"
    leave(shop, accepts_marketing=True)
    pass_time(hours=2)
    work()
    assert len(sink.mails) == 1


def test_touching_the_cart_again_moves_the_first_mail(shop: Shop, sink: Sink) -> None:
    leave(shop)
    pass_time(minutes=50)
    change(shop)
    pass_time(minutes=50)
    work()
    assert sink.mails == []
    pass_time(minutes=11)
    work()
    assert len(sink.mails) == 1


def test_an_emptied_cart_waits_for_nothing_and_a_refilled_one_does_again(shop: Shop, sink: Sink) -> None:
    leave(shop)
    pass_time(minutes=10)
    change(shop, lines=[])
    assert enrollment(shop).stop_reason == "emptied"
    pass_time(minutes=10)
    change(shop, lines=[{"title": "Kochere", "quantity": 1, "price_minor": 1450}])
    pass_time(minutes=61)
    work()
    assert len(sink.mails) == 1


def test_a_newer_cart_of_the_same_person_takes_over(shop: Shop, sink: Sink) -> None:
    leave(shop, "t1")
    pass_time(minutes=30)
    leave(shop, "t2")
    pass_time(minutes=40)
    work()
    assert sink.mails == []
    assert enrollment(shop, "t1").stop_reason == "superseded"
    pass_time(minutes=30)
    work()
    assert len(sink.mails) == 1


def test_a_late_sweep_keeps_the_mails_apart(shop: Shop, sink: Sink) -> None:
    leave(shop)
    pass_time(days=3)
    work()
    work()
    assert len(sink.mails) == 1
    pass_time(hours=23, minutes=1)
    work()
    assert len(sink.mails) == 2


def test_carts_left_before_the_campaign_began_never_enter(shop: Shop, sink: Sink) -> None:
    with db.transaction(shop.id) as session:
        from datetime import timedelta

        before = clock.now(session) - timedelta(hours=1)
        cart(session, shop, "old", ANNA, updated_at=before)
        campaigns.follow_checkouts(session, shop, {"old"})
        assert session.scalars(select(Enrollment)).all() == []


def test_turning_off_stops_what_waits(shop: Shop, sink: Sink) -> None:
    leave(shop)
    pass_time(hours=1, minutes=1)
    waking.wake_due()
    with db.transaction(shop.id) as session:
        campaigns.turn_off(session, shop, enrollment(shop).automation_id)
    sending.send_due()
    assert sink.mails == []
    assert enrollment(shop).stop_reason == "turned_off"


def test_the_other_shop_with_the_same_token_is_not_touched(shop: Shop, other_shop: Shop, sink: Sink) -> None:
    leave(shop)
    leave(other_shop)
    place(shop, 501, checkout_token="t1")
    assert (enrollment(shop).state, enrollment(other_shop).state) == ("stopped", "waiting")
    pass_time(hours=1, minutes=1)
    work()
    assert len(sink.mails) == 1
    assert f"{other_shop.domain}/checkouts/t1" in sink.mails[0].get_body(("plain",)).get_content()

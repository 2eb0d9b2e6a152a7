"""At most once for marketing, again with the same Message-ID for service mails, and a reason for every no."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, select, text, update

from plugin import clock
from plugin.commerce.models import Customer
from plugin.config import ROOT
from plugin.db import engine as db
from plugin.messages import claiming, rules, sending
from plugin.messages import operations as messages
from plugin.messages.models import Consent, Message, Suppression
from plugin.messages.suppressing import suppress
from plugin.shops.models import Shop
from tests.plugin.mailbox import Sink
from tests.plugin.people import customer

ANNA = "anna@example.com"
REWARD = {"reward_title": "5 off", "code": "ABC", "url": "https://shop.example", "currency": "EUR"}


def ask(shop: Shop, key: str = "k1", marketing: bool = True, email: str = ANNA, **more: Any) -> int | None:
    values: dict[str, Any] = {"kind": "test", "customer_id": None, "template": "reward", "context": REWARD, **more}
    with db.transaction(shop.id) as session:
        return messages.queue(session, shop, key=key, marketing=marketing, email=email, **values)


def only(shop: Shop) -> Message:
    with db.transaction(shop.id) as session:
        return session.scalars(select(Message)).one()


def make_due(shop: Shop) -> None:
    """Patience is over: leases and waits of this shop have run out."""
    with db.transaction(shop.id) as session:
        session.execute(update(Message).values(next_attempt_at=text("clock_timestamp()")))


def test_asking_twice_sends_once(shop: Shop, sink: Sink) -> None:
    assert ask(shop) is not None
    assert ask(shop) is None
    assert sending.send_due() == 1
    assert sending.send_due() == 0
    assert len(sink.mails) == 1
    message = only(shop)
    assert (message.state, message.attempts, message.lease) == ("sent", 1, None)
    assert message.sent_at is not None and "ABC" in (message.html or "")


def test_every_shop_sends_its_own(shop: Shop, other_shop: Shop, sink: Sink) -> None:
    ask(shop)
    ask(other_shop)
    sending.send_due()
    assert len(sink.mails) == 2
    assert len({mail["Message-ID"] for mail in sink.mails}) == 2


def test_no_shop_waits_for_anothers_announcement(
    shop: Shop, other_shop: Shop, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "BATCH", 5)
    monkeypatch.setattr(sending, "_last_served", 0)
    for number in range(30):
        ask(shop, f"k{number}", email=f"p{number}@example.com")
    ask(other_shop, email="waits@example.com")
    assert sending.send_due() == 31
    assert [mail["To"] for mail in sink.mails].index("waits@example.com") == 5
    ask(shop, "again", email="mine@example.com")
    ask(other_shop, "again", email="theirs@example.com")
    monkeypatch.setattr(sending, "_last_served", shop.id)
    sending.send_due()
    assert [mail["To"] for mail in sink.mails[-2:]] == ["theirs@example.com", "mine@example.com"]


def test_what_is_due_is_found_by_its_index(shop: Shop, other_shop: Shop, database: Engine) -> None:
    with database.begin() as connection:
        rows = "INSERT INTO messages (shop_id, key, kind, marketing, email, template, context, state, created_at)"
        rows += " SELECT :shop, 'k' || n, 'test', true, 'e', '{}', '{}', 'sent', clock_timestamp()"
        connection.execute(text(rows + " FROM generate_series(1, 20000) n"), {"shop": shop.id})
    ask(other_shop)
    with database.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE messages"))
    with db.system_transaction() as session:
        plan = session.execute(text(f"EXPLAIN (ANALYZE, FORMAT TEXT) {sending.SHOPS.text}")).scalars().all()
    reads = [line for line in plan if " on messages" in line]
    assert len(reads) == 3 and all("ix_messages_due" in line for line in reads)


def test_marketing_without_an_answer_is_unknown_and_never_sent_again(shop: Shop, sink: Sink) -> None:
    sink.after_data = "hang up"
    ask(shop)
    sending.send_due()
    sink.after_data = ""
    make_due(shop)
    sending.send_due()
    assert len(sink.mails) == 1
    assert (only(shop).state, only(shop).reason) == ("unknown", "unanswered")
    assert only(shop).sent_at is not None


def test_a_service_mail_without_an_answer_is_sent_again_under_the_same_id(shop: Shop, sink: Sink) -> None:
    sink.after_data = "hang up"
    ask(shop, marketing=False)
    sending.send_due()
    assert only(shop).state == "queued"
    sink.after_data = ""
    sending.send_due()
    assert len(sink.mails) == 1, "it waits before it tries again"
    make_due(shop)
    sending.send_due()
    assert len(sink.mails) == 2
    assert len({mail["Message-ID"] for mail in sink.mails}) == 1
    assert only(shop).state == "sent"


def test_what_was_surely_not_accepted_is_tried_again(shop: Shop, sink: Sink) -> None:
    sink.answers["*"] = "451 4.7.1 later"
    ask(shop)
    sending.send_due()
    assert (only(shop).state, only(shop).reason, only(shop).attempts) == ("queued", "not_accepted", 1)
    sink.answers.clear()
    make_due(shop)
    sending.send_due()
    assert len(sink.mails) == 1
    assert only(shop).state == "sent"


def test_patience_ends(shop: Shop, sink: Sink) -> None:
    sink.answers["*"] = "451 4.7.1 later"
    ask(shop)
    for _ in range(rules.MARKETING_TRIES + 2):
        make_due(shop)
        sending.send_due()
    assert (only(shop).state, only(shop).attempts) == ("failed", rules.MARKETING_TRIES)


def test_a_server_that_is_away_costs_no_attempt(shop: Shop, services: None) -> None:
    for number in range(3):
        ask(shop, f"k{number}", email=f"p{number}@example.com")
    sending.send_due()
    with db.transaction(shop.id) as session:
        rows = session.execute(select(Message.state, Message.attempts, Message.lease).order_by(Message.id)).all()
    assert [attempts for _, attempts, _ in rows] == [0, 0, 0]
    assert {(state, lease) for state, _, lease in rows} == {("queued", None)}


def test_a_dead_address_is_listed_and_nothing_else_goes_there(shop: Shop, sink: Sink) -> None:
    sink.answers["*"] = "550 5.1.1 no such user"
    ask(shop, "k1", marketing=False)
    sending.send_due()
    ask(shop, "k2", marketing=False)
    sink.answers.clear()
    sending.send_due()
    assert sink.mails == []
    with db.transaction(shop.id) as session:
        assert list(session.scalars(select(Message.reason).order_by(Message.id))) == ["bounced", "bounced"]


@pytest.mark.parametrize("between", ["suppressed", "withdrawn", "uninstalled", "redacted"])
def test_a_no_between_queueing_and_sending_counts(shop: Shop, sink: Sink, owner: Engine, between: str) -> None:
    with db.transaction(shop.id) as session:
        customer(session, shop, 7, ANNA)
    ask(shop, customer_id=7)
    with db.transaction(shop.id) as session:
        if between == "suppressed":
            suppress(session, shop, "Anna@example.com", rules.ALL, "unsubscribed")
        if between == "withdrawn":
            session.get_one(Customer, (shop.id, 7)).email_consent = "unsubscribed"
        if between == "redacted":
            session.get_one(Customer, (shop.id, 7)).email_consent = "redacted"
        if between == "uninstalled":
            session.execute(text("UPDATE shops SET uninstalled_at = clock_timestamp()"))
    sending.send_due()
    assert sink.mails == []
    assert only(shop).state == "skipped"
    assert only(shop).reason == ("uninstalled" if between == "uninstalled" else "unsubscribed")


def test_a_no_between_claiming_and_sending_counts(shop: Shop, sink: Sink) -> None:
    ask(shop)
    with db.transaction(shop.id) as session:
        ready = claiming.claim(session, shop)
    with db.transaction(shop.id) as session:
        suppress(session, shop, ANNA, rules.ALL, "unsubscribed")
    sending._deliver(shop.id, ready)
    assert sink.mails == []
    assert only(shop).state == "skipped"


def test_the_frequency_cap_holds_within_a_batch_and_spares_service_mails(shop: Shop, sink: Sink) -> None:
    for number in range(rules.FREQUENCY_MAX + 2):
        ask(shop, f"m{number}")
    ask(shop, "service", marketing=False)
    sending.send_due()
    assert len(sink.mails) == rules.FREQUENCY_MAX + 1
    with db.transaction(shop.id) as session:
        skipped = session.scalars(select(Message).where(Message.state == "skipped")).all()
        assert {message.reason for message in skipped} == {"frequency"}
        assert (skipped[0].value or {})["most"] == rules.FREQUENCY_MAX


def test_a_template_that_cannot_be_filled_fails_alone(shop: Shop, sink: Sink) -> None:
    ask(shop, "good")
    ask(shop, "gone", template={"name": "no such template"}, email="b@example.com")
    sending.send_due()
    assert len(sink.mails) == 1
    with db.transaction(shop.id) as session:
        failed = session.scalars(select(Message).where(Message.key == "gone")).one()
        assert (failed.state, failed.reason) == ("failed", "template")


def test_a_name_with_line_breaks_stays_a_name(shop: Shop, sink: Sink) -> None:
    with db.transaction(shop.id) as session:
        customer(session, shop, 7, ANNA, first_name="A\r\nBcc: v@example.com")
    ask(shop, customer_id=7, template={"name": "reward", "subject": "Hello {{ customer.first_name }}"})
    sending.send_due()
    assert sink.mails[0]["Subject"] == "Hello A Bcc: v@example.com"
    assert sink.mails[0]["Bcc"] is None


@pytest.mark.parametrize("moment", ["before the call", "after acceptance"])
def test_a_worker_killed_in_the_middle_sends_no_marketing_twice(shop: Shop, sink: Sink, moment: str) -> None:
    for number in range(6):
        ask(shop, f"k{number}", email=f"p{number}@example.com")
    die(moment, at=3, fast_seconds=0)
    receivers, states = sent_by_others(shop, sink)
    assert states == ["sent"] * 5 + ["unknown"]
    assert len(receivers) == (6 if moment == "after acceptance" else 5)


@pytest.mark.parametrize("moment", ["before the call", "after acceptance"])
def test_of_a_group_for_a_fast_server_a_kill_leaves_the_group_unknown(shop: Shop, sink: Sink, moment: str) -> None:
    for number in range(sending.GROUP + 4):
        ask(shop, f"k{number}", email=f"p{number}@example.com")
    die(moment, at=4, fast_seconds=60)
    receivers, states = sent_by_others(shop, sink)
    assert states == ["sent"] * 4 + ["unknown"] * sending.GROUP
    assert len(receivers) == 4 + (3 if moment == "after acceptance" else 2)


def sent_by_others(shop: Shop, sink: Sink) -> tuple[list[str], list[str]]:
    """After a death: who got a mail, each once, and what became of all, when the others go on."""
    for _ in range(2):
        make_due(shop)
        sending.send_due()
    receivers = [mail["To"] for mail in sink.mails]
    assert len(receivers) == len(set(receivers))
    with db.transaction(shop.id) as session:
        return receivers, sorted(session.scalars(select(Message.state)))


def die(moment: str, at: int, fast_seconds: float) -> None:
    """Another process sends, in groups of what takes `fast_seconds`, and is killed -9 at its n-th mail."""
    program = f"""
import os, signal
from plugin.mail import smtp
from plugin.messages import sending
sending.GROUP_SECONDS = {fast_seconds}
send, calls = smtp.Connection.send, []
def dying(self, mail, sender, recipient, until):
    calls.append(recipient)
    if len(calls) == {at} and {moment == "before the call"}:
        os.kill(os.getpid(), signal.SIGKILL)
    send(self, mail, sender, recipient, until)
    if len(calls) == {at}:
        os.kill(os.getpid(), signal.SIGKILL)
smtp.Connection.send = dying
sending.send_due()
"""
    died = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert died.returncode == -signal.SIGKILL


def test_behind_a_server_that_goes_away_nothing_costs_a_try(
    shop: Shop, other_shop: Shop, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "GROUP_SECONDS", 60.0)
    for number in range(6):
        ask(shop, f"k{number}", email=f"p{number}@example.com")
    sink.answers["p2@example.com"] = "421 4.3.2 going down"
    sending.send_due()
    with db.transaction(shop.id) as session:
        rows = session.execute(select(Message.state, Message.attempts, Message.lease).order_by(Message.id)).all()
    assert [(state, attempts) for state, attempts, _ in rows] == [
        *[("sent", 1)] * 2,
        ("queued", 1),
        *[("queued", 0)] * 3,
    ]
    assert {lease for _, _, lease in rows} == {None}
    sink.answers.clear()
    make_due(shop)
    sending.send_due()
    assert len(sink.mails) == 6


def test_the_store_withdrawing_and_granting_lists_and_lifts(shop: Shop, sink: Sink) -> None:
    with db.transaction(shop.id) as session:
        person = customer(session, shop, 7, "Anna@Example.com", "unsubscribed", email_consent_at=clock.now(session))
        messages.follow_consent(session, shop, {7})
        messages.follow_consent(session, shop, {7})
        assert session.scalars(select(Suppression.scope)).all() == ["all"]
        person.email_consent, person.email_consent_at = "subscribed", clock.now(session)
        session.flush()
        messages.follow_consent(session, shop, {7})
        assert session.scalars(select(Suppression)).all() == []
        assert list(session.scalars(select(Consent.granted).order_by(Consent.id))) == [False, True]


def test_an_older_yes_of_the_store_does_not_lift_a_newer_no(shop: Shop, sink: Sink) -> None:
    with db.transaction(shop.id) as session:
        then = clock.now(session) - timedelta(days=1)
        customer(session, shop, 7, ANNA, "subscribed", email_consent_at=then)
        messages.withdraw(session, shop, ANNA, rules.ALL, words="stop", source="one_click")
        messages.follow_consent(session, shop, {7})
        assert session.scalars(select(Suppression.reason)).all() == ["unsubscribed"]


def test_a_dead_address_is_not_lifted_by_a_yes(shop: Shop, sink: Sink) -> None:
    with db.transaction(shop.id) as session:
        suppress(session, shop, ANNA, rules.ALL, "bounced")
        messages.grant(session, shop, ANNA, rules.ALL, words="yes", source="storefront")
        assert session.scalars(select(Suppression.reason)).all() == ["bounced"]


def test_one_shops_trouble_does_not_hold_up_the_others(shop: Shop, other_shop: Shop, sink: Sink) -> None:
    ask(shop)
    ask(other_shop)
    with db.transaction(shop.id) as session:
        session.execute(text('UPDATE shops SET settings = \'{"sender_email": "not an address"}\''))
    sending.send_due()
    assert [mail["To"] for mail in sink.mails] == [ANNA]
    assert (only(shop).state, only(shop).reason) == ("failed", "address")
    assert only(other_shop).state == "sent"


def test_a_wish_after_leaving_the_store_counts_even_when_the_news_comes_late(shop: Shop, sink: Sink) -> None:
    with db.transaction(shop.id) as session:
        left = clock.now(session) - timedelta(minutes=10)
        customer(session, shop, 7, ANNA, "unsubscribed", email_consent_at=left)
        messages.record_consent(
            session, shop, email=ANNA, customer_id=7, scope="field:1", granted=True, words="w", source="storefront"
        )
        messages.follow_consent(session, shop, {7})
    ask(shop, "wished", scope="field:1")
    ask(shop, "cart")
    sending.send_due()
    assert len(sink.mails) == 1
    with db.transaction(shop.id) as session:
        assert session.scalars(select(Message.key).where(Message.state == "sent")).all() == ["wished"]


def test_a_second_no_after_a_wish_counts_again(shop: Shop, sink: Sink) -> None:
    with db.transaction(shop.id) as session:
        for minutes, yes in ((10, False), (5, True), (0, False)):
            session.info["now"] = clock.machine_now() - timedelta(minutes=minutes)
            if yes:
                messages.grant(session, shop, ANNA, "field:1", words="w", source="storefront")
            else:
                messages.withdraw(session, shop, ANNA, rules.ALL, words="stop", source="one_click")
        messages.withdraw(session, shop, ANNA, rules.ALL, words="stop", source="one_click")
        assert list(session.scalars(select(Consent.granted).order_by(Consent.id))) == [False, True, False]
    ask(shop, scope="field:1")
    sending.send_due()
    assert sink.mails == []

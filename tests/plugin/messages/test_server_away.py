"""A mail server that is away, and a sender that was paused: nothing is sent twice, and what waits pays for nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import Any

import pytest
from sqlalchemy import Engine, select, text

from plugin.config import ROOT
from plugin.db import engine as db
from plugin.effects import breakers
from plugin.effects.breakers import MAIL_SERVER
from plugin.effects.rules import FAILURES_TO_OPEN, Stand
from plugin.messages import sending
from plugin.messages.models import Message
from plugin.shops.models import Shop
from tests.plugin.mailbox import Sink
from tests.plugin.messages.test_sending import ask, make_due


def fates(shop: Shop) -> list[tuple[str, int]]:
    with db.transaction(shop.id) as session:
        rows = session.execute(select(Message.state, Message.attempts).order_by(Message.id))
        return [(state, attempts) for state, attempts in rows]


def stand(shop: Shop) -> Stand:
    with db.transaction(shop.id) as session:
        return breakers.look(session, MAIL_SERVER).stand


def rest_is_over(owner: Engine) -> None:
    with owner.begin() as connection:
        connection.execute(text("UPDATE shared_breakers SET open_until = clock_timestamp() - interval '1 ms'"))


def fail_until_open(shop: Shop) -> None:
    for _ in range(FAILURES_TO_OPEN):
        make_due(shop)
        sending.send_due()


def test_after_some_failures_the_server_is_left_alone_by_all_shops(
    shop: Shop, other_shop: Shop, services: None, owner: Engine
) -> None:
    for number in range(8):
        ask(shop, f"k{number}", email=f"p{number}@example.com")
    fail_until_open(shop)
    assert stand(shop) is stand(other_shop) is Stand.OPEN
    ask(other_shop)
    make_due(shop)
    assert sending.send_due() == 0
    assert fates(shop) == [("queued", 0)] * 8 and fates(other_shop) == [("queued", 0)]


def test_then_one_mail_tries_and_its_answer_lets_the_others_go(
    shop: Shop, other_shop: Shop, services: None, owner: Engine, request: pytest.FixtureRequest
) -> None:
    for number in range(8):
        ask(shop, f"k{number}", email=f"p{number}@example.com")
    fail_until_open(shop)
    rest_is_over(owner)
    make_due(shop)
    assert sending.send_due() == 1 and stand(shop) is Stand.OPEN
    sink: Sink = request.getfixturevalue("sink")
    rest_is_over(owner)
    make_due(shop)
    sending.send_due()
    assert stand(shop) is Stand.CLOSED
    assert [state for state, _ in fates(shop)] == ["sent"] * 8 and len(sink.mails) == 8


def test_a_server_that_says_no_is_not_away(shop: Shop, sink: Sink) -> None:
    sink.answers["*"] = "550 5.7.1 not from you"
    for number in range(FAILURES_TO_OPEN + 2):
        ask(shop, f"k{number}", email=f"p{number}@example.com")
    sending.send_due()
    assert stand(shop) is Stand.CLOSED and {state for state, _ in fates(shop)} == {"failed"}


def paused_sender(at: str) -> subprocess.Popen[bytes]:
    """Another process, which stops itself with its mail claimed or with `sending` committed; a lease lasts a second."""
    program = f"""
import os, signal
from plugin.mail import smtp
from plugin.messages import claiming, sending
claiming.LEASE_SECONDS = sending.LEASE_SECONDS = 1.0
sending.LAST_SECONDS = 0.5
def stop():
    os.kill(os.getpid(), signal.SIGSTOP)
send, begin = smtp.Connection.send, sending._begin
def stopping_send(self, *words):
    {at == "sending"} and stop()
    send(self, *words)
def stopping_begin(*words):
    {at == "claimed"} and stop()
    return begin(*words)
smtp.Connection.send, sending._begin = stopping_send, stopping_begin
sending.send_due()
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    started = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, env=environment)
    assert os.WIFSTOPPED(os.waitpid(started.pid, os.WUNTRACED)[1])
    return started


@pytest.mark.parametrize("at", ["claimed", "sending"])
@pytest.mark.parametrize("marketing", [True, False])
def test_a_sender_that_was_paused_past_its_lease_sends_nothing_late(
    shop: Shop, other_shop: Shop, sink: Sink, at: str, marketing: bool
) -> None:
    ask(shop, marketing=marketing)
    paused = paused_sender(at)
    while sending.send_due() == 0 and not taken_over(shop):  # until its lease is over
        pass
    os.kill(paused.pid, signal.SIGCONT)
    assert paused.wait(20) == 0
    assert len(sink.mails) <= 1
    make_due(shop)
    sending.send_due()
    assert len(sink.mails) == 1 and [state for state, _ in fates(shop)] == ["sent"]


def taken_over(shop: Shop) -> bool:
    return fates(shop)[0][0] in ("unknown", "sent")


def test_a_breaker_holds_nothing_of_a_shop(database: Engine) -> None:
    with database.connect() as connection:
        query = "SELECT column_name FROM information_schema.columns WHERE table_name = 'shared_breakers'"
        columns: Any = set(connection.execute(text(query)).scalars())
    assert columns == {"destination", "failures", "opened", "open_until", "probing_until", "error", "changed_at"}

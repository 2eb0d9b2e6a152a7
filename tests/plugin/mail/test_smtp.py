"""What a connection knows about the fate of each mail."""

from __future__ import annotations

import os
import socket
from datetime import UTC, datetime

import pytest

from plugin.errors import Invalid
from plugin.mail import smtp
from plugin.mail.envelope import Letter, build
from plugin.mail.errors import NotAccepted, Rejected, Unanswered
from tests.plugin.mailbox import Sink


def letter(recipient: str = "anna@example.com", **more: object) -> Letter:
    values = {
        "sender_name": "Vector Roasters",
        "sender_email": "mail@shop.example",
        "recipient": recipient,
        "subject": "Hello",
        "text": "Text\n",
        "html": "<p>HTML</p>",
        "message_id": "<1@shop.example>",
        "reference": "1-1",
        "sent_at": datetime(2026, 11, 21, tzinfo=UTC),
    }
    return Letter(**{**values, **more})  # type: ignore[arg-type]


def hand_over(connection: smtp.Connection, recipient: str = "anna@example.com", **more: object) -> None:
    connection.send(build(letter(recipient, **more)), "mail@shop.example", recipient)


def test_a_batch_uses_one_connection(sink: Sink) -> None:
    with smtp.connection(os.environ["SMTP_URL"]) as connection:
        for number in range(5):
            hand_over(connection, f"p{number}@example.com")
    assert (len(sink.mails), sink.connections) == (5, 1)


def test_a_refused_address_does_not_end_the_batch(sink: Sink) -> None:
    sink.answers["nobody@example.com"] = "550 5.1.1 no such user"
    with smtp.connection(os.environ["SMTP_URL"]) as connection:
        with pytest.raises(Rejected) as refused:
            hand_over(connection, "nobody@example.com")
        hand_over(connection, "anna@example.com")
    assert refused.value.no_such_address
    assert len(sink.mails) == 1


def test_a_full_mailbox_is_rejected_without_being_a_dead_address(sink: Sink) -> None:
    sink.answers["*"] = "552 5.2.2 mailbox full"
    with smtp.connection(os.environ["SMTP_URL"]) as connection, pytest.raises(Rejected) as refused:
        hand_over(connection)
    assert not refused.value.no_such_address


@pytest.mark.parametrize("where", ["rcpt", "data"])
def test_a_temporary_no_is_surely_not_accepted(sink: Sink, where: str) -> None:
    sink.answers["*"] = "451 4.7.1 greylisted" if where == "rcpt" else ""
    sink.after_data = "451 4.3.0 later" if where == "data" else ""
    with smtp.connection(os.environ["SMTP_URL"]) as connection, pytest.raises(NotAccepted) as refused:
        hand_over(connection)
    assert not isinstance(refused.value, Rejected)
    assert refused.value.code == 451


def test_a_server_that_is_away_surely_took_nothing(services: None) -> None:
    with smtp.connection("smtp://127.0.0.1:9") as connection, pytest.raises(NotAccepted):
        hand_over(connection)


def test_hanging_up_after_the_text_leaves_the_fate_unknown(sink: Sink) -> None:
    sink.after_data = "hang up"
    with smtp.connection(os.environ["SMTP_URL"]) as connection, pytest.raises(Unanswered):
        hand_over(connection)
    assert len(sink.mails) == 1


def test_no_answer_in_time_leaves_the_fate_unknown(sink: Sink) -> None:
    sink.after_data = "sleep"
    connection = smtp.Connection(smtp.server(os.environ["SMTP_URL"]), answer_seconds=0.3)
    with pytest.raises(Unanswered):
        hand_over(connection)


def test_a_connection_the_server_closed_between_two_mails_is_opened_again(sink: Sink) -> None:
    with smtp.connection(os.environ["SMTP_URL"]) as connection:
        hand_over(connection)
        connection._smtp.sock.shutdown(socket.SHUT_RDWR)  # type: ignore[union-attr]
        hand_over(connection)
    assert (len(sink.mails), sink.connections) == (2, 2)


def test_lines_of_one_dot_arrive_as_they_were(sink: Sink) -> None:
    with smtp.connection(os.environ["SMTP_URL"]) as connection:
        hand_over(connection, text="a\n.\n..b\nc\n")
    assert sink.mails[0].get_body(("plain",)).get_content().replace("\r\n", "\n") == "a\n.\n..b\nc\n"  # type: ignore[union-attr]


@pytest.mark.parametrize("url", ["", "http://x", "smtp://", "mail.example.com:25"])
def test_an_smtp_url_that_is_none_is_said_plainly(url: str) -> None:
    with pytest.raises(Invalid, match="SMTP_URL"):
        smtp.server(url)


def test_a_password_demands_encryption_and_is_never_shown() -> None:
    server = smtp.server("smtp://user:p%40ss@mail.example.com")
    assert (server.port, server.password, server.starttls_required) == (587, "p@ss", True)
    assert "p@ss" not in repr(server)

"""Caught mail, as JSON and as pages."""

from __future__ import annotations

import smtplib
import socket
from collections.abc import Iterator
from email.message import EmailMessage

import pytest
from flask.testing import FlaskClient

from plugin.sandbox.mailbox import inbox
from plugin.sandbox.mailbox.inbox import Postbox
from plugin.sandbox.runtime import Sandbox


@pytest.fixture
def postbox(store: Sandbox) -> Iterator[int]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    box = Postbox(store.world, port)
    box.start()
    yield port
    box.stop()


def mail(to: str = "Ines <ines@example.com>", subject: str = "Deine Bohnen ☕") -> EmailMessage:
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = subject, "Laden <laden@example.com>", to
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content("Hallo Ines,\n\n120 Bohnen.\n")
    message.add_alternative("<h1>Hallo</h1><script>alert(1)</script>", subtype="html")
    return message


def test_a_mail_arrives_over_smtp_with_its_parts(client: FlaskClient, postbox: int) -> None:
    with smtplib.SMTP("127.0.0.1", postbox) as smtp:
        smtp.send_message(mail())
    (got,) = client.get("/mailbox.json?to=INES@example.com").get_json()["messages"]
    assert (got["to"], got["from"], got["subject"]) == ("ines@example.com", "laden@example.com", "Deine Bohnen ☕")
    assert "120 Bohnen" in got["text"]
    assert "<h1>Hallo</h1>" in got["html"]
    assert got["headers"]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert client.get("/mailbox.json?to=other@example.com").get_json() == {"messages": []}


def keep(store: Sandbox, **given: str) -> int:
    message = mail(**given)
    return int(inbox.keep(store.world, "a@example.com", [str(message["To"])], message.as_bytes()).id)


def test_the_newest_comes_first_and_all_can_be_deleted(client: FlaskClient, store: Sandbox) -> None:
    keep(store, subject="First")
    keep(store, subject="Second")
    subjects = [one["subject"] for one in client.get("/mailbox.json").get_json()["messages"]]
    assert subjects == ["Second", "First"]
    assert client.delete("/mailbox.json").get_json() == {"deleted": 2}
    assert client.get("/mailbox.json").get_json() == {"messages": []}


def test_a_mail_is_stamped_with_business_time(client: FlaskClient, store: Sandbox) -> None:
    store.world.advance(86_400 * 40)
    keep(store)
    got = client.get("/mailbox.json").get_json()["messages"][0]
    assert got["received_at"][:10] == store.world.now().date().isoformat()


def test_the_list_can_be_searched(client: FlaskClient, store: Sandbox) -> None:
    keep(store, to="ines@example.com", subject="Beans")
    keep(store, to="oleg@example.com", subject="Cart")
    page = client.get("/mailbox?q=INES").get_data(as_text=True)
    assert "Beans" in page
    assert "Cart" not in page
    assert "No mail matches" in client.get("/mailbox?q=nobody").get_data(as_text=True)


def test_the_html_of_a_mail_cannot_run_scripts(client: FlaskClient, store: Sandbox) -> None:
    number = keep(store)
    answer = client.get(f"/mailbox/{number}/html")
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert "allow-scripts" not in answer.headers["Content-Security-Policy"]
    assert "<h1>Hallo</h1>" in answer.get_data(as_text=True)


@pytest.mark.parametrize(("view", "part"), [("html", "iframe"), ("text", "120 Bohnen"), ("headers", "One-Click")])
def test_a_mail_is_shown_in_every_view(client: FlaskClient, store: Sandbox, view: str, part: str) -> None:
    number = keep(store)
    assert part in client.get(f"/mailbox/{number}?view={view}").get_data(as_text=True)
    assert client.get(f"/mailbox/{number}/raw").mimetype == "text/plain"


def test_a_mail_that_is_no_mail_is_kept_anyway(client: FlaskClient, store: Sandbox) -> None:
    inbox.keep(store.world, "a@example.com", ["b@example.com"], b"\xff\xfe no headers at all")
    got = client.get("/mailbox.json").get_json()["messages"][0]
    assert got["subject"] == ""
    assert client.get(f"/mailbox/{got['id']}").status_code == 200


def test_some_addresses_have_nobody_behind_them(client: FlaskClient, postbox: int) -> None:
    with smtplib.SMTP("127.0.0.1", postbox) as smtp, pytest.raises(smtplib.SMTPRecipientsRefused) as refusal:
        smtp.send_message(mail(to="gone@bounce.example"))
    assert refusal.value.recipients["gone@bounce.example"][0] == 550
    assert client.get("/mailbox.json").get_json() == {"messages": []}

"""Mails as they go over the wire: whatever names and texts hold, the message is valid and nothing is injected."""

from __future__ import annotations

import email
from email.policy import default

import pytest

from plugin.errors import Invalid
from plugin.mail.envelope import build
from tests.plugin.mail.test_smtp import letter

HOSTILE = [
    "Hello\r\nBcc: victim@example.com",
    "Hello\nX-Evil: 1",
    "Hello\rX-Evil: 1",
    "Hello\x00\x0b\x0c\x85\u2028\u2029X-Evil: 1",
    "=?utf-8?q?Hello=0D=0ABcc:_v@example.com?=",
    "مرحبا\u202eabc",
    "Ж" * 2000,
    '"quoted" <evil@example.com>, other@example.com',
]


def parsed(**more: object) -> email.message.EmailMessage:
    return email.message_from_bytes(build(letter(**more)), policy=default)  # type: ignore[arg-type, return-value]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("where", ["subject", "sender_name", "message_id", "reference", "unsubscribe_url"])
def test_nothing_can_be_injected_into_headers(where: str, text: str) -> None:
    mail = parsed(**{where: text})
    assert mail["Bcc"] is None
    assert mail["X-Evil"] is None
    assert mail.get_all("From") is not None and len(mail.get_all("From")) == 1
    assert mail["From"].addresses[0].addr_spec == "mail@shop.example"
    assert mail.get_body(("plain",)).get_content().strip() == "Text"


@pytest.mark.parametrize("where", ["recipient", "sender_email", "reply_to"])
@pytest.mark.parametrize(
    "address", ["a@b.c\r\nBcc: v@example.com", "a@b.c, d@e.f", "Anna <a@b.c>", "", "nobody", "a@b@c"]
)
def test_an_address_that_is_none_is_refused(where: str, address: str) -> None:
    if where == "reply_to" and not address:
        return
    with pytest.raises(Invalid):
        build(letter(**{where: address}))


@pytest.mark.parametrize(
    "text", ["x" * 5000 + "\n", "Ж" * 3000 + "\n", "\u202eabc\n", "a\r\nb\rc\n", ".\n.\n", "", "nul\x00byte\n"]
)
def test_no_line_is_over_the_limit_and_both_parts_are_there(text: str) -> None:
    raw = build(letter(text=text, html=f"<p>{text}</p>"))
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert b"\n" not in raw.replace(b"\r\n", b"")
    mail = email.message_from_bytes(raw, policy=default)
    assert not mail.defects
    assert mail.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]  # type: ignore[attr-defined]


def test_a_megabyte_of_html_is_a_valid_mail() -> None:
    mail = parsed(html="<p>" + "x" * 1_000_000 + "</p>")
    assert len(mail.get_body(("html",)).get_content()) > 1_000_000


def test_marketing_carries_both_one_click_headers_and_service_mail_none() -> None:
    marketing = parsed(unsubscribe_url="https://regulars.example/u/abc")
    assert marketing["List-Unsubscribe"] == "<https://regulars.example/u/abc>"
    assert marketing["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert parsed()["List-Unsubscribe"] is None

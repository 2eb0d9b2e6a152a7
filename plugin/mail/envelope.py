"""Building one mail: plain text and HTML, one address, headers that nobody can inject into."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from typing import Final

from plugin.errors import Invalid

CONTROL: Final = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]+")
NAME_LONGEST: Final = 120
SUBJECT_LONGEST: Final = 250
TOKEN_LONGEST: Final = 900  # one header line holds 998


@dataclass(frozen=True)
class Letter:
    """What a mail says, to whom and from whom. `unsubscribe_url` makes it a marketing mail (RFC 8058)."""

    sender_name: str
    sender_email: str
    recipient: str
    subject: str
    text: str
    html: str
    message_id: str  # "<…@…>"
    reference: str  # our own, for finding the row again
    sent_at: datetime
    reply_to: str | None = None
    unsubscribe_url: str | None = None


def build(letter: Letter) -> EmailMessage:
    """The mail as it goes over the wire. Raises Invalid when an address is none."""
    mail = EmailMessage(policy=SMTP)
    mail["From"] = _address(letter.sender_name, letter.sender_email, "sender_email")
    mail["To"] = _address("", letter.recipient, "email")
    if letter.reply_to:
        mail["Reply-To"] = _address("", letter.reply_to, "reply_to")
    mail["Subject"] = clean(letter.subject)[:SUBJECT_LONGEST]
    mail["Date"] = format_datetime(letter.sent_at)
    mail["Message-ID"] = _token(letter.message_id)
    mail["X-Ref"] = _token(letter.reference)
    if letter.unsubscribe_url:
        _let_unsubscribe(mail, letter.unsubscribe_url)
    mail.set_content(_lines(letter.text), cte=_encoding(letter.text))
    mail.add_alternative(_lines(letter.html), subtype="html", cte="base64")
    return mail


def clean(text: str) -> str:
    """One line that says what it says: nothing can begin a new header.

    Control characters and line separators become a space; `=?` is taken apart, because Python's email package decodes
    encoded words in what it is given, and a line break can hide in one.
    """
    return CONTROL.sub(" ", text).replace("=?", "= ?").strip()


def _token(text: str) -> str:
    """What machines read: ASCII, without spaces, of bounded length."""
    return re.sub(r"[^\x21-\x7e]+", "", text).replace("=?", "=")[:TOKEN_LONGEST]


def _let_unsubscribe(mail: EmailMessage, url: str) -> None:
    mail["List-Unsubscribe"] = f"<{_token(url)}>"
    mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"


def _address(name: str, email: str, field: str) -> Address:
    if CONTROL.search(email) or parseaddr(email)[1] != email:
        raise Invalid("This is not an e-mail address.", field)
    try:
        return Address(display_name=clean(name)[:NAME_LONGEST], addr_spec=email)
    except (ValueError, IndexError) as error:
        raise Invalid("This is not an e-mail address.", field) from error


def _encoding(text: str) -> str:
    """Short plain lines go as they are; anything else is wrapped, so that no line is over the 998 of RFC 5322."""
    plain = text.isascii() and all(len(line) < 78 and not line.startswith(".") for line in text.splitlines())
    return "7bit" if plain else "quoted-printable"


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")

"""Building one mail: plain text and HTML, one address, headers that nobody can inject into."""

from __future__ import annotations

import re
from base64 import encodebytes
from binascii import b2a_qp
from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from email.message import Message
from email.policy import compat32
from email.utils import format_datetime, formataddr, parseaddr
from typing import Final

from plugin.errors import Invalid

CONTROL: Final = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]+")
ADDRESS: Final = re.compile(r"[^\s@<>,;:\"()\[\]\\]+@[^\s@<>,;:\"()\[\]\\]+")
WIRE: Final = compat32.clone(linesep="\r\n")
NAME_LONGEST: Final = 120
SUBJECT_LONGEST: Final = 250
TOKEN_LONGEST: Final = 900  # one header line holds 998
BOUNDARY: Final = b"=_regulars_=="  # neither of the two encodings of a part can produce "=_"
MIME: Final = b'MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary="%b"\r\n\r\n' % BOUNDARY
PART: Final = b"--%b\r\nContent-Type: text/%b; charset=utf-8\r\nContent-Transfer-Encoding: %b\r\n\r\n%b\r\n"


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


def build(letter: Letter) -> bytes:
    """The mail as it goes over the wire. Raises Invalid when an address is none.

    The older half of Python's email package makes the headers: the newer one parses every header it is given, which
    costs ten times as much, and decodes encoded words on the way. What becomes a header is cleaned here first.
    The two parts are put together by hand: their headers are always the same.
    """
    head = Message(policy=WIRE)
    head["From"] = _address(letter.sender_name, letter.sender_email, "sender_email")
    head["To"] = _address("", letter.recipient, "email")
    if letter.reply_to:
        head["Reply-To"] = _address("", letter.reply_to, "reply_to")
    head["Subject"] = _unstructured(clean(letter.subject)[:SUBJECT_LONGEST])
    head["Date"] = format_datetime(letter.sent_at)
    head["Message-ID"] = _token(letter.message_id)
    head["X-Ref"] = _token(letter.reference)
    if letter.unsubscribe_url:
        head["List-Unsubscribe"] = f"<{_token(letter.unsubscribe_url)}>"
        head["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    headers = head.as_bytes().removesuffix(b"\r\n") + MIME
    return headers + _part(letter.text, b"plain") + _part(letter.html, b"html") + b"--%b--\r\n" % BOUNDARY


def clean(text: str) -> str:
    """One line that says what it says: nothing can begin a new header.

    Control characters and line separators become a space; `=?` is taken apart, because Python's email package decodes
    encoded words in what it is given, and a line break can hide in one.
    """
    return CONTROL.sub(" ", text).replace("=?", "= ?").strip()


def _token(text: str) -> str:
    """What machines read: ASCII, without spaces, of bounded length."""
    return re.sub(r"[^\x21-\x7e]+", "", text).replace("=?", "=")[:TOKEN_LONGEST]


def _unstructured(text: str) -> str:
    return text if text.isascii() and len(text) < 70 else Header(text, "utf-8").encode(linesep="\r\n")


def _address(name: str, email: str, field: str) -> str:
    if CONTROL.search(email) or not email.isascii() or parseaddr(email)[1] != email or not ADDRESS.fullmatch(email):
        raise Invalid("This is not an e-mail address.", field)
    return formataddr((clean(name)[:NAME_LONGEST], email))


def _part(text: str, subtype: bytes) -> bytes:
    """One part in UTF-8, in whichever encoding is shorter; neither has a line over the 998 of RFC 5322."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")
    raw = lines.encode()
    if len(raw) - len(lines) < len(raw) / 6:
        encoding, body = b"quoted-printable", b2a_qp(raw, istext=True)
    else:
        encoding, body = b"base64", encodebytes(raw.replace(b"\n", b"\r\n"))
    return PART % (BOUNDARY, subtype, encoding, body.replace(b"\n", b"\r\n"))

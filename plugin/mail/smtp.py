"""One SMTP connection for a batch of mails, and the truth about each: taken, surely not taken, or nobody knows.

`SMTP_URL`: smtp://[user:password@]host[:port] (STARTTLS when the server offers it, and always before a password), or
smtps:// (TLS from the start). `?from=mail@example.com` is the address of shops that have not set their own, and
`?starttls=required` refuses servers without it.
"""

from __future__ import annotations

import re
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, lru_cache
from time import monotonic
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

from plugin.errors import Invalid
from plugin.mail.errors import Away, NotAccepted, Rejected, TooLate, Unanswered

CONNECT_SECONDS: Final = 10
ANSWER_SECONDS: Final = 30
NOBODY_THERE: Final = re.compile(r"\b5\.1\.(?:1|2|3|6|10)\b")  # RFC 3463 and 7505: no such mailbox or domain
DOTS: Final = re.compile(rb"(?m)^\.")


@dataclass(frozen=True)
class Server:
    """Where and how mail is handed over."""

    host: str
    port: int
    tls: bool
    user: str
    password: str
    sender: str | None
    starttls_required: bool

    def __repr__(self) -> str:
        return f"Server({self.host}:{self.port})"


@lru_cache(maxsize=4)
def server(url: str) -> Server:
    """The server of an SMTP_URL. Raises Invalid."""
    parts = urlsplit(url)
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise Invalid("SMTP_URL must look like smtp://user:password@host:port.")
    options = parse_qs(parts.query)
    tls = parts.scheme == "smtps"
    return Server(
        host=parts.hostname,
        port=parts.port or (465 if tls else 587 if parts.username else 25),
        tls=tls,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        sender=options.get("from", [None])[0],
        starttls_required=options.get("starttls") == ["required"] or bool(parts.username),
    )


@contextmanager
def connection(url: str) -> Iterator[Connection]:
    """A connection for a batch, opened with the first mail and closed at the end."""
    sending = Connection(server(url))
    try:
        yield sending
    finally:
        sending.close()


class Connection:
    """Hands mails over one after another; opens itself anew when the server hung up between two."""

    def __init__(self, to: Server, answer_seconds: float = ANSWER_SECONDS) -> None:
        self._server = to
        self._answer_seconds = answer_seconds
        self._smtp: smtplib.SMTP | None = None

    def send(self, mail: bytes, sender: str, recipient: str, until: float | None = None) -> None:
        """Hand one mail over. Raises NotAccepted (surely not taken), Rejected (for good), Unanswered (unknown).

        After `until`, a moment of the monotonic clock, the text is not handed over any more (TooLate).
        """
        smtp = self._ready(sender)
        self._say(smtp, f"RCPT TO:<{recipient}>")
        self._say(smtp, "DATA", expected=354)
        if until is not None and monotonic() > until:
            self._drop()
            raise TooLate("The turn of this mail was over before its text was handed over.")
        self._hand_over(smtp, mail)

    def close(self) -> None:
        """Say goodbye if anybody listens."""
        smtp, self._smtp = self._smtp, None
        if smtp is None:
            return
        try:
            smtp.quit()
        except (OSError, smtplib.SMTPException):
            smtp.close()

    def _ready(self, sender: str) -> smtplib.SMTP:
        """A connection that took MAIL FROM: the one in use, or a fresh one when that was closed meanwhile."""
        size = f"MAIL FROM:<{sender}>"
        if self._smtp is not None:
            try:
                self._say(self._smtp, size)
                return self._smtp
            except Rejected:
                raise
            except NotAccepted:
                self._drop()
        smtp = self._smtp = self._open()
        self._say(smtp, size)
        return smtp

    def _open(self) -> smtplib.SMTP:
        try:
            return self._greeted()
        except smtplib.SMTPAuthenticationError as error:
            raise Away("The mail server does not accept the user name and password.", error.smtp_code) from error
        except (OSError, smtplib.SMTPException) as error:
            raise Away("The mail server cannot be reached: %(reason)s", reason=_words(error)) from error

    def _greeted(self) -> smtplib.SMTP:
        to = self._server
        if to.tls:
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(to.host, to.port, timeout=CONNECT_SECONDS, context=_trust())
        else:
            smtp = smtplib.SMTP(to.host, to.port, timeout=CONNECT_SECONDS)
        smtp.ehlo_or_helo_if_needed()
        if not to.tls and (smtp.has_extn("starttls") or to.starttls_required):
            smtp.starttls(context=_trust())
            smtp.ehlo()
        if to.user:
            smtp.login(to.user, to.password)
        if smtp.sock:
            smtp.sock.settimeout(self._answer_seconds)
        return smtp

    def _say(self, smtp: smtplib.SMTP, command: str, expected: int = 250) -> None:
        """One command before the text: whatever goes wrong here, the mail was surely not taken."""
        try:
            code, answer = smtp.docmd(command)
        except (OSError, smtplib.SMTPException) as error:
            self._drop()
            raise NotAccepted("The mail server hung up: %(reason)s", reason=_words(error)) from error
        if code == expected or (expected == 250 and code == 251):
            return
        self._refused(smtp, code, answer)

    def _hand_over(self, smtp: smtplib.SMTP, body: bytes) -> None:
        """The text and its final dot. Without an answer nobody knows whether it was taken."""
        ending = b"" if body.endswith(b"\r\n") else b"\r\n"
        try:
            smtp.send(DOTS.sub(b"..", body) + ending + b".\r\n")
            code, answer = smtp.getreply()
        except (OSError, smtplib.SMTPException) as error:
            self._drop()
            raise Unanswered("No answer after the text was handed over: %(reason)s", reason=_words(error)) from error
        if 400 <= code < 600:
            self._refused(smtp, code, answer)
        if not 200 <= code < 300:
            self._drop()
            raise Unanswered("An answer nobody understands after the text was handed over: %(code)s", code=code)

    def _refused(self, smtp: smtplib.SMTP, code: int, answer: bytes) -> None:
        words = f"{code} {answer.decode('utf-8', 'replace')}"[:500]
        self._reset(smtp, code)
        if code >= 500:
            raise Rejected(words, code, no_such_address=NOBODY_THERE.search(words) is not None)
        raise NotAccepted(words, code)

    def _reset(self, smtp: smtplib.SMTP, code: int) -> None:
        """Forget the refused mail so that the next can begin; 421 means the server closes."""
        try:
            if code != 421 and smtp.rset()[0] == 250:
                return
        except (OSError, smtplib.SMTPException):
            pass
        self._drop()

    def _drop(self) -> None:
        smtp, self._smtp = self._smtp, None
        if smtp is not None:
            smtp.close()


@cache
def _trust() -> ssl.SSLContext:
    """The system's certificates, read once: that takes a tenth of a second."""
    return ssl.create_default_context()


def _words(error: Exception) -> str:
    return (str(error) or type(error).__name__)[:200]

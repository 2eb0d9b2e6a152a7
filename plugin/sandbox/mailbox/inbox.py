"""Caught mail: taken over SMTP, kept in the world, never sent anywhere."""

import asyncio
import email.policy
from email.message import EmailMessage
from email.parser import BytesParser

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from plugin.sandbox.app_records import Message
from plugin.sandbox.world import World

BIGGEST = 20 * 1024 * 1024
KEPT = 5_000
REFUSED_HOSTS = ("bounce.example",)


def keep(world: World, sender: str, recipients: list[str], raw: bytes) -> Message:
    """File a mail; parts that cannot be read are left empty, the raw text is always there."""
    parsed = BytesParser(policy=email.policy.default).parsebytes(raw)
    assert isinstance(parsed, EmailMessage)
    with world.change():
        message = world.messages.keep(
            Message(
                id=world.next_number("message"),
                recipients=[address.lower() for address in recipients],
                sender=sender,
                subject=str(parsed.get("Subject", "")),
                headers=[(name, str(value)) for name, value in parsed.items()],
                text=_part(parsed, "plain"),
                html=_part(parsed, "html"),
                received_at=world.now(),
                raw=raw.decode("utf-8", "replace"),
            )
        )
        _forget_oldest(world)
        return message


def _part(parsed: EmailMessage, kind: str) -> str:
    body = parsed.get_body(preferencelist=(kind,))
    if body is None:
        return ""
    try:
        return str(body.get_content())
    except (LookupError, UnicodeError):
        return ""


def _forget_oldest(world: World) -> None:
    if len(world.messages) > KEPT:
        world.messages.drop(next(iter(world.messages)).id)


def clear(world: World) -> int:
    """Delete everything; returns how many there were."""
    with world.change():
        count = len(world.messages)
        for message in world.messages:
            world.messages.drop(message.id)
        return count


class _Handler:
    def __init__(self, world: World) -> None:
        self._world = world

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Addresses at a host of `REFUSED_HOSTS` have nobody behind them; all others are welcome."""
        if address.rpartition("@")[2].lower() in REFUSED_HOSTS:
            return "550 5.1.1 No such user here"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """The name is the library's."""
        raw = envelope.content if isinstance(envelope.content, bytes) else str(envelope.content or "").encode()
        sender, recipients = envelope.mail_from or "", list(envelope.rcpt_tos)
        await asyncio.to_thread(keep, self._world, sender, recipients, raw)
        return "250 Message accepted for delivery"


class Postbox:
    """The SMTP server, on a thread of its own."""

    def __init__(self, world: World, port: int) -> None:
        self._controller = Controller(
            _Handler(world), hostname="127.0.0.1", port=port, data_size_limit=BIGGEST, enable_SMTPUTF8=True
        )

    def start(self) -> None:
        """Listen; `OSError` when the port is taken."""
        self._controller.start()

    def stop(self) -> None:
        """Close the port."""
        self._controller.stop()

"""A mail server that keeps what it gets, and misbehaves when told: refuses, tires, or hangs up after taking a mail."""

from __future__ import annotations

import asyncio
import email
import logging
from collections.abc import Iterator
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from plugin.config import config
from plugin.local.ports import free_port

logging.getLogger("mail.log").setLevel(logging.WARNING)  # it names everybody who gets mail; it is not ours


class Sink:
    """What arrived, in order, and how the server answers."""

    def __init__(self) -> None:
        self.raw: list[bytes] = []
        self.connections = 0
        self.answers: dict[str, str] = {}  # recipient, or "*" → the answer to its RCPT
        self.after_data = ""  # "hang up", "sleep", or an answer such as "451 later"

    @property
    def mails(self) -> list[EmailMessage]:
        return [email.message_from_bytes(raw, policy=default) for raw in self.raw]  # type: ignore[misc]

    def to(self, address: str) -> list[EmailMessage]:
        return [mail for mail in self.mails if mail["To"] == address]

    async def handle_EHLO(self, server: Any, session: Any, envelope: Any, hostname: str, responses: list[str]) -> Any:
        self.connections += 1
        session.host_name = hostname
        return responses

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        refused = self.answers.get(address) or self.answers.get("*")
        if refused:
            return refused
        envelope.rcpt_tos.append(address)
        return "250 fine"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.after_data[:1].isdigit():
            return self.after_data
        self.raw.append(envelope.content)
        if self.after_data == "hang up":
            server.transport.abort()
        if self.after_data == "sleep":
            await asyncio.sleep(3)
        return "250 taken"


@pytest.fixture
def sink(services: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sink]:
    """A running mail server that SMTP_URL points to."""
    kept = Sink()
    controller = Controller(
        kept, hostname="127.0.0.1", port=(port := free_port()), decode_data=False, data_size_limit=10_000_000
    )
    controller.start()
    monkeypatch.setenv("SMTP_URL", f"smtp://127.0.0.1:{port}?from=mail@shop.example")
    config.cache_clear()
    yield kept
    controller.stop()
    config.cache_clear()

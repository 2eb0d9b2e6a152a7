"""A mail server that keeps what it takes. `fault`: `cut` hangs up after taking a mail, `tired` asks to come back later.

Marketing mails are told by their unsubscribe header. A repeated service mail has the same Message-ID, by which every
mailbox knows it: it counts once.
"""

from __future__ import annotations

import asyncio
import random
import threading
from collections import Counter
from email import message_from_bytes
from email.message import Message
from typing import Any

from aiosmtpd.controller import Controller

from plugin.local.ports import free_port

FAULTS = ("cut", "tired")


class Mailbox:
    """The server and everything it ever took."""

    def __init__(self, seed: int) -> None:
        self.fault = ""
        self.slow = 0.0  # seconds between taking a mail and saying so
        self.struck: Counter[str] = Counter()
        self._luck = random.Random(seed)
        self._lock = threading.Lock()
        self._taken: list[tuple[str, Message]] = []
        self.port = free_port()
        self._controller = Controller(
            self, hostname="127.0.0.1", port=self.port, decode_data=False, data_size_limit=10_000_000
        )
        self._controller.start()

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}?from=mail@regulars.example"

    def close(self) -> None:
        self._controller.stop()

    def taken(self) -> list[tuple[str, Message]]:
        """(recipient, mail) in order."""
        with self._lock:
            return list(self._taken)

    def forget(self) -> None:
        with self._lock:
            self._taken.clear()

    def twice(self) -> list[str]:
        """Marketing mails taken more than once, by their Message-ID."""
        marketing = Counter(mail["Message-ID"] for _, mail in self.taken() if mail["List-Unsubscribe"])
        return [f"{id} {times} times" for id, times in marketing.items() if times > 1]

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        strikes = self.fault and self._luck.random() < 0.5
        if strikes:
            self.struck[f"mail {self.fault}"] += 1
        if strikes and self.fault == "tired":
            return "451 4.3.0 later"
        with self._lock:
            self._taken.append((envelope.rcpt_tos[0], message_from_bytes(envelope.content)))
        await asyncio.sleep(self.slow)
        if strikes:
            server.transport.abort()
        return "250 taken"

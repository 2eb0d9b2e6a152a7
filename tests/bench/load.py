"""A load generator: keep-alive connections, each sends the next request when it has the answer to the last."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter

END_OF_HEAD = b"\r\n\r\n"
ENDLESS = 2**62


@dataclass
class Load:
    """What one run did. Answers carry no body, or one whose length the head names.

    It ends after `most` requests; each connection rests for `pause` seconds between an answer and its next request.
    """

    request: Callable[[int], bytes]
    most: int = ENDLESS
    pause: float = 0.0
    sent: int = 0
    statuses: dict[bytes, int] = field(default_factory=dict)
    times: list[float] = field(default_factory=list)


class Connection(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self, load: Load, done: asyncio.Future[None]) -> None:
        self.load = load
        self.done = done
        self.data = b""
        self.started = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self._next()

    def data_received(self, data: bytes) -> None:
        self.data += data
        head = self.data.find(END_OF_HEAD)
        if head < 0 or len(self.data) < head + 4 + _length(self.data[:head]):
            return
        status = self.data[9:12]
        self.data = b""
        load = self.load
        load.statuses[status] = load.statuses.get(status, 0) + 1
        load.times.append(perf_counter() - self.started)
        if load.pause:
            asyncio.get_running_loop().call_later(load.pause, self._next)
            return
        self._next()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)

    def _next(self) -> None:
        if self.load.sent >= self.load.most:
            self.transport.close()
            return
        self.load.sent += 1
        self.started = perf_counter()
        self.transport.write(self.load.request(self.load.sent))  # type: ignore[attr-defined]


def run(port: int, request: Callable[[int], bytes], connections: int, seconds: float) -> tuple[float, Load]:
    """Requests answered a second on loopback, and what happened."""
    load = Load(request)
    return asyncio.run(_run(port, load, connections, seconds)), load


def send(port: int, requests: list[bytes], connections: int, pause: float = 0.0) -> Load:
    """Send these requests, each once, over so many connections; returns when the last is answered."""
    load = Load(lambda number: requests[number - 1], most=len(requests), pause=pause)
    asyncio.run(_run(port, load, min(connections, len(requests)), None))
    return load


async def _run(port: int, load: Load, connections: int, seconds: float | None) -> float:
    loop = asyncio.get_running_loop()
    ends = [loop.create_future() for _ in range(connections)]
    started = perf_counter()
    for end in ends:
        await loop.create_connection(lambda end=end: Connection(load, end), "127.0.0.1", port)  # type: ignore[misc]
    if seconds is not None:
        await asyncio.sleep(seconds)
    rate = len(load.times) / (perf_counter() - started)
    if seconds is not None:
        load.most = load.sent
    await asyncio.wait(ends, timeout=10 if seconds is not None else 120)
    return rate


def _length(head: bytes) -> int:
    lowered = head.lower()
    at = lowered.find(b"content-length:")
    if at < 0:
        return 0
    return int(lowered[at + 15 :].split(b"\r\n", 1)[0])

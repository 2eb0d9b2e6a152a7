"""A load generator: keep-alive connections, each sends the next request when it has the answer to the last."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter

END_OF_HEAD = b"\r\n\r\n"


@dataclass
class Load:
    """What one run did. Answers carry no body, or one whose length the head names."""

    request: Callable[[int], bytes]
    sent: int = 0
    statuses: dict[bytes, int] = field(default_factory=dict)
    times: list[float] = field(default_factory=list)
    stopping: bool = False


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
        if load.stopping:
            self.transport.close()
            return
        self._next()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)

    def _next(self) -> None:
        self.load.sent += 1
        self.started = perf_counter()
        self.transport.write(self.load.request(self.load.sent))  # type: ignore[attr-defined]


def run(port: int, request: Callable[[int], bytes], connections: int, seconds: float) -> tuple[float, Load]:
    """Requests answered a second on loopback, and what happened."""
    load = Load(request)
    return asyncio.run(_run(port, load, connections, seconds)), load


async def _run(port: int, load: Load, connections: int, seconds: float) -> float:
    loop = asyncio.get_running_loop()
    ends = [loop.create_future() for _ in range(connections)]
    started = perf_counter()
    for end in ends:
        await loop.create_connection(lambda end=end: Connection(load, end), "127.0.0.1", port)  # type: ignore[misc]
    await asyncio.sleep(seconds)
    rate = len(load.times) / (perf_counter() - started)
    load.stopping = True
    await asyncio.wait(ends, timeout=10)
    return rate


def _length(head: bytes) -> int:
    lowered = head.lower()
    at = lowered.find(b"content-length:")
    if at < 0:
        return 0
    return int(lowered[at + 15 :].split(b"\r\n", 1)[0])

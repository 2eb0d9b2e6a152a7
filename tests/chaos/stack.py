"""The real processes of the product and what they stand on, each of which may be killed and comes back.

Web, worker and beat run the Procfile's own commands; whoever of them ends is started again, as an init system would.
Only processes started here are ever signalled.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep

import psutil
import redis
from cryptography.fernet import Fernet

from plugin.config import ROOT
from plugin.local import commands, ports, postgres, process, valkey
from plugin.local.postgres import Postgres
from plugin.local.process import Process
from plugin.local.valkey import Valkey

SECRET = "a-client-secret-for-chaos-only-0001"
ENTRY = "tests.chaos.mutants.entry"
NAMES = ("web", "worker", "beat")
WATCH_SECONDS = 0.3
READY_SECONDS = 240.0


@dataclass
class Stack:
    """Everything that runs. `mutant` names a broken variant, started through the harness's own entry module."""

    home: Path
    store_url: str
    mail_url: str
    mutant: str = ""
    running: dict[str, Process] = field(default_factory=dict)
    restarts: int = 0
    _watching: threading.Event = field(default_factory=threading.Event)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def start_servers(self) -> None:
        """PostgreSQL, durable as in production, and Valkey; the schema and this process's own environment."""
        self.postgres_port, self.redis_port = ports.free_port(), ports.free_port()
        self.web_port = ports.free_port()
        self.start_postgres()
        self.start_redis()
        self.environment = commands.base_environment() | {
            "DATABASE_URL": self.postgres.url,
            "DATABASE_OWNER_URL": self.postgres.owner_url,
            "REDIS_URL": self.redis.url,
            "SHOPIFY_API_KEY": "chaos",
            "SHOPIFY_API_SECRET": SECRET,
            "APP_URL": self.web_url,
            "SMTP_URL": self.mail_url,
            "ENCRYPTION_KEYS": Fernet.generate_key().decode(),
            "REGULARS_SANDBOX": "1",
            "PLATFORM_STORE_URL": self.store_url,
            "HOST": ports.LOOPBACK,
            "PORT": str(self.web_port),
            "BEAT_SCHEDULE": str(self.home / "beat-schedule"),
            "PYTHONPATH": str(ROOT),
            "REGULARS_CHAOS_MUTANT": self.mutant,
        }
        os.environ.update(self.environment)

    def start_postgres(self) -> None:
        self.postgres: Postgres = postgres.start(
            self.home / "postgres", self.postgres_port, durable=True, log=self.log("postgres")
        )

    def start_redis(self) -> None:
        self.redis: Valkey = valkey.start(self.home / "valkey", self.redis_port, log=self.log("valkey"))

    def start_product(self) -> None:
        """Web, worker and beat; returns when all work. From now on they are watched."""
        for name in NAMES:
            self.start(name)
        self.wait_until_ready()
        self._watching.clear()
        threading.Thread(target=self._watch, daemon=True).start()

    def start(self, name: str) -> None:
        command = commands.procfile()[name]
        if self.mutant:
            command = command.replace("app:", f"{ENTRY}:")
        visible = {key: value for key, value in self.environment.items() if key != "DATABASE_OWNER_URL"}
        shell = ["/bin/sh", "-c", f"exec {command}"]
        with self._lock:
            self.running[name] = process.start(name, shell, self.log(name), environment=visible, directory=ROOT)

    def wait_until_ready(self) -> None:
        """Web answers, and the worker has said so since it was last started."""
        self.wait_until_web_answers()
        worker = self.running["worker"]
        worker.wait_until(lambda: bool(children(worker)), READY_SECONDS)

    def wait_until_web_answers(self) -> None:
        self.running["web"].wait_until(lambda: commands.answers(f"{self.web_url}/healthz"), READY_SECONDS)

    def stop_product(self, patience: float = 20.0) -> None:
        """Ask all to end, as a deploy does."""
        self._watching.set()
        with self._lock:
            for each in self.running.values():
                each.ask_to_stop()
            for each in self.running.values():
                each.stop(patience)
            self.running.clear()

    def drop(self, name: str) -> None:
        """End one process at once, for good."""
        with self._lock:
            self.running.pop(name).kill()

    def stop(self) -> None:
        self.stop_product(5.0)
        with suppress(Exception):
            self.redis.process.kill()
        with suppress(Exception):
            self.postgres.stop()

    def log(self, name: str) -> Path:
        return self.home / "logs" / f"{name}.log"

    @property
    def web_url(self) -> str:
        return f"http://{ports.LOOPBACK}:{self.web_port}"

    def client(self) -> redis.Redis:
        return redis.Redis.from_url(self.redis.url, socket_timeout=3, socket_connect_timeout=3)

    def _watch(self) -> None:
        while not self._watching.wait(WATCH_SECONDS):
            with self._lock:
                gone = [name for name, each in self.running.items() if not each.running()]
            for name in gone if not self._watching.is_set() else ():
                self.restarts += 1
                self.start(name)


def children(parent: Process) -> list[psutil.Process]:
    """The processes below one of ours, its shell and helpers left out."""
    try:
        return [each for each in psutil.Process(parent.pid).children(recursive=True) if each.is_running()]
    except psutil.NoSuchProcess:
        return []


def kill_group(target: Process) -> None:
    """SIGKILL for a process and everything it started."""
    with suppress(ProcessLookupError):
        os.killpg(target.pid, signal.SIGKILL)


@contextmanager
def frozen(target: Process) -> Iterator[None]:
    """SIGSTOP for a process and everything below it, SIGCONT at the end."""
    held = [psutil.Process(target.pid), *children(target)]
    for each in held:
        with suppress(psutil.NoSuchProcess):
            each.suspend()
    try:
        yield
    finally:
        for each in held:
            with suppress(psutil.NoSuchProcess):
                each.resume()


@contextmanager
def stacked(store_url: str, mail_url: str, mutant: str = "") -> Iterator[Stack]:
    """A stack with its servers running; the product is started by the caller."""
    home = Path(os.environ.get("CHAOS_HOME") or tempfile.mkdtemp(prefix="regulars-chaos-"))
    stack = Stack(home, store_url, mail_url, mutant)
    try:
        stack.start_servers()
        yield stack
    finally:
        stack.stop()


def waited(what: str, seconds: float) -> Iterator[float]:
    """Ticks until the time is over; then complains on the terminal and ends."""
    ends = monotonic() + seconds
    while monotonic() < ends:
        yield ends - monotonic()
        sleep(0.3)
    print(f"gave up waiting: {what}", file=sys.stderr)

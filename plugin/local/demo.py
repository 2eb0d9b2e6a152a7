"""`regulars demo`: the whole product and a store to try it on, started, watched and stopped on one machine."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from types import FrameType

from rich.console import Console

from plugin.local import commands, frontend, importing, liveness, memory, opening, postgres, valkey
from plugin.local.errors import NotReady
from plugin.local.home import Home, write_private
from plugin.local.postgres import Postgres
from plugin.local.process import Process
from plugin.local.supervisor import Supervisor, supervised
from plugin.local.valkey import Valkey

WEB_SECONDS = 120
SANDBOX_SECONDS = 300
WORKER_SECONDS = 120
MIGRATE_SECONDS = 300
ERASE_SECONDS = 120


@dataclass
class Demo:
    """One start of the demo: where it lives, how big its world is, and what it has started."""

    home: Home
    customers: int
    reload: bool
    console: Console
    supervisor: Supervisor

    def start(self) -> None:
        """Brings everything up in the order in which the parts need each other."""
        sandbox = self.supervisor.add("sandbox", partial(commands.start_sandbox, self.home, self.customers))
        with self.step("Front-end packages"):
            frontend.ensure()
        with self.step("PostgreSQL and Valkey"):
            self.database, self.redis = self._start_stores()
        self.environment = commands.environment(self.home, self.database.url, self.database.owner_url, self.redis.url)
        with self.step("Database schema"):
            self._migrate()
        with self.step("Store"):
            self._wait_for_http(sandbox, self.home.url("sandbox", "/_control/summary"), SANDBOX_SECONDS)
        with self.step("Web, worker and beat"):
            self._start_product()

    def fill(self) -> None:
        """Installs the plugin, waits for the import and opens the shop for business, each if it is still to be done."""
        owner = self.database.owner_url
        if not importing.is_installed(owner, commands.SHOP):
            with self.step("Installation into the store"):
                importing.install(self.home.url("sandbox"), owner, commands.SHOP)
        if not importing.is_complete(owner, commands.SHOP):
            self._wait_for_import(owner)
        if not opening.is_open(owner):
            with self.step("Programme, field and campaign"):
                opening.open_for_business(self.home.url("sandbox"), self.home.url("web"), owner)

    def _wait_for_import(self, owner: str) -> None:
        for imported in importing.show(self.console, owner, commands.SHOP):
            if imported.state != "done":
                self.console.print(f"  Importing {imported.object} ended as {imported.state}: {imported.error}")

    def announce(self) -> None:
        """Writes demo.json. Its keys are a contract with programs that use the demo."""
        secrets = self.home.secrets()
        write_private(
            self.home.announcement,
            {
                "urls": self.urls,
                "shop": commands.SHOP,
                "client_id": secrets["client_id"],
                "client_secret": secrets["client_secret"],
                "webhooks_url": self.home.url("web", "/webhooks"),
                "database_url": self.database.url,
                "admin_database_url": self.database.owner_url,
                "redis_url": self.redis.url,
                "pids": self.supervisor.pids,
            },
        )

    @property
    def urls(self) -> dict[str, str]:
        return {
            "app": self.home.url("web"),
            "admin": self.home.url("sandbox", "/admin/apps/regulars"),
            "storefront": self.home.url("sandbox", "/"),
            "mailbox": self.home.url("sandbox", "/mailbox"),
            "clock": self.home.url("sandbox", "/clock"),
        }

    def show_where_to_look(self) -> None:
        """The last thing printed: addresses, memory, how to end it."""
        megabytes = memory.proportional_bytes(list(self.supervisor.pids.values())) / 1e6
        self.console.print("\nReady. Where to look:\n")
        for label, name in LABELS.items():
            self.console.print(f"  {label:<28} {self.urls[name]}", soft_wrap=True)
        self.console.print(f"\nIdle memory: {megabytes:.0f} MB. Logs: {self.home.path}/logs", soft_wrap=True)
        self.console.print("Ctrl-C stops everything; the data stay.", soft_wrap=True)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Says what is being done and, when it is done, how long it took."""
        began = time.monotonic()
        with self.console.status(f"{name} ..."):
            yield
        self.console.print(f"  {name:<28} {time.monotonic() - began:5.1f} s")

    def _start_stores(self) -> tuple[Postgres, Valkey]:
        ports, path, log = self.home.ports, self.home.path, self.home.log
        start_postgres = partial(postgres.start, path / "postgres", ports["postgres"], True, log("postgres"))
        start_valkey = partial(valkey.start, path / "valkey", ports["valkey"], True, log("valkey"))
        database, redis = start_postgres(), start_valkey()
        self._keep("postgres", database.process, lambda: start_postgres().process)
        self._keep("valkey", redis.process, lambda: start_valkey().process)
        return database, redis

    def _keep(self, name: str, running: Process, again: Callable[[], Process]) -> None:
        first = iter([running])
        self.supervisor.add(name, lambda: next(first, None) or again())

    def _migrate(self) -> None:
        release = commands.start_release(self.home, self.environment)
        if release.popen.wait(MIGRATE_SECONDS):
            raise NotReady(f"The database could not be migrated: {release.last_words()}")

    def _start_product(self) -> None:
        hears = None if self.reload else partial(liveness.hears, self.database.url)
        started = {
            name: self.supervisor.add(
                name, partial(commands.start, name, self.home, self.environment, self.reload), works
            )
            for name, works in (("web", None), ("worker", hears), ("beat", None))
        }
        self.supervisor.send(partial(commands.start_erasing, self.home, self.environment), ERASE_SECONDS)
        self._wait_for_http(started["web"], self.home.url("web", "/healthz"), WEB_SECONDS)
        for name, words in {"worker": " ready.", "beat": "beat: Starting"}.items():
            started[name].wait_until(partial(commands.logged, self.home.log(name), words), WORKER_SECONDS)

    def _wait_for_http(self, process: Process, url: str, seconds: float) -> None:
        process.wait_until(partial(commands.answers, url), seconds)


LABELS = {
    "The panel in the store": "admin",
    "The storefront": "storefront",
    "Mail the store's people got": "mailbox",
    "The clock, to move time on": "clock",
}


def demo(home: Home, *, reset: bool = False, customers: int = 2000, reload: bool = False) -> None:
    """Runs until Ctrl-C (or SIGTERM), then stops everything it started. Raises LocalError with one clear sentence."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    console = Console(highlight=False)
    home.require_room()
    if reset:
        home.erase()
    _forget_last_start(home)
    try:
        with supervised(console.print) as supervisor:
            _run(Demo(home, customers, reload, console, supervisor))
    except KeyboardInterrupt:
        console.print("Stopped; the data are kept.")
    finally:
        home.announcement.unlink(missing_ok=True)


def _run(demo: Demo) -> None:
    try:
        demo.start()
        demo.fill()
        demo.announce()
        demo.show_where_to_look()
        demo.supervisor.watch(when_changed=demo.announce)
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C must not leave processes behind
        demo.console.print("\nStopping ...")
        raise


def _forget_last_start(home: Home) -> None:
    """Logs begin anew with each start, so that what a process says is what this one says."""
    for folder in ("logs", "beat"):
        (home.path / folder).mkdir(parents=True, exist_ok=True)
    for log in (home.path / "logs").glob("*.log"):
        log.unlink()
    home.announcement.unlink(missing_ok=True)


def _interrupt(number: int, frame: FrameType | None) -> None:
    for repeated in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(repeated, signal.SIG_IGN)
    raise KeyboardInterrupt

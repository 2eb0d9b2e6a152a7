"""Keeps the processes of the demo running and stops them in reverse order of their start."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from plugin.local.errors import LocalError
from plugin.local.process import Process

STOP_SECONDS = 15
WATCH_SECONDS = 0.5
MOST_RESTARTS = 5
ASK_SECONDS = 20  # how often a process that can be asked is asked whether it works
MOST_NOES = 2  # in a row: after a database was away the first sign is still to come


@dataclass
class Service:
    """One process and the way to start it again."""

    name: str
    start: Callable[[], Process]
    process: Process
    works: Callable[[int], bool] | None = None
    restarts: int = 0
    noes: int = 0
    asked_at: float = 0.0

    def has_stalled(self) -> bool:
        """Whether the process runs and says twice in a row that it does not work."""
        if self.works is None or time.monotonic() < self.asked_at + ASK_SECONDS:
            return False
        self.asked_at = time.monotonic()
        self.noes = 0 if self.works(self.process.pid) else self.noes + 1
        return self.noes >= MOST_NOES


@dataclass
class Errand:
    """A command that comes to its end by itself and is run again `seconds` later."""

    start: Callable[[], Process]
    seconds: float
    due: float
    process: Process | None = None

    def look(self, now: float) -> None:
        """Starts it when it is due and not running; `now` of the monotonic clock."""
        if now < self.due or (self.process and self.process.running()):
            return
        self.process, self.due = self.start(), now + self.seconds


@dataclass
class Supervisor:
    """What has been started, in order. `say` prints one line to the person at the terminal."""

    say: Callable[[str], None]
    services: list[Service] = field(default_factory=list)
    errands: list[Errand] = field(default_factory=list)

    def add(self, name: str, start: Callable[[], Process], works: Callable[[int], bool] | None = None) -> Process:
        """Starts a process that has to keep running from now on; `works(pid)` tells one that runs in vain."""
        service = Service(name, start, start(), works)
        self.services.append(service)
        return service.process

    def send(self, start: Callable[[], Process], seconds: float) -> None:
        """Runs a command every so many seconds from now on, for the first time after as many."""
        self.errands.append(Errand(start, seconds, time.monotonic() + seconds))

    @property
    def pids(self) -> dict[str, int]:
        return {service.name: service.process.pid for service in self.services}

    def watch(self, when_changed: Callable[[], None]) -> None:
        """Starts again what ends, a few times each; returns never. Raises LocalError when a process keeps ending."""
        while True:
            time.sleep(WATCH_SECONDS)
            for errand in self.errands:
                errand.look(time.monotonic())
            for service in self.services:
                if not service.process.running() or service.has_stalled():
                    self._start_again(service)
                    when_changed()

    def stop(self) -> None:
        """Stops everything, last started first; a process that does not listen is killed."""
        for errand in self.errands:
            if errand.process:
                errand.process.stop(STOP_SECONDS)
        for service in reversed(self.services):
            service.process.stop(STOP_SECONDS)
        self.errands.clear()
        self.services.clear()

    def _start_again(self, service: Service) -> None:
        service.restarts += 1
        if service.restarts > MOST_RESTARTS:
            raise LocalError(f"{service.name} ended {service.restarts} times; its log is {service.process.log}.")
        status = service.process.popen.returncode
        why = "does nothing any more" if status is None else f"ended (status {status})"
        self.say(f"{service.name} {why}, starting it again")
        service.process.kill()  # what it left behind in its group
        service.process, service.noes = service.start(), 0


@contextmanager
def supervised(say: Callable[[str], None]) -> Iterator[Supervisor]:
    """A supervisor that stops its processes however the block ends."""
    supervisor = Supervisor(say)
    try:
        yield supervisor
    finally:
        supervisor.stop()

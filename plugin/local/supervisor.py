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


@dataclass
class Service:
    """One process and the way to start it again."""

    name: str
    start: Callable[[], Process]
    process: Process
    restarts: int = 0


@dataclass
class Supervisor:
    """What has been started, in order. `say` prints one line to the person at the terminal."""

    say: Callable[[str], None]
    services: list[Service] = field(default_factory=list)

    def add(self, name: str, start: Callable[[], Process]) -> Process:
        """Starts a process that has to keep running from now on."""
        service = Service(name, start, start())
        self.services.append(service)
        return service.process

    @property
    def pids(self) -> dict[str, int]:
        return {service.name: service.process.pid for service in self.services}

    def watch(self, when_changed: Callable[[], None]) -> None:
        """Starts again what ends, a few times each; returns never. Raises LocalError when a process keeps ending."""
        while True:
            time.sleep(WATCH_SECONDS)
            for service in self.services:
                if not service.process.running():
                    self._start_again(service)
                    when_changed()

    def stop(self) -> None:
        """Stops everything, last started first; a process that does not listen is killed."""
        for service in reversed(self.services):
            service.process.stop(STOP_SECONDS)
        self.services.clear()

    def _start_again(self, service: Service) -> None:
        service.restarts += 1
        if service.restarts > MOST_RESTARTS:
            raise LocalError(f"{service.name} ended {service.restarts} times; its log is {service.process.log}.")
        self.say(f"{service.name} ended (status {service.process.popen.returncode}), starting it again")
        service.process.kill()  # what it left behind in its group
        service.process = service.start()


@contextmanager
def supervised(say: Callable[[str], None]) -> Iterator[Supervisor]:
    """A supervisor that stops its processes however the block ends."""
    supervisor = Supervisor(say)
    try:
        yield supervisor
    finally:
        supervisor.stop()

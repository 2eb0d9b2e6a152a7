"""Child processes with a log file each.

Invariant: what is started here ends with the program that started it: by `stop`, or, on Linux, by the kernel when
that program is killed.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plugin.local.errors import NotReady

PR_SET_PDEATHSIG = 1
POLL_SECONDS = 0.05
LOG_TAIL_LINES = 5


@dataclass(frozen=True)
class Process:
    """A running child, leader of its own process group, so Ctrl-C reaches only the one who started it."""

    name: str
    popen: "subprocess.Popen[bytes]"
    log: Path
    stop_signal: int

    @property
    def pid(self) -> int:
        return self.popen.pid

    def running(self) -> bool:
        return self.popen.poll() is None

    def ask_to_stop(self) -> None:
        """Sends the polite signal to the process itself, which ends its own children; returns at once."""
        if self.running():
            self.popen.send_signal(self.stop_signal)

    def stop(self, seconds: float = 10) -> None:
        """Asks, waits at most `seconds`, then kills the whole group. Safe to call twice."""
        self.ask_to_stop()
        try:
            self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """Kills the group at once."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.popen.wait()

    def wait_until(self, ready: Callable[[], bool], seconds: float) -> None:
        """Polls `ready` until it is true. Raises NotReady with the end of the log otherwise."""
        deadline = time.monotonic() + seconds
        while not ready():
            if not self.running():
                raise NotReady(f"{self.name} ended with status {self.popen.returncode}: {self.last_words()}")
            if time.monotonic() > deadline:
                raise NotReady(f"{self.name} was not ready after {seconds:g} s: {self.last_words()}")
            time.sleep(POLL_SECONDS)

    def last_words(self) -> str:
        """The end of the log on one line, and where the rest is."""
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return " / ".join(lines[-LOG_TAIL_LINES:]) + f" (log: {self.log})"


def start(
    name: str,
    command: Sequence[str | Path],
    log: Path,
    *,
    environment: Mapping[str, str] | None = None,
    user: str | None = None,
    directory: Path | None = None,
    stop_signal: int = signal.SIGTERM,
) -> Process:
    """Starts `command` in a session of its own, its output appended to `log`; `user` needs root."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        popen = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            **identity(user),
            cwd=directory,
            start_new_session=True,
            preexec_fn=_dies_with_parent(stop_signal),
        )
    return Process(name, popen, log, stop_signal)


def identity(user: str | None) -> dict[str, Any]:
    """The arguments of Popen that make the child run as `user` and in no other's groups; none for ourselves."""
    return {"user": user, "group": user, "extra_groups": []} if user else {}


def _dies_with_parent(stop_signal: int) -> Callable[[], None] | None:
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)  # loaded before the fork: the child must not import anything
    return lambda: libc.prctl(PR_SET_PDEATHSIG, stop_signal)

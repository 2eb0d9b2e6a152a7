"""The product's own processes for the bench, as the Procfile starts them, and what they hold in memory."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from time import monotonic, sleep

import psutil

from plugin.config import ROOT
from plugin.local.ports import free_port, is_open

WORKERS = 2
START_SECONDS = 60


@contextmanager
def web(app: str) -> Iterator[tuple[int, int]]:
    """granian over `app`, on a free port: the port and the process's id."""
    port = free_port()
    options = ["--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port), "--workers", str(WORKERS)]
    command = ["-m", "plugin.local.web", app, *options, "--respawn-failed-workers", "--no-ws", "--log-level", "warning"]
    with _running(command) as process:
        _until(lambda: is_open(port), process, app)
        yield port, process.pid


@contextmanager
def worker() -> Iterator[int]:
    """The Celery worker with its pool forked; the process's id."""
    options = ["--loglevel", "warning", "--concurrency", str(WORKERS), "--without-gossip", "--without-mingle"]
    with _running(["-m", "celery", "-A", "app:celery", "worker", *options]) as process:
        _until(lambda: len(psutil.Process(process.pid).children()) >= WORKERS, process, "worker")
        yield process.pid


def memory_mib(pid: int) -> float:
    """What a process and its children hold in all: each shared page is divided among those that share it (PSS)."""
    parent = psutil.Process(pid)
    return sum(each.memory_full_info().pss for each in [parent, *parent.children(recursive=True)]) / 2**20


@contextmanager
def _running(arguments: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, *arguments], cwd=ROOT, env=os.environ, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        stop(process)


def _until(ready: Callable[[], bool], process: subprocess.Popen[bytes], name: str) -> None:
    ends = monotonic() + START_SECONDS
    while not ready():
        assert process.poll() is None and monotonic() < ends, f"{name} did not start"
        sleep(0.1)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a server and its workers; one that has just lost a worker may not listen to being asked."""
    family = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        for member in [*family, process]:
            with suppress(psutil.NoSuchProcess):
                member.kill()
        process.wait(10)

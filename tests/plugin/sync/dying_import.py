"""`python -m tests.plugin.sync.dying_import SHOP`: workers that drive its imports and are killed, one a line read.

A line is a time and a point: "3 before backfill.react" dies at the third call of this function of plugin.sync, "9 line"
while it reads the ninth line of the results. Answers with the signal each died of.
"""

from __future__ import annotations

import importlib
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator
from time import monotonic, sleep
from typing import Any

from plugin.jobs import logs
from plugin.jobs.celery import make_celery
from plugin.sync import afterwards, backfill, remote, runs

SECONDS = 20


def main(shop_id: int) -> None:
    logs.set_up(logging.CRITICAL)  # standard output is for answers
    make_celery().set_default()
    for told in sys.stdin:
        times, point = told.strip().split(" ", 1)
        if (child := os.fork()) == 0:
            work(shop_id, point, int(times))
            os._exit(0)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def work(shop_id: int, point: str, times: int) -> None:
    backfill.chunks.__defaults__ = (4, None)
    afterwards.CUSTOMERS = 1
    die = Death(times)
    if point == "line":
        remote.lines = dying_on_line(remote.lines, die)
    else:
        when, name = point.split()
        module, function = name.split(".")
        place = importlib.import_module(f"plugin.sync.{module}")
        setattr(place, function, dying(getattr(place, function), when, die))
    ends = monotonic() + SECONDS
    while monotonic() < ends:
        runs.drive(shop_id, monotonic() + 1)
        sleep(0.02)


class Death:
    """Comes at the so many-th time."""

    def __init__(self, times: int) -> None:
        self.left = times

    def __call__(self) -> None:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def dying(function: Callable[..., Any], when: str, die: Death) -> Callable[..., Any]:
    def call(*args: Any, **named: Any) -> Any:
        if when == "before":
            die()
        answer = function(*args, **named)
        if when == "after":
            die()
        return answer

    return call


def dying_on_line(lines: Callable[..., Iterator[tuple[int, bytes]]], die: Death) -> Callable[..., Any]:
    def read(*args: Any) -> Iterator[tuple[int, bytes]]:
        for each in lines(*args):
            die()
            yield each

    return read


if __name__ == "__main__":
    main(int(sys.argv[1]))

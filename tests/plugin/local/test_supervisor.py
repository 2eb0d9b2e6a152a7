"""Processes that end are started again, a few times; all of them are stopped however the block ends."""

import os
import signal
import sys
from functools import partial
from pathlib import Path

import pytest

from plugin.local import process
from plugin.local import supervisor as supervisor_module
from plugin.local.errors import LocalError
from plugin.local.supervisor import Supervisor, supervised

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]


class Enough(Exception):
    """Ends the watch, which has no end of its own."""


def start_sleeper(log: Path) -> process.Process:
    return process.start("sleeper", SLEEP, log)


def watch_once(supervisor: Supervisor) -> None:
    def changed() -> None:
        raise Enough

    with pytest.raises(Enough):
        supervisor.watch(changed)


def test_a_killed_process_is_started_again_and_its_new_pid_is_told(tmp_path: Path) -> None:
    said: list[str] = []
    with supervised(said.append) as supervisor:
        first = supervisor.add("sleeper", partial(start_sleeper, tmp_path / "log"))
        os.kill(first.pid, signal.SIGKILL)
        watch_once(supervisor)
        assert supervisor.pids["sleeper"] != first.pid
        assert supervisor.services[0].process.running()
    assert said == ["sleeper ended (status -9), starting it again"]


def test_a_process_that_keeps_ending_ends_the_demo_with_its_log_named(tmp_path: Path) -> None:
    with supervised(lambda line: None) as supervisor:
        supervisor.add("brief", lambda: process.start("brief", [sys.executable, "-c", ""], tmp_path / "brief.log"))
        with pytest.raises(LocalError, match=r"brief ended 6 times; its log is .*brief.log"):
            supervisor.watch(lambda: None)


def test_everything_is_stopped_last_started_first(tmp_path: Path) -> None:
    with supervised(lambda line: None) as supervisor:
        children = [supervisor.add(str(n), partial(start_sleeper, tmp_path / "log")) for n in range(3)]
    assert not any(child.running() for child in children)


def test_a_process_that_runs_and_does_nothing_is_started_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor_module, "ASK_SECONDS", 0)
    monkeypatch.setattr(supervisor_module, "WATCH_SECONDS", 0.01)
    said: list[str] = []
    asked: list[int] = []

    def works(pid: int) -> bool:
        asked.append(pid)
        return len(asked) in (1, 3)  # one no is none yet

    with supervised(said.append) as supervisor:
        first = supervisor.add("sleeper", partial(start_sleeper, tmp_path / "log"), works)
        watch_once(supervisor)
        assert asked == [first.pid] * 5
        assert supervisor.pids["sleeper"] != first.pid and not first.running()
    assert said == ["sleeper does nothing any more, starting it again"]


def test_an_errand_is_run_again_and_again_and_never_counts_as_ended(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    started: list[process.Process] = []

    def brief() -> process.Process:
        if len(started) == 2:
            raise Enough
        started.append(process.start("brief", ["/bin/sh", "-c", f"echo once >> {ran}"], tmp_path / "brief.log"))
        return started[-1]

    with supervised(lambda line: None) as supervisor:
        supervisor.send(brief, 0.1)
        with pytest.raises(Enough):
            supervisor.watch(lambda: None)
    assert ran.read_text().split() == ["once", "once"] and not any(each.running() for each in started)

"""`python -m tests.smoke HOME PID`: waits for a demo, looks whether it answers, stops it and sees it gone.

For continuous integration; the pid is that of the `make demo` that was started in the background.
"""

import json
import os
import signal
import stat
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import requests

READY_SECONDS = 300
STOP_SECONDS = 60
KEYS = {
    "urls",
    "shop",
    "client_id",
    "client_secret",
    "webhooks_url",
    "database_url",
    "admin_database_url",
    "redis_url",
    "pids",
}


def main(home: Path, make_pid: int) -> None:
    """Raises AssertionError or TimeoutError when anything is not as promised."""
    announcement = home / "demo.json"
    wait("ready", announcement.exists, READY_SECONDS, make_pid)
    told = json.loads(announcement.read_text())
    assert set(told) == KEYS, told.keys()
    assert stat.S_IMODE(announcement.stat().st_mode) == 0o600
    for name, url in told["urls"].items():
        status = requests.get(url, timeout=20).status_code
        assert status == 200 or (name == "app" and status == 401), f"{name} answered {status}"
    assert requests.post(told["webhooks_url"], data=b"{}", timeout=20).status_code == 401
    os.kill(make_pid, signal.SIGTERM)
    wait("stopped", lambda: not any(map(psutil.pid_exists, told["pids"].values())), STOP_SECONDS)
    assert not announcement.exists()


def wait(what: str, true: Callable[[], bool], seconds: float, needs: int | None = None) -> None:
    """Polls until `true`; ends early when the process `needs` is gone."""
    deadline = time.monotonic() + seconds
    while not true():
        if needs and (not psutil.pid_exists(needs) or psutil.Process(needs).status() == psutil.STATUS_ZOMBIE):
            raise AssertionError(f"make demo ended before it was {what}")
        if time.monotonic() > deadline:
            raise TimeoutError(f"not {what} after {seconds} s")
        time.sleep(0.5)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))

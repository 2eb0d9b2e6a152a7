"""Children end with whoever started them, and say why when they cannot start."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest

from plugin.local import process
from plugin.local.errors import NotReady

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"


def test_stop_ends_a_process_that_listens(tmp_path: Path) -> None:
    child = process.start("sleeper", SLEEP, tmp_path / "log")
    child.stop(5)
    assert not child.running()


def test_stop_kills_a_process_that_does_not_listen(tmp_path: Path) -> None:
    child = process.start("deaf", [sys.executable, "-c", DEAF], tmp_path / "log")
    child.wait_until(lambda: "deaf" in child.log.read_text(), 10)
    child.stop(0.2)
    assert child.popen.returncode == -signal.SIGKILL


def test_waiting_for_a_process_that_ends_tells_its_last_words(tmp_path: Path) -> None:
    child = process.start("broken", [sys.executable, "-c", "raise SystemExit('no such luck')"], tmp_path / "log")
    with pytest.raises(NotReady, match=r"broken ended with status 1: no such luck \(log: .*log\)"):
        child.wait_until(lambda: False, 10)


def test_waiting_has_an_end(tmp_path: Path) -> None:
    child = process.start("slow", SLEEP, tmp_path / "log")
    with pytest.raises(NotReady, match="slow was not ready after 0.1 s"):
        child.wait_until(lambda: False, 0.1)
    child.stop()


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel of other systems does not tell children")
def test_a_child_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    script = f"""
        import os, signal, sys
        from pathlib import Path
        from plugin.local import process
        child = process.start("sleeper", {SLEEP!r}, Path({str(tmp_path / "log")!r}))
        print(child.pid, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    result = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, timeout=30)
    assert wait_for_end(int(result.stdout))


def wait_for_end(pid: int, seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
            return False
        time.sleep(0.05)
    return True

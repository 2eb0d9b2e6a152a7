"""How much memory a family of processes takes."""

from pathlib import Path

import psutil


def proportional_bytes(pids: list[int]) -> int:
    """The PSS of the processes and all their descendants: shared pages count once, divided among those who share."""
    return sum(_pss(pid) for pid in _families(pids))


def _families(pids: list[int]) -> set[int]:
    found = set()
    for pid in pids:
        try:
            found.update([pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))])
        except psutil.NoSuchProcess:
            continue
    return found


def _pss(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return _resident(pid)
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)


def _resident(pid: int) -> int:
    """Where the kernel does not tell the share: an upper bound."""
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.NoSuchProcess:
        return 0

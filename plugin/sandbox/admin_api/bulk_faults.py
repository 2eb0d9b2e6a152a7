"""How the next bulk queries go wrong, and what is left of results that are fetched, as the switches say.

A fault is for the next query over one root connection (or over any), and is used up by it.
"""

import threading
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

OUTCOMES = {
    "completed": ("COMPLETED", None),
    "failed": ("FAILED", "INTERNAL_SERVER_ERROR"),
    "timeout": ("FAILED", "TIMEOUT"),
    "denied": ("FAILED", "ACCESS_DENIED"),
    "cancelled": ("CANCELED", None),
    "expired": ("EXPIRED", None),
}
BLOCK_BYTES = 64 * 1024


class BulkFault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One query's fate.

    `outcome` is one of OUTCOMES; what is not completed ends after `after` objects of the root connection, and of a
    failed one these stay as partial data, `torn` in the middle of a line. `slow_seconds` pass at each page. With
    `scattered` the rows of connections stand away from their parents, at the end of the file. The result's first `cuts`
    downloads break off after `cut_bytes`; with `gone` there is nothing at its address.
    """

    of: str = ""
    outcome: str = "completed"
    after: int = 0
    torn: bool = False
    slow_seconds: float = 0.0
    scattered: bool = False
    cuts: int = 0
    cut_bytes: int = 0
    gone: bool = False


NONE = BulkFault()


class BulkFaults:
    """Faults that wait for their query, and those of the queries that took one, by the operation's id."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[BulkFault] = deque()
        self._taken: dict[int, BulkFault] = {}
        self._cuts: dict[int, int] = {}

    def set(self, faults: list[BulkFault]) -> None:
        """Replace what waits."""
        with self._lock:
            self._waiting = deque(faults)

    def take(self, operation_id: int, root: str) -> None:
        """Give the operation the first fault that is meant for its root connection."""
        with self._lock:
            found = next((fault for fault in self._waiting if fault.of in ("", root)), None)
            if found:
                self._waiting.remove(found)
                self._taken[operation_id] = found
                self._cuts[operation_id] = found.cuts

    def of(self, operation_id: int) -> BulkFault:
        """The operation's fate."""
        return self._taken.get(operation_id, NONE)

    def cut(self, operation_id: int) -> int | None:
        """After how many bytes this download breaks off; None: not at all."""
        with self._lock:
            left = self._cuts.get(operation_id, 0)
            if not left:
                return None
            self._cuts[operation_id] = left - 1
        return self.of(operation_id).cut_bytes

    def __len__(self) -> int:
        return len(self._waiting)


def broken_off(path: Path, start: int, size: int) -> Iterator[bytes]:
    """The file from `start` on, until the line to the reader breaks after `size` bytes."""
    with path.open("rb") as file:
        file.seek(start)
        while size > 0 and (block := file.read(min(size, BLOCK_BYTES))):
            size -= len(block)
            yield block
    raise ConnectionAbortedError("the download breaks off, as the switch says")


def scatter(path: Path) -> None:
    """Put rows of connections away from their parents: the last object's rows first, all at the end of the file."""
    lines = path.read_bytes().splitlines(keepends=True)
    rows = [line for line in lines if b'"__parentId"' in line]
    path.write_bytes(b"".join([line for line in lines if b'"__parentId"' not in line] + rows[::-1]))


def tear(path: Path) -> None:
    """Cut the file in the middle of its last line."""
    data = path.read_bytes()
    path.write_bytes(data[: len(data) - len(data.rpartition(b"\n")[0].rpartition(b"\n")[2]) // 2 - 1])


def fault_of(told: dict[str, Any]) -> BulkFault:
    """Reads one switch; `ValueError` with the reason when it is none."""
    fault = msgspec.convert(told, BulkFault)
    if fault.outcome not in OUTCOMES:
        raise ValueError(f"outcome must be one of {', '.join(OUTCOMES)}")
    return fault

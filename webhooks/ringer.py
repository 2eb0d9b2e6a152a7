"""Ringing the workers after a commit: one thread, at most one ring every 100 ms, and a ring that fails is no matter.

Workers sweep every 10 s by themselves, so Redis may be dead.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable

PAUSE_SECONDS = 0.1
SHOPS_A_RING = 100


class Ringer:
    """Remembers which shops got rows and rings for all of them at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._shops: set[int] = set()
        self._flag = threading.Event()
        self._thread: threading.Thread | None = None

    def notify(self, shop_ids: Iterable[int]) -> None:
        """Ring soon; returns at once. Called by the writer alone."""
        with self._lock:
            self._shops.update(shop_ids)
        self._flag.set()
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run, name="webhook-ringer", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        from plugin.jobs.doorbell import ring

        while True:
            self._flag.wait()
            self._flag.clear()
            with self._lock:
                shops, self._shops = sorted(self._shops), set()
            for first in range(0, len(shops), SHOPS_A_RING):
                ring("sync.drain", *shops[first : first + SHOPS_A_RING])
            time.sleep(PAUSE_SECONDS)

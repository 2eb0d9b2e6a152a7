"""The platform's delivery service: signs, shuffles, drops, repeats, and retries until it hears 200.

The same names of webhooks are used for all five shops, because a name is unique within a shop only. Ids in headers are
not signed: some repetitions come under a new name.
"""

from __future__ import annotations

import base64
import hashlib
import heapq
import hmac
import random
import threading
from collections import Counter
from dataclasses import dataclass, field
from time import monotonic, sleep
from typing import Any

import requests

from tests.chaos.stack import SECRET
from tests.chaos.world import Event, World

DROPPED, DOUBLED = 0.02, 0.20
SHUFFLE_SECONDS = 6.0
RETRY_SECONDS = (0.1, 0.3, 1.0, 2.0, 3.0)  # minutes to hours in the real store; the last one repeats for ever
TIMEOUT = 5.0
THREADS = 6


@dataclass(order=True)
class Delivery:
    due: float
    number: int
    event: Event = field(compare=False)
    webhook_id: str = field(compare=False)
    tries: int = field(default=0, compare=False)


class Sender:
    """Threads that deliver what is given to `send`. `acked` are (shop, webhook id) that were answered 200."""

    def __init__(self, url: str, worlds: list[World], seed: int) -> None:
        self.url, self._domains = url, [world.domain for world in worlds]
        self.acked: dict[tuple[int, str], Event] = {}
        self.answers: Counter[str] = Counter()
        self.dropped: list[Event] = []
        self.slowest = 0.0
        self._luck = random.Random(seed)
        self._queue: list[Delivery] = []
        self._lock = threading.Lock()
        self._under_way = 0
        self._number = 0
        self._stop = threading.Event()
        for _ in range(THREADS):
            threading.Thread(target=self._run, daemon=True).start()

    def send(self, event: Event, may_drop: bool = True) -> None:
        """Deliver soon: once, more than once, or not at all."""
        with self._lock:
            if may_drop and self._luck.random() < DROPPED:
                self.dropped.append(event)
                return
            self._put(event, event.id)
            if self._luck.random() < DOUBLED:
                self._put(event, event.id if self._luck.random() < 0.5 else f"{event.id}-again")

    def again(self, events: list[Event]) -> None:
        """Deliver these once more, under new names and at once."""
        with self._lock:
            for event in events:
                self._put(event, f"{event.id}-replayed", at_once=True)

    def waiting(self) -> int:
        with self._lock:
            return len(self._queue) + self._under_way

    def stop(self) -> None:
        self._stop.set()

    def _put(self, event: Event, webhook_id: str, at_once: bool = False) -> None:
        self._number += 1
        due = monotonic() + (0 if at_once else self._luck.random() * SHUFFLE_SECONDS)
        heapq.heappush(self._queue, Delivery(due, self._number, event, webhook_id))

    def _run(self) -> None:
        session = requests.Session()
        while not self._stop.is_set():
            delivery = self._next()
            if delivery is None:
                sleep(0.02)
                continue
            accepted = self._post(session, delivery)
            with self._lock:
                self._under_way -= 1
                if accepted:
                    self.acked[(delivery.event.shop, delivery.webhook_id)] = delivery.event
                else:
                    self._retry(delivery)

    def _next(self) -> Delivery | None:
        with self._lock:
            if not self._queue or self._queue[0].due > monotonic():
                return None
            self._under_way += 1
            return heapq.heappop(self._queue)

    def _retry(self, delivery: Delivery) -> None:
        pause = RETRY_SECONDS[min(delivery.tries, len(RETRY_SECONDS) - 1)]
        again = Delivery(monotonic() + pause, delivery.number, delivery.event, delivery.webhook_id, delivery.tries + 1)
        heapq.heappush(self._queue, again)

    def _post(self, session: requests.Session, delivery: Delivery) -> bool:
        started = monotonic()
        try:
            answer = session.post(
                f"{self.url}/webhooks", data=delivery.event.body, headers=self._headers(delivery), timeout=TIMEOUT
            )
        except requests.RequestException:
            self.answers["none"] += 1
            return False
        self.answers[str(answer.status_code)] += 1
        self.slowest = max(self.slowest, monotonic() - started)
        return answer.status_code == 200

    def _headers(self, delivery: Delivery) -> dict[str, Any]:
        event = delivery.event
        mac = hmac.new(SECRET.encode(), event.body, hashlib.sha256).digest()
        return {
            "Content-Type": "application/json",
            "X-Shopify-Topic": event.topic,
            "X-Shopify-Hmac-Sha256": base64.b64encode(mac).decode(),
            "X-Shopify-Shop-Domain": self._domains[event.shop],
            "X-Shopify-Webhook-Id": delivery.webhook_id,
            "X-Shopify-Event-Id": event.id,
            "X-Shopify-Triggered-At": event.triggered_at,
            "X-Shopify-API-Version": "2026-10",
        }

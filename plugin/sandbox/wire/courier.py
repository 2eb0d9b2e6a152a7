"""Sends webhooks: a few threads, keep-alive, five seconds for an answer, eight more tries.

The queue is in memory, fed by the world after each change (the change is on disk by then) and, after a restart, by what
is still pending. Switches: drop, duplicate, delay, shuffle. All times are machine time.
"""

import heapq
import itertools
import random
import threading
import time
from dataclasses import dataclass, field
from datetime import timedelta

import requests

from plugin.sandbox.app_records import Attempt, Delivery
from plugin.sandbox.declaration import Declaration
from plugin.sandbox.settings import Settings
from plugin.sandbox.wire.signing import webhook_signature
from plugin.sandbox.world import World, machine_now

CONNECT_SECONDS = 1.0
SHUFFLE_SECONDS = 2.0
KEPT = 2_000


@dataclass(order=True)
class _Job:
    due: float
    number: int
    delivery: Delivery = field(compare=False)


class Courier:
    """Owns the sending threads. `start` once, `stop` at the end."""

    def __init__(self, world: World, settings: Settings, declaration: Declaration) -> None:
        self._world = world
        self._settings = settings
        self._declaration = declaration
        self._random = random.Random(settings.seed)
        self._jobs: list[_Job] = []
        self._numbers = itertools.count()
        self._busy = 0
        self._stopping = False
        self._bell = threading.Condition()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Take over what is pending and begin to send."""
        self._world.on_queued = self.take
        self.take(self._world.deliveries.by("state", "pending"))
        for number in range(self._settings.senders):
            thread = threading.Thread(target=self._run, name=f"courier-{number}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """Finish what is being sent and end the threads; the rest stays pending on disk."""
        with self._bell:
            self._stopping = True
            self._bell.notify_all()
        for thread in self._threads:
            thread.join(timeout=self._settings.answer_seconds + 1)

    def take(self, deliveries: list[Delivery]) -> None:
        """Queue deliveries, as the switches want it."""
        faults = self._world.faults
        for delivery in deliveries:
            if self._random.random() < faults.drop:
                self._finish(delivery, "dropped")
                continue
            copies = 2 if self._random.random() < faults.duplicate else 1
            for _ in range(copies):
                jitter = self._random.uniform(0, SHUFFLE_SECONDS) if faults.shuffle else 0.0
                self._push(delivery, faults.delay_seconds + jitter)

    def _push(self, delivery: Delivery, delay: float) -> None:
        with self._bell:
            heapq.heappush(self._jobs, _Job(time.monotonic() + delay, next(self._numbers), delivery))
            self._bell.notify_all()

    def flush(self, timeout: float = 60.0) -> int:
        """Send everything now, delays and retries too, once each; return how many are left to be tried again."""
        deadline = time.monotonic() + timeout
        with self._bell:
            self._jobs = [_Job(0.0, job.number, job.delivery) for job in self._jobs]
            heapq.heapify(self._jobs)
            self._bell.notify_all()
            while (self._busy or self._due()) and time.monotonic() < deadline:
                self._bell.wait(0.05)
            return len(self._jobs)

    def _due(self) -> bool:
        return bool(self._jobs) and self._jobs[0].due <= time.monotonic()

    def waiting(self) -> int:
        """Deliveries queued or on their way."""
        with self._bell:
            return len(self._jobs) + self._busy

    def _run(self) -> None:
        with requests.Session() as session:
            while (job := self._next()) is not None:
                try:
                    self._deliver(session, job.delivery)
                finally:
                    self._done()

    def _next(self) -> _Job | None:
        with self._bell:
            while not self._stopping:
                if self._due():
                    self._busy += 1
                    return heapq.heappop(self._jobs)
                self._bell.wait(self._jobs[0].due - time.monotonic() if self._jobs else None)
            return None

    def _done(self) -> None:
        with self._bell:
            self._busy -= 1
            self._bell.notify_all()

    def _deliver(self, session: requests.Session, delivery: Delivery) -> None:
        attempt = self._attempt(session, delivery)
        with self._world.change():
            delivery.attempts.append(attempt)
            tries = len(delivery.attempts)
            if 200 <= attempt.status < 300:
                self._finish(delivery, "delivered")
            elif delivery.state == "pending" and tries <= len(self._settings.retry_seconds):
                self._retry(delivery, self._settings.retry_seconds[tries - 1])
            elif delivery.state == "pending":
                self._finish(delivery, "failed")

    def _attempt(self, session: requests.Session, delivery: Delivery) -> Attempt:
        body = delivery.body.encode()
        began, status, error = time.monotonic(), 0, None
        try:
            with session.post(
                self._address(delivery.topic),
                data=body,
                headers=self._headers(delivery, body),
                timeout=(CONNECT_SECONDS, self._settings.answer_seconds),
                allow_redirects=False,
            ) as answer:
                status = answer.status_code
        except requests.RequestException as failure:
            error = type(failure).__name__
        took = int((time.monotonic() - began) * 1000)
        return Attempt(at=machine_now(), status=status, milliseconds=took, error=error)

    def _address(self, topic: str) -> str:
        uri = self._declaration.topics.get(topic, "/webhooks")
        return uri if "://" in uri else self._settings.app_url + uri

    def _headers(self, delivery: Delivery, body: bytes) -> dict[str, str]:
        triggered = delivery.triggered_at
        return {
            "Content-Type": "application/json",
            "User-Agent": "Shopify-Captain-Hook",
            "X-Shopify-Topic": delivery.topic,
            "X-Shopify-Hmac-Sha256": webhook_signature(body, self._settings.client_secret),
            "X-Shopify-Shop-Domain": self._world.shop.domain,
            "X-Shopify-API-Version": self._declaration.api_version,
            "X-Shopify-Webhook-Id": str(delivery.id),
            "X-Shopify-Event-Id": delivery.event_id,
            "X-Shopify-Triggered-At": f"{triggered:%Y-%m-%dT%H:%M:%S}.{triggered.microsecond * 1000:09d}Z",
        }

    def _retry(self, delivery: Delivery, delay: float) -> None:
        delivery.due_at = machine_now() + timedelta(seconds=delay)
        self._world.deliveries.keep(delivery)
        self._push(delivery, delay)

    def _finish(self, delivery: Delivery, state: str) -> None:
        with self._world.change():
            delivery.state = state
            self._world.deliveries.keep(delivery)
            oldest = self._world.deliveries.oldest("state", state)
            if oldest and self._world.deliveries.count("state", state) > KEPT:
                self._world.deliveries.drop(oldest.id)

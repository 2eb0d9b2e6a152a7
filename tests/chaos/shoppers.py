"""Shoppers at the storefront's door: each spends the same balance several times at once, and asks again when unsure.

What was answered 200 or 202 was granted; the same click asked twice must be one redemption.
"""

from __future__ import annotations

import hashlib
import hmac
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import sleep
from typing import Any
from urllib.parse import urlencode

import requests

from tests.chaos.house import REWARD_COST, REWARD_VALUE, House
from tests.chaos.stack import SECRET
from tests.chaos.traffic import Traffic
from tests.chaos.world import WORDS

AT_ONCE = 5
TRIES = 12
JSON = {"Accept": "application/json"}


@dataclass
class Granted:
    """Clicks that were answered with a redemption: (shop, customer, request key) → redemption id."""

    clicks: dict[tuple[int, int, str], int] = field(default_factory=dict)
    contradicted: list[str] = field(default_factory=list)  # the same click, another redemption
    leaks: list[str] = field(default_factory=list)  # answers that named another shop


class Shoppers:
    """A few at a time, until stopped."""

    def __init__(self, url: str, traffic: Traffic, house: House, seed: int) -> None:
        self.url, self.traffic, self.house = url, traffic, house
        self.granted = Granted()
        self.refused = 0
        self._luck = random.Random(seed)
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._number = 0
        self._pool = ThreadPoolExecutor(AT_ONCE)
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Returns when nobody is at the door any more."""
        self._stop.set()
        if self._thread:
            self._thread.join()

    def visit(self, place: int, customer: int) -> list[dict[str, Any]]:
        """One customer clicks several times at once, one click twice; what was granted."""
        state = self._ask("GET", "/loyalty", place, customer)
        if state is None or not state.get("token") or (state["customer"] or {}).get("available", 0) < REWARD_COST:
            return []
        keys = [self._key() for _ in range(AT_ONCE - 1)]
        clicks = [self._pool.submit(self._click, place, customer, state["token"], key) for key in [*keys, keys[0]]]
        return [answer for answer in (click.result() for click in clicks) if answer]

    def _run(self) -> None:
        while not self._stop.is_set():
            place = self._luck.randrange(len(self.traffic.worlds))
            customer = self._luck.choice(self.traffic.people[place])
            granted = self.visit(place, customer)
            codes = {answer["code"] for answer in granted if answer["code"]}
            for code in sorted(codes)[:1]:
                self.traffic.order_with_code(place, customer, code, REWARD_VALUE)
            sleep(0.1)

    def _click(self, place: int, customer: int, token: str, key: str) -> dict[str, Any] | None:
        form = {"token": token, "reward_id": str(self.house.rewards[place]), "request_key": key}
        answer = self._ask("POST", "/loyalty/redeem", place, customer, form)
        if answer is None:
            return None
        with self._lock:
            before = self.granted.clicks.setdefault((place, customer, key), answer["id"])
            if before != answer["id"]:
                self.granted.contradicted.append(f"shop {place} click {key}: {before} and {answer['id']}")
        return answer

    def _ask(self, method: str, path: str, place: int, customer: int, form: Any = None) -> dict[str, Any] | None:
        """The answer, None for a no; asked again while nobody knows."""
        for _ in range(TRIES):
            try:
                query = self._signed(place, customer)
                answer = requests.request(method, f"{self.url}/proxy{path}?{query}", data=form, headers=JSON, timeout=8)
            except requests.RequestException:
                sleep(0.5)
                continue
            if answer.status_code in (200, 202):
                others = [word for word in WORDS if word != WORDS[place] and word.lower() in answer.text.lower()]
                self.granted.leaks += [f"shop {place} was answered with {word}: {path}" for word in others]
                told: dict[str, Any] = answer.json()
                return told
            if answer.status_code < 500:
                self.refused += 1
                return None
            sleep(0.5)
        return None

    def _signed(self, place: int, customer: int) -> str:
        """The platform's own parameters with its signature over them."""
        told = {
            "shop": self.traffic.worlds[place].domain,
            "logged_in_customer_id": str(customer),
            "path_prefix": "/apps/regulars",
            "timestamp": str(int(datetime.now(UTC).timestamp())),
        }
        text = "".join(f"{name}={told[name]}" for name in sorted(told))
        return urlencode(told | {"signature": hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()})

    def _key(self) -> str:
        with self._lock:
            self._number += 1
            return f"click-{self._number:08}"

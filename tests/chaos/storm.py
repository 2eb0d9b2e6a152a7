"""The whole run: traffic and faults in rounds, each ended by healing, draining and a move of the clock."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import sys
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic, sleep

import requests

from plugin.db import engine as db
from plugin.jobs import logs
from plugin.sync import passes
from plugin.sync.models import DriftCheck
from tests.chaos import house as houses
from tests.chaos.checker import Checker
from tests.chaos.mailbox import Mailbox
from tests.chaos.nemesis import Nemesis
from tests.chaos.report import Report
from tests.chaos.sender import Sender
from tests.chaos.shoppers import Shoppers
from tests.chaos.stack import SECRET, Stack, stacked
from tests.chaos.store import Stores
from tests.chaos.tables import Picture, differences, picture, without_versions
from tests.chaos.traffic import Clock, Traffic
from tests.chaos.world import WORDS, World

HAPPENINGS_A_SECOND = 12.0
CARTS_A_ROUND = 3  # in each shop
MOVES = (timedelta(hours=2), timedelta(hours=25))
MAIL_SECONDS = 6.0
OVERHEAD_SECONDS = 75.0  # starting, healing, draining and checking, on two quiet cores
ROUND_SECONDS = 25.0
PATIENCE_SECONDS = 90.0  # without any progress
LEAST_ACKED = 1000
REPLAYED_EVERY = 4
MOVED_BY_A_REPLAY = {"inbox", "outbox", "pulses"}  # its own rows, what is fetched because of them, signs of life


@dataclass
class Ended:
    """How a run went."""

    report: Report
    acked: int
    kills: int
    faults: dict[str, int]


class Storm:
    """One run of a seed against a started stack."""

    def __init__(
        self, stack: Stack, clock: Clock, worlds: list[World], stores: Stores, mails: Mailbox, seed: int
    ) -> None:
        self.stack, self.clock, self.worlds, self.stores, self.mails = stack, clock, worlds, stores, mails
        self.house = houses.build(stack, worlds)
        self.sender = Sender(stack.web_url, worlds, seed)
        self.traffic = Traffic(worlds, self.sender, seed)
        self.shoppers = Shoppers(stack.web_url, self.traffic, self.house, seed)
        self.nemesis = Nemesis(stack, self.house, stores, mails, seed)
        self.moves: list[timedelta] = []

    def run(self, seconds: float) -> Ended:
        """Rounds of traffic and faults for about so long, then the comparison."""
        self.stack.start_product()
        self.traffic.begin()
        rounds = max(2, round((seconds - OVERHEAD_SECONDS) / ROUND_SECONDS / 2) * 2)
        for number in range(rounds):
            self.round(number, max(10.0, (seconds - OVERHEAD_SECONDS) / rounds))
        again = self.reconcile()
        ended = self.ended()
        ended.report.drift += again
        ended.report.doubled += self.replay()
        return ended

    def round(self, number: int, seconds: float) -> None:
        say(f"round {number + 1}: traffic and faults for {seconds:.0f} s")
        self.traffic.leave_carts(CARTS_A_ROUND, number)
        busy = threading.Thread(target=self.traffic.run, args=(HAPPENINGS_A_SECOND, seconds))
        busy.start()
        self.shoppers.start()
        self.nemesis.strike_for(seconds)
        self.nemesis.stop()
        busy.join()
        self.shoppers.stop()
        self.traffic.order_carts(number)
        self.drain(("inbox",))
        self.move(MOVES[number % len(MOVES)])
        say("mails, and faults while they go out")
        self.nemesis.strike_mails(MAIL_SECONDS)
        self.heal()
        self.drain()

    def heal(self) -> None:
        """A deploy: everybody ends and starts anew. Leases of those who are gone need not be waited for."""
        self.nemesis.stop()
        self.stack.stop_product()
        self.house.hurry(leases_too=True)
        self.stack.start_product()

    def drain(self, tables: Iterable[str] = houses.UNFINISHED) -> None:
        """Until everything was delivered and nothing waits; gives up only when nothing moves any more."""
        began = moved = monotonic()
        before: object = None
        while monotonic() - moved < PATIENCE_SECONDS:
            left = {name: count for name, count in self.house.unfinished().items() if name in tables}
            left |= {"sender": waiting} if (waiting := self.sender.waiting()) else {}
            left |= {"carts": due} if not waiting and "messages" in tables and (due := self.house.carts_due()) else {}
            if not left:
                say(f"drained in {monotonic() - began:.1f} s")
                return
            if left != before:
                before, moved = left, monotonic()
            self.house.hurry()
            sleep(0.5)
        say(f"NOT drained, nothing moves any more: {before}")

    def move(self, by: timedelta) -> None:
        """Business time goes on, in the stores and in the product."""
        self.clock.offset += by
        self.moves.append(by)
        body = json.dumps({"offset_seconds": int(self.clock.offset.total_seconds())}).encode()
        mac = base64.b64encode(hmac.new(SECRET.encode(), body, hashlib.sha256).digest()).decode()
        for _ in range(60):
            try:
                answer = requests.post(
                    f"{self.stack.web_url}/_sandbox/clock", data=body, headers={"X-Sandbox-Hmac": mac}, timeout=10
                )
                if answer.status_code == 204:
                    return
            except requests.RequestException:
                pass
            sleep(0.5)
        raise AssertionError("the clock cannot be moved")

    def reconcile(self) -> list[str]:
        """News that never came is found by comparing with the stores; a second look must find nothing."""
        say(f"{len({(e.shop, e.about) for e in self.sender.dropped})} objects had news that never came")
        self.move(timedelta(hours=1))  # what changed within the last minute is left to the next look
        self.drain()
        healed, again = (self._compare_all() for _ in range(2))
        say(f"reconciliation healed {sum(check.healed for check in healed)}")
        found = [check for check in again if check.state != "done" or check.differed]
        return [
            f"reconciled and again different: {check.differed} {check.object} of {check.shop_id}" for check in found
        ]

    def _compare_all(self) -> list[DriftCheck]:
        checks = [check for shop_id in self.house.ids for check in passes.run(shop_id, seconds=PATIENCE_SECONDS)]
        db.engine().dispose()
        self.drain()
        return checks

    def replay(self) -> list[str]:
        """A part of the news once more, under new names: what changes by it."""
        before = self._standing()
        self.sender.again(list({event.id: event for event in self.sender.acked.values()}.values())[::REPLAYED_EVERY])
        self.drain()
        return [f"replayed: {line[:300]}" for line in differences(before, self._standing())]

    def _standing(self) -> Picture:
        """All tables but those a replay has a right to move; versions too, since what is fetched is newer."""
        rows = picture(self.house.owner)
        return without_versions({table: rows[table] for table in rows.keys() - MOVED_BY_A_REPLAY})

    def ended(self) -> Ended:
        self.nemesis.stop()
        checker = Checker(self.house, self.worlds, self.sender, self.stores, self.mails, self.stack.home / "logs")
        report = checker.check(self.shoppers.granted, self.traffic.carts, self.moves)
        return Ended(report, len(self.sender.acked), self.nemesis.kills, dict(self.nemesis.happened))


def run(seed: int, seconds: float) -> Ended:
    """A whole run with its own servers."""
    logs.set_up(logging.ERROR)
    clock = Clock()
    worlds = [World(place, clock.now) for place in range(len(WORDS))]
    stores, mails = Stores(worlds, seed), Mailbox(seed)
    try:
        with stacked(stores.url, mails.url) as stack:
            say(f"seed {seed}, logs in {stack.home}/logs")
            storm = Storm(stack, clock, worlds, stores, mails, seed)
            ended = storm.run(seconds)
            say(
                f"answers {dict(storm.sender.answers)}, slowest {storm.sender.slowest:.1f} s,"
                f" redemptions {len(storm.shoppers.granted.clicks)}, mails {len(mails.taken())},"
                f" restarts {stack.restarts}"
            )
            return ended
    finally:
        mails.close()
        stores.close()


def say(words: str) -> None:
    print(f"[{monotonic() - BEGAN:6.1f}] {words}", file=sys.stderr, flush=True)


BEGAN = monotonic()

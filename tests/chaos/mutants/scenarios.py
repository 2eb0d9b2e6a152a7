"""One short scenario for each broken variant: the fault that shows it, and what is seen. Nothing seen: it got away.

The storm would meet most of these faults too, after a while; here each is struck on purpose. Every scenario is also
run against the product as it is, where it must see nothing.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Final

from celery import current_app

from plugin.config import ROOT
from plugin.db import engine as db
from plugin.messages import operations as messages
from plugin.messages import sending
from plugin.shops import queries as shops
from plugin.sync import drain as draining
from tests.chaos.house import House
from tests.chaos.mailbox import Mailbox
from tests.chaos.mutants.probe import FILE
from tests.chaos.sender import Sender
from tests.chaos.shoppers import Shoppers
from tests.chaos.stack import Stack, children, kill_group
from tests.chaos.traffic import Traffic
from tests.chaos.world import PRODUCTS, Event, World

PATIENCE = 60.0
MAILS = 10
PROBES, TIMES = 8, 15
WORKERS: Final = 4
SPENDERS = 4
ONE_REWARD = [(PRODUCTS[0], 4000, 1)]  # 120 points, and a reward costs 100


@dataclass
class Ground:
    """What all scenarios stand on; each starts only the processes it needs, of the variant named in the stack."""

    stack: Stack
    house: House
    worlds: list[World]
    mails: Mailbox

    @contextmanager
    def web(self) -> Iterator[Sender]:
        """The web process, and somebody who posts to it."""
        self.stack.start("web")
        self.stack.wait_until_web_answers()
        sender = Sender(self.stack.web_url, self.worlds, seed=1)
        try:
            yield sender
        finally:
            sender.stop()
            self.stack.drop("web")


def answered_before_written(ground: Ground) -> list[str]:
    """Web dies right after it has answered: what it acknowledged must be there."""
    with ground.web() as sender:
        sender.again([event for world in ground.worlds for _ in range(12) for event in world.register()])
        until(lambda: not sender.waiting())
        kill_group(ground.stack.running["web"])
        return not_in_inbox(ground, sender)


def spent_twice(ground: Ground) -> list[str]:
    """Customers with points for one reward click several times at once."""
    world, shop_id = ground.worlds[0], ground.house.ids[0]
    with ground.web() as sender:
        sender.again([event for _ in range(SPENDERS) for event in world.register()])
        people = sorted(world.customers)[-SPENDERS:]
        sender.again([event for customer in people for event in world.order(customer, ONE_REWARD)])
        until(lambda: not sender.waiting())
        draining.drain(shop_id)
        shoppers = Shoppers(ground.stack.web_url, Traffic(ground.worlds, sender, 1), ground.house, 1)
        for customer in people:
            shoppers.visit(0, customer)
    spent = Counter(row["customer_id"] for row in ground.house.rows("SELECT * FROM redemptions ORDER BY id"))
    return [f"{spent[customer]} rewards for the price of one" for customer in people if spent[customer] > 1]


def shared_connection(ground: Ground) -> list[str]:
    """The children of a worker all ask at once which connection answers them. Of several workers, one after the other:
    at the moment of a fork no connection may be open."""
    for number in range(WORKERS):
        if found := _answered_by(ground, ground.stack.home / f"probe-{ground.stack.mutant}-{number}"):
            return found
    return []


def _answered_by(ground: Ground, seen: Path) -> list[str]:
    seen.touch()
    ground.stack.environment[FILE] = str(seen)
    ground.stack.start("worker")
    try:
        until(lambda: len(children(ground.stack.running["worker"])) >= 2)
        for _ in range(PROBES):
            current_app.send_task("chaos.probe", args=[TIMES])
        finished = until(lambda: bool(_shared(seen)) or len(_lines(seen)) >= PROBES * TIMES, seconds=25.0)
    finally:
        ground.stack.drop("worker")
    return _shared(seen) if finished else ["the children do not come to an end"]


def woken_too_late(ground: Ground) -> list[str]:
    """A sender is frozen in the middle of its batch; its leases end, another sends the rest, and it wakes up."""
    queue_mails(ground)
    ground.mails.slow = 0.2
    with sending_process(ground) as process:
        until(lambda: len(ground.mails.taken()) >= 3)
        process.send_signal(signal.SIGSTOP)
        ground.mails.slow = 0.0
        ground.house.hurry(leases_too=True)
        sending.send_due()
        process.send_signal(signal.SIGCONT)
        process.wait(PATIENCE)
    return ground.mails.twice()


def died_while_sending(ground: Ground) -> list[str]:
    """A sender is killed when the mail server has taken its mail and has not yet said so."""
    queue_mails(ground)
    ground.mails.slow = 2.0
    with sending_process(ground) as process:
        until(lambda: len(ground.mails.taken()) >= 1)
        process.kill()
    ground.mails.slow = 0.0
    ground.house.hurry(leases_too=True)
    sending.send_due()
    return ground.mails.twice()


def same_name_in_two_shops(ground: Ground) -> list[str]:
    """Two shops get news under the same name; a key without its shop knows only one of them."""
    if ground.stack.mutant == "no_composite_key":
        ground.house.run("DELETE FROM inbox")
        ground.house.run("CREATE UNIQUE INDEX no_composite_key ON inbox (webhook_id)")
    try:
        with ground.web() as sender:
            told = [world.register()[0] for world in ground.worlds[:2]]
            sender.again([Event(e.shop, e.topic, e.body, e.triggered_at, "the-same-name", e.about) for e in told])
            until(lambda: not sender.waiting())
            return not_in_inbox(ground, sender)
    finally:
        ground.house.run("DROP INDEX IF EXISTS no_composite_key")


SCENARIOS: Final[dict[str, Callable[[Ground], list[str]]]] = {
    "no_inbox": answered_before_written,
    "check_then_insert": spent_twice,
    "shared_engine": shared_connection,
    "no_fencing": woken_too_late,
    "sent_after_the_call": died_while_sending,
    "no_composite_key": same_name_in_two_shops,
}


def until(true: Callable[[], bool], seconds: float = PATIENCE) -> bool:
    """Whether it became true in time."""
    ends = monotonic() + seconds
    while not true():
        if monotonic() > ends:
            return False
        sleep(0.02)
    return True


def not_in_inbox(ground: Ground, sender: Sender) -> list[str]:
    """Acknowledged and not there, after some seconds of grace."""
    kept = {(row["shop_id"], row["webhook_id"]) for row in ground.house.rows("SELECT shop_id, webhook_id FROM inbox")}
    missing = [(place, name) for place, name in sender.acked if (ground.house.ids[place], name) not in kept]
    return [f"webhook {name} of shop {place} was acknowledged and is not there" for place, name in missing]


def queue_mails(ground: Ground) -> None:
    """Marketing mails to different people, and an empty mailbox."""
    ground.house.run("DELETE FROM messages")
    ground.mails.forget()
    with db.transaction(ground.house.ids[0]) as session:
        shop = shops.shop(session)
        for number in range(MAILS):
            told = {"reward_title": "3 off", "code": f"BEANS-{number}", "points": 100, "value_minor": 300}
            more = {"currency": "EUR", "expires_at": "2027-01-01T00:00:00+00:00", "url": "https://shop.example/"}
            messages.queue(
                session,
                shop,
                kind="reward",
                key=f"chaos:{number}",
                marketing=True,
                email=f"somebody{number}@example.com",
                customer_id=None,
                template="reward",
                context=told | more | {"minimum_minor": None},
            )


@contextmanager
def sending_process(ground: Ground) -> Iterator[subprocess.Popen[bytes]]:
    """A process of its own that sends what is due, of the variant under test."""
    command = [sys.executable, "-m", "tests.chaos.mutants.hand", ground.stack.mutant]
    with ground.stack.log("hand").open("ab") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=dict(os.environ), stdout=log, stderr=log)
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def _shared(seen: Path) -> list[str]:
    """Connections that answered more than one process."""
    processes: dict[str, set[str]] = defaultdict(set)
    for line in _lines(seen):
        process, _, connection = line.partition(" ")
        processes[connection].add(process)
    return [f"connection {name} answered {len(who)} processes" for name, who in processes.items() if len(who) > 1]


def _lines(file: Path) -> list[str]:
    return file.read_text().splitlines()

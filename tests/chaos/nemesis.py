"""Faults, one at a time, in an order drawn from the seed. Each says whether it took effect."""

from __future__ import annotations

import os
import random
import signal
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from time import monotonic, sleep

import psutil
import psycopg
from redis.exceptions import RedisError

from tests.chaos import mailbox, store
from tests.chaos.house import House
from tests.chaos.mailbox import Mailbox
from tests.chaos.stack import Stack, children, frozen, kill_group
from tests.chaos.store import Stores

FREEZE_SECONDS = 2.5


class Nemesis:
    """`happened` counts what took effect; `kills` are processes that were ended by SIGKILL or the like."""

    def __init__(self, stack: Stack, house: House, stores: Stores, mails: Mailbox, seed: int) -> None:
        self.stack, self.house, self.stores, self.mails = stack, house, stores, mails
        self.happened: Counter[str] = Counter()
        self.kills = 0
        self._luck = random.Random(seed)
        self._left: list[Callable[[], bool]] = []
        self.menu: list[Callable[[], bool]] = [
            self.kill_web_child,
            self.kill_web,
            self.freeze_web,
            self.kill_worker_child,
            self.kill_worker,
            self.freeze_worker,
            self.kill_beat,
            self.kill_redis,
            self.flush_redis,
            self.freeze_redis,
            self.fill_redis,
            self.restart_postgres,
            self.terminate_backends,
            self.freeze_postgres,
            *(self._outside(fault) for fault in store.FAULTS),
        ]

    def strike_for(self, seconds: float, pause: float = 0.7) -> None:
        """Faults one after another, every kind once before any comes twice."""
        ends = monotonic() + seconds
        while monotonic() < ends:
            if not self._left:
                self._left = self._luck.sample(self.menu, len(self.menu))
            self.strike(self._left.pop())
            sleep(pause)

    def strike(self, fault: Callable[[], bool]) -> None:
        if fault():
            self.happened[fault.__name__] += 1

    def strike_mails(self, seconds: float) -> None:
        """While carts are written to: a mail server that hangs up, and workers that die."""
        faults = [mailbox.FAULTS[0], mailbox.FAULTS[1], mailbox.FAULTS[0]]
        self.mails.slow = 0.1
        for fault in faults:
            self.mails.fault = fault
            sleep(seconds / len(faults))
            self.strike(self.kill_worker if fault == "cut" else self.kill_worker_child)
        self.mails.fault, self.mails.slow = "", 0.0
        self.happened.update(self.mails.struck)
        self.mails.struck.clear()

    def stop(self) -> None:
        self.stores.fault = self.mails.fault = ""
        self.happened.update(self.stores.struck)
        self.stores.struck.clear()

    # Web, worker, beat

    def kill_web(self) -> bool:
        return self._kill("web")

    def kill_web_child(self) -> bool:
        return self._kill_child("web")

    def freeze_web(self) -> bool:
        return self._freeze("web")

    def kill_worker(self) -> bool:
        return self._kill("worker")

    def kill_worker_child(self) -> bool:
        return self._kill_child("worker")

    def freeze_worker(self) -> bool:
        """Past its leases: while it stands still, they end, and it wakes up among others' work."""
        target = self.stack.running["worker"]
        with frozen(target):
            sleep(FREEZE_SECONDS / 2)
            with suppress(Exception):
                self.house.run(
                    "UPDATE outbox SET next_attempt_at = clock_timestamp() WHERE state IN ('claimed', 'calling')"
                )
            sleep(FREEZE_SECONDS / 2)
        return True

    def kill_beat(self) -> bool:
        return self._kill("beat")

    def _kill(self, name: str) -> bool:
        target = self.stack.running[name]
        self.kills += 1 + len(children(target))
        kill_group(target)
        return True

    def _kill_child(self, name: str) -> bool:
        found = children(self.stack.running[name])
        if not found:
            return False
        with suppress(psutil.NoSuchProcess):
            self._luck.choice(found).kill()
            self.kills += 1
            return True
        return False

    def _freeze(self, name: str) -> bool:
        with frozen(self.stack.running[name]):
            sleep(FREEZE_SECONDS)
        return True

    # Redis

    def kill_redis(self) -> bool:
        """It keeps nothing, so this is also a queue lost."""
        kill_group(self.stack.redis.process)
        self.stack.redis.process.popen.wait()
        self.kills += 1
        sleep(FREEZE_SECONDS)
        self.stack.start_redis()
        return True

    def flush_redis(self) -> bool:
        with suppress(RedisError):
            return bool(self.stack.client().flushall())
        return False

    def freeze_redis(self) -> bool:
        with frozen(self.stack.redis.process):
            sleep(FREEZE_SECONDS)
        return True

    def fill_redis(self) -> bool:
        """Full: it refuses every write."""
        try:
            with self.stack.client() as client:
                client.config_set("maxmemory", 1)
                sleep(FREEZE_SECONDS)
                client.config_set("maxmemory", 0)
        except RedisError:
            return False
        return True

    # PostgreSQL

    def restart_postgres(self) -> bool:
        """Immediate: no goodbye to anybody, recovery from the log at the next start."""
        os.kill(self.stack.postgres.process.pid, signal.SIGQUIT)
        self.stack.postgres.process.popen.wait(30)
        self.kills += 1
        sleep(1.0)
        self.stack.start_postgres()
        return True

    def terminate_backends(self) -> bool:
        """Every connection of the product is cut, whatever it is doing."""
        for _ in range(3):
            with suppress(psycopg.Error), psycopg.connect(self.stack.postgres.admin_url, autocommit=True) as admin:
                admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'regulars_app'")
            sleep(0.5)
        return True

    def freeze_postgres(self) -> bool:
        with frozen(self.stack.postgres.process):
            sleep(FREEZE_SECONDS)
        return True

    # The stores

    def _outside(self, fault: str) -> Callable[[], bool]:
        def strike() -> bool:
            self.stores.fault = fault
            sleep(FREEZE_SECONDS)
            self.stores.fault = ""
            struck = self.stores.struck.pop(fault, 0)
            self.happened[f"requests {fault}"] += struck
            return struck > 0

        strike.__name__ = f"admin_api_{fault}"
        return strike

"""The state of the pretend store: one `World` in memory, written through to SQLite in its home.

How to use it:

    world = World(Path(home))
    with world.change():                 # lock + one transaction; verbs open their own, nesting is fine
        customer = customers.save_customer(world, first_name="Ines", email="ines@example.com")
        order = orders.place_order(world, customer_id=customer.id, lines=[CartLine(variant_id=…, quantity=2)])
    with world.past(moment):             # the same verbs, stamped with a moment of the past and without webhooks
        orders.place_order(world, …)

Reading: `world.customers[id]` (raises `NotFound`), `.get(id)`, `.by("email", address)`, iteration, `len`. Writing: only
the verbs (customers, products, orders, refunds, checkouts, carts, discounts, fulfillments), because they emit webhooks;
a record changed by hand needs `world.customers.keep(record)` inside `world.change()`. Bodies for the app: `documents`.

Invariant: what a change did to memory is on disk, with the webhooks it caused, before anybody else may change anything.
"""

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from plugin.sandbox.app_records import BulkOperation, Delivery, Faults, Installation, Message, Token
from plugin.sandbox.errors import NotFound
from plugin.sandbox.order_records import Order
from plugin.sandbox.records import (
    Cart,
    Checkout,
    Counter,
    CreditMove,
    Customer,
    Discount,
    GiftCard,
    Metafield,
    Product,
    Shop,
    Variant,
)
from plugin.sandbox.storage import Storage
from plugin.sandbox.tables import Table

# Ids look like the real ones: thirteen digits or more, growing in strides.
FIRST_IDS = {"customer": 7_402_618_339_294, "product": 8_604_117_532_894, "variant": 46_220_915_769_566}
FIRST_ID = 5_900_274_114_782
STRIDE = 32_768


class World:
    """The store. `lock` is re-entrant, `subscriptions` are the topics the app wants, `on_queued` takes webhooks."""

    def __init__(self, home: Path, *, seed: int = 7, store_url: str = "http://127.0.0.1:8801") -> None:
        self.home = home
        self.seed = seed
        self.store_url = store_url.rstrip("/")
        self.subscriptions: frozenset[str] = frozenset()
        self.lock = threading.RLock()
        self.on_queued: Callable[[list[Delivery]], None] = lambda queued: None
        self._queued: list[Delivery] = []
        self._local = threading.local()
        self._depth = 0
        self._event_id = ""
        self._storage = Storage(home)
        self._make_tables()
        self._load()

    def _make_tables(self) -> None:
        self.shops = Table("shop", Shop)
        self.counters = Table("counter", Counter)
        self.customers = Table("customer", Customer, email=lambda c: (c.email.lower(),) if c.email else ())
        self.products = Table(
            "product", Product, handle=lambda p: (p.handle,), variant=lambda p: tuple(v.id for v in p.variants)
        )
        self.orders = Table(
            "order",
            Order,
            customer=lambda o: (o.customer_id,) if o.customer_id else (),
            checkout_token=lambda o: (o.checkout_token,) if o.checkout_token else (),
            email=lambda o: (o.email.lower(),) if o.email else (),
            refund=lambda o: tuple(refund.id for refund in o.refunds),
        )
        self.carts = Table("cart", Cart)
        self.checkouts = Table(
            "checkout",
            Checkout,
            number=lambda c: (c.number,),
            customer=lambda c: (c.customer_id,) if c.customer_id else (),
            cart_token=lambda c: (c.cart_token,),
        )
        self.discounts = Table("discount", Discount, code=lambda d: (d.code.casefold(),))
        self.gift_cards = Table("gift_card", GiftCard, code=lambda g: (g.code.casefold(),))
        self.credit_moves = Table("credit_move", CreditMove, customer=lambda m: (m.customer_id,))
        self.metafields = Table("metafield", Metafield, owner=lambda m: (m.owner_id,))
        self.installations = Table("installation", Installation)
        self.tokens = Table("token", Token, refresh_token=lambda t: (t.refresh_token,))
        self.bulk_operations = Table("bulk_operation", BulkOperation)
        self.deliveries = Table("delivery", Delivery, state=lambda d: (d.state,))
        self.faults_records = Table("faults", Faults)
        self.messages = Table("message", Message, recipient=lambda m: tuple(m.recipients))

    @property
    def tables(self) -> list[Table[Any]]:
        """All tables."""
        return [table for table in vars(self).values() if isinstance(table, Table)]

    def _load(self) -> None:
        for table in self.tables:
            table.load(self._storage.read(table.kind))
        with self.change():
            if "shop" not in self.shops:
                self.shops.keep(Shop())
            if "faults" not in self.faults_records:
                self.faults_records.keep(Faults())

    # -- the shop, its app

    @property
    def shop(self) -> Shop:
        """The store's own record."""
        return self.shops["shop"]

    @property
    def faults(self) -> Faults:
        """The webhook switches."""
        return self.faults_records["faults"]

    @property
    def installation(self) -> Installation | None:
        """The app's installation, or None while it is not installed."""
        found = self.installations.get("app")
        return found if found and found.uninstalled_at is None else None

    def variant(self, variant_id: int) -> tuple[Product, Variant]:
        """A variant with its product, or `NotFound`."""
        product = self.products.first("variant", variant_id)
        if product is None:
            raise NotFound(f"No variant {variant_id} in this store")
        return product, next(variant for variant in product.variants if variant.id == variant_id)

    # -- time

    def now(self) -> datetime:
        """Business time in whole seconds, UTC: machine time plus the offset, or the moment given to `past`."""
        return self.exact_now().replace(microsecond=0)

    def exact_now(self) -> datetime:
        """Business time with microseconds, UTC."""
        past: datetime | None = getattr(self._local, "past", None)
        return past or machine_now() + timedelta(seconds=self.offset_seconds)

    @property
    def offset_seconds(self) -> int:
        """How far business time runs ahead of the machine."""
        counter = self.counters.get("clock")
        return counter.value if counter else 0

    def advance(self, seconds: int) -> int:
        """Move business time forward (never back) and return the new offset in seconds."""
        with self.change():
            return self.counters.keep(Counter(id="clock", value=self.offset_seconds + max(0, seconds))).value

    @contextmanager
    def past(self, moment: datetime) -> Iterator[None]:
        """Until the end of the block, in this thread, it is `moment` and the app hears nothing."""
        before = getattr(self._local, "past", None)
        self._local.past = moment
        try:
            yield
        finally:
            self._local.past = before

    # -- ids

    def next_id(self, kind: str) -> int:
        """A new id for a kind of thing, growing and repeatable. Call it inside a change."""
        counter = self.counters.get(f"{kind} id")
        value = counter.value + STRIDE if counter else FIRST_IDS.get(kind, FIRST_ID)
        return self.counters.keep(Counter(id=f"{kind} id", value=value)).value

    def next_number(self, kind: str, first: int = 1) -> int:
        """The next of 1, 2, 3 … for a kind of thing. Call it inside a change."""
        counter = self.counters.get(f"{kind} number")
        return self.counters.keep(Counter(id=f"{kind} number", value=counter.value + 1 if counter else first)).value

    def next_token(self, kind: str) -> str:
        """32 hexadecimal digits that repeat with the same seed and the same history. Call it inside a change."""
        text = f"{self.seed} {kind} {self.next_number(f'{kind} token')}"
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    # -- changes and the webhooks they cause

    @contextmanager
    def change(self) -> Iterator[None]:
        """Hold the lock; at the end of the outermost change write everything that was kept, in one transaction."""
        queued: list[Delivery] = []
        try:
            with self.lock:
                if self._depth == 0:
                    self._event_id = str(uuid4())
                self._depth += 1
                try:
                    yield
                finally:
                    self._depth -= 1
                    if self._depth == 0:
                        queued = self._write()
        finally:
            if queued:
                self.on_queued(queued)

    def _write(self) -> list[Delivery]:
        kept: list[tuple[str, str, bytes]] = []
        dropped: list[tuple[str, str]] = []
        for table in self.tables:
            if table.changed:
                more_kept, more_dropped = table.take_changes()
                kept += more_kept
                dropped += more_dropped
        self._storage.write(kept, dropped)
        queued, self._queued = self._queued, []
        return queued

    def emit(self, topic: str, draw: Callable[[], dict[str, Any]]) -> None:
        """Queue a webhook with the body that `draw` gives now; nothing happens when the app does not listen."""
        if self.installation and topic in self.subscriptions and not getattr(self._local, "past", None):
            self.queue(topic, draw())

    def queue(self, topic: str, body: dict[str, Any]) -> Delivery:
        """Queue a webhook whoever listens. Call it inside a change: all webhooks of one change share an event id."""
        delivery = self.deliveries.keep(
            Delivery(
                id=str(uuid4()),
                topic=topic,
                event_id=self._event_id,
                triggered_at=self.exact_now(),
                body=json.dumps(body, ensure_ascii=False, separators=(",", ":")),
                due_at=machine_now(),
                number=self.next_number("delivery"),
            )
        )
        self._queued.append(delivery)
        return delivery

    def close(self) -> None:
        """Close the file."""
        with self.lock:
            self._storage.close()


def machine_now() -> datetime:
    """The machine's time, UTC; signatures, tokens and retries go by it."""
    return datetime.now(UTC)

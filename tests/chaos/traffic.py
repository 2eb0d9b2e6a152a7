"""What happens in the five stores, drawn from a seed: people register, order, return, edit, cancel, leave carts behind.

The same seed makes the same happenings; only redemptions depend on what the product answers.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic, sleep

from tests.chaos.sender import Sender
from tests.chaos.world import PRODUCTS, Event, World

FIRST_CUSTOMERS = 12
ACTIONS = {"order": 40, "refund": 18, "rename": 8, "tag": 6, "consent": 6, "edit": 8, "cancel": 4, "delete": 1} | {
    "fulfil": 6,
    "register": 3,
}


class Clock:
    """Business time of the stores: the machine's, moved forward."""

    def __init__(self) -> None:
        self.offset = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset


@dataclass
class Cart:
    """Somebody's checkout, and in which round what happened to it."""

    shop: int
    customer: int
    token: str
    left_in: int
    ordered_in: int | None = None


class Traffic:
    """One random stream a shop. `run` makes so many happenings a second until it is stopped."""

    def __init__(self, worlds: list[World], sender: Sender, seed: int) -> None:
        self.worlds, self.sender = worlds, sender
        self.carts: list[Cart] = []
        self.people: list[list[int]] = [[] for _ in worlds]  # who orders at random; carts have people of their own
        self._lucks = [random.Random(f"{seed}/{place}") for place in range(len(worlds))]
        self._turn = random.Random(seed)
        self._stop = threading.Event()

    def begin(self) -> None:
        for world in self.worlds:
            self._tell(world.open(), may_drop=False)
            for _ in range(FIRST_CUSTOMERS):
                self._register(world)

    def run(self, a_second: float, seconds: float) -> None:
        """Happenings for so long, evenly."""
        self._stop.clear()
        started, made = monotonic(), 0
        while not self._stop.is_set() and monotonic() - started < seconds:
            if made < (monotonic() - started) * a_second:
                self.step()
                made += 1
            else:
                sleep(0.01)

    def stop(self) -> None:
        self._stop.set()

    def step(self) -> None:
        """Something happens in one of the stores."""
        world = self._turn.choice(self.worlds)
        luck = self._lucks[world.place]
        action = luck.choices(list(ACTIONS), list(ACTIONS.values()))[0]
        with world.lock:
            news = getattr(self, f"_{action}")(world, luck)
        self._tell(news, may_drop=action != "delete")

    def leave_carts(self, many: int, round_number: int) -> None:
        """In every shop so many people leave a cart."""
        for world in self.worlds:
            luck = self._lucks[world.place]
            for _ in range(many):
                with world.lock:
                    news = world.register()
                    customer = max(world.customers)
                    token, left = world.fill_cart(customer, self._line(luck))
                self._tell([*news, *left], may_drop=False)
                self.carts.append(Cart(world.place, customer, token, round_number))

    def order_carts(self, round_number: int) -> None:
        """A third of the carts that are still there become orders."""
        for number, cart in enumerate(self.carts):
            if cart.ordered_in is None and number % 3 == round_number % 3:
                world = self.worlds[cart.shop]
                with world.lock:
                    news = world.order(cart.customer, [self._line(self._lucks[cart.shop])], checkout=cart.token)
                cart.ordered_in = round_number
                self._tell(news, may_drop=False)

    def order_with_code(self, place: int, customer: int, code: str, value: int) -> None:
        """Somebody uses what they redeemed."""
        world = self.worlds[place]
        with world.lock:
            news = world.order(customer, [(PRODUCTS[0], 1500, 1)], code=(code, value))
        self._tell(news, may_drop=False)

    def _tell(self, news: list[Event], may_drop: bool = True) -> None:
        for event in news:
            self.sender.send(event, may_drop)

    def _register(self, world: World, luck: random.Random | None = None) -> list[Event]:
        news = world.register()
        self.people[world.place].append(max(world.customers))
        if luck is None:
            self._tell(news, may_drop=False)
        return news

    def _order(self, world: World, luck: random.Random) -> list[Event]:
        lines = [self._line(luck) for _ in range(luck.choice((1, 1, 2, 3)))]
        return world.order(luck.choice(self.people[world.place]), lines)

    def _refund(self, world: World, luck: random.Random) -> list[Event]:
        return self._on_a_line(world, luck, lambda id, line, left: world.refund(id, line, luck.randint(1, left)))

    def _edit(self, world: World, luck: random.Random) -> list[Event]:
        return self._on_a_line(world, luck, lambda id, line, left: world.edit(id, line))

    def _on_a_line(
        self, world: World, luck: random.Random, change: Callable[[int, int, int], list[Event]]
    ) -> list[Event]:
        """Change a line of a random order that has something left; else another order is placed."""
        id = self._any_order(world, luck)
        left = [] if id is None else [line["current_quantity"] for line in world.orders[id]["line_items"]]
        line = luck.randrange(len(left)) if left else 0
        if id is None or not left[line] or world.orders[id]["cancelled_at"]:
            return self._order(world, luck)
        return change(id, line, left[line])

    def _cancel(self, world: World, luck: random.Random) -> list[Event]:
        id = self._any_order(world, luck)
        return world.cancel(id) if id is not None and not world.orders[id]["cancelled_at"] else []

    def _delete(self, world: World, luck: random.Random) -> list[Event]:
        id = self._any_order(world, luck)
        return world.delete(id) if id is not None else []

    def _fulfil(self, world: World, luck: random.Random) -> list[Event]:
        id = self._any_order(world, luck)
        return world.fulfil(id) if id is not None else []

    def _rename(self, world: World, luck: random.Random) -> list[Event]:
        return world.rename(luck.choice(self.people[world.place]), luck.choice(("Ana", "Łucja", "Thị", "Kofi")))

    def _tag(self, world: World, luck: random.Random) -> list[Event]:
        return world.tag(luck.choice(self.people[world.place]))

    def _consent(self, world: World, luck: random.Random) -> list[Event]:
        return world.consent(luck.choice(self.people[world.place]), luck.choice(("subscribed", "unsubscribed")))

    def _any_order(self, world: World, luck: random.Random) -> int | None:
        """A random order of the people who order at random, not deleted."""
        cart_people = {cart.customer for cart in self.carts if cart.shop == world.place}
        ids = [
            id
            for id, order in world.orders.items()
            if id not in world.deleted and order["customer"]["id"] not in cart_people
        ]
        return luck.choice(ids) if ids else None

    def _line(self, luck: random.Random) -> tuple[int, int, int]:
        return luck.choice(PRODUCTS), luck.choice((990, 1250, 1333, 2400, 4999)), luck.choice((1, 1, 2, 3))

"""The seeded world: a speciality coffee roaster with two years of history.

`build(seed, today, customers)` is a pure function: the same three arguments give the same records. All moments
lie before 00:00 UTC of `today` (the anchor): a store started later that day or week has had no orders since.
`load` puts the records into an empty `World` without a single webhook.
"""

from dataclasses import dataclass
from datetime import date
from random import Random
from typing import TypeVar

from plugin.sandbox import records
from plugin.sandbox.order_records import Order
from plugin.sandbox.records import Checkout, Customer, Discount, Product
from plugin.sandbox.seed.carts import make_checkouts
from plugin.sandbox.seed.discounts import make_discounts
from plugin.sandbox.seed.numbering import Numbering
from plugin.sandbox.seed.people import make_people
from plugin.sandbox.seed.purchases import Counter, make_orders, send_parcels
from plugin.sandbox.seed.regrets import regret_some
from plugin.sandbox.seed.shelf import fill_shelf
from plugin.sandbox.tables import Table
from plugin.sandbox.world import World

R = TypeVar("R", bound=records.Record)
DEFAULT_SEED = 7
DEFAULT_CUSTOMERS = 2000


@dataclass(frozen=True)
class Seeded:
    """Everything the store has on its first day, and the counters from which its numbering goes on."""

    products: list[Product]
    customers: list[Customer]
    orders: list[Order]
    checkouts: list[Checkout]
    discounts: list[Discount]
    counters: list[records.Counter]


def build(seed: int, today: date, customers: int = DEFAULT_CUSTOMERS) -> Seeded:
    """The whole world for an anchor day; takes about two seconds for 2,000 customers."""
    dice = Random(seed)
    numbering = Numbering(dice)
    shelf = fill_shelf(today, numbering)
    discounts = make_discounts(today, numbering)
    people = make_people(customers, today, dice, numbering)
    counter = Counter(shelf, discounts, dice, numbering)
    orders = make_orders(people, today, counter)
    regret_some(orders, today, counter)
    send_parcels(orders, today, counter)
    checkouts = make_checkouts(people, orders, today, counter)
    everybody = sorted((person.customer for person in people), key=lambda customer: customer.id)
    counters = [*numbering.counters(), records.Counter(id="order number", value=counter.number)]
    return Seeded(shelf.products, everybody, orders, checkouts, discounts, counters)


def load(world: World, seeded: Seeded) -> None:
    """Keep all records in one change; nothing is emitted, because verbs emit and keeping does not."""
    with world.change():
        _keep(world.products, seeded.products)
        _keep(world.customers, seeded.customers)
        _keep(world.orders, seeded.orders)
        _keep(world.checkouts, seeded.checkouts)
        _keep(world.discounts, seeded.discounts)
        _keep(world.counters, seeded.counters)


def _keep(table: Table[R], rows: list[R]) -> None:
    for row in rows:
        table.keep(row)


def seed_if_empty(world: World, seed: int, today: date, customers: int = DEFAULT_CUSTOMERS) -> bool:
    """Seed a world that has no products yet; True when it did."""
    if len(world.products):
        return False
    load(world, build(seed, today, customers))
    return True

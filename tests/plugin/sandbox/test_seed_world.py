"""The seeded world: the same each time, plausible in its habits, sound in its sums."""

from __future__ import annotations

import time
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from plugin.sandbox import totals
from plugin.sandbox.order_records import Order
from plugin.sandbox.seed.build import Seeded, build, load, seed_if_empty
from plugin.sandbox.seed.catalogue import items
from plugin.sandbox.world import World

TODAY = date(2026, 11, 21)
ANCHOR = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.fixture(scope="module")
def timed() -> tuple[Seeded, float]:
    """The world of 2,000 customers and the seconds of processor time it took."""
    began = time.process_time()
    return build(7, TODAY), time.process_time() - began


@pytest.fixture(scope="module")
def world(timed: tuple[Seeded, float]) -> Seeded:
    return timed[0]


def orders_by_customer(world: Seeded) -> dict[int, list[Order]]:
    found: dict[int, list[Order]] = {customer.id: [] for customer in world.customers}
    for order in world.orders:
        if order.customer_id:
            found[order.customer_id].append(order)
    return found


def test_the_same_seed_and_day_give_the_same_world() -> None:
    assert msgspec.json.encode(build(7, TODAY, 60)) == msgspec.json.encode(build(7, TODAY, 60))


def test_another_seed_gives_another_world() -> None:
    assert build(8, TODAY, 60).customers != build(7, TODAY, 60).customers


def test_two_thousand_customers_take_less_than_five_seconds(timed: tuple[Seeded, float]) -> None:
    assert timed[1] < 5


def test_the_shelf_has_about_120_variants(world: Seeded) -> None:
    assert sum(len(product.variants) for product in world.products) in range(115, 130)
    assert {product.product_type for product in world.products} == {
        "Filter coffee",
        "Espresso",
        "Decaf",
        "Brewing gear",
        "Merchandise",
    }
    assert len({item.handle for item in items()}) == len(items())


def test_buying_habits_differ(world: Seeded) -> None:
    counts = [len(orders) for orders in orders_by_customer(world).values()]
    assert 0.40 < sum(count == 1 for count in counts) / len(counts) < 0.52
    assert sum(count == 0 for count in counts) > 50
    assert sum(count >= 5 for count in counts) > 300
    assert max(counts) > 30


def test_some_regulars_have_stopped_and_some_have_just_begun(world: Seeded) -> None:
    lasts = [orders[-1].processed_at for orders in orders_by_customer(world).values() if len(orders) >= 3]
    assert sum(last < ANCHOR - timedelta(days=180) for last in lasts) > 100
    assert sum(last > ANCHOR - timedelta(days=45) for last in lasts) > 100


def test_everything_happened_before_the_anchor_and_within_two_years(world: Seeded) -> None:
    moments = [order.processed_at for order in world.orders]
    assert max(moments) < ANCHOR
    assert min(moments) > ANCHOR - timedelta(days=732)
    assert max(order.updated_at for order in world.orders) < ANCHOR + timedelta(days=1)


def test_order_numbers_rise_with_time(world: Seeded) -> None:
    assert [order.number for order in world.orders] == list(range(1001, 1001 + len(world.orders)))
    assert all(a.processed_at <= b.processed_at for a, b in zip(world.orders, world.orders[1:], strict=False))


def test_nobody_buys_what_is_not_published_yet(world: Seeded) -> None:
    published = {product.id: product.published_at for product in world.products}
    assert all(published[line.product_id] <= order.processed_at for order in world.orders for line in order.lines)  # type: ignore[operator,index]


def test_refunds_never_exceed_what_was_bought(world: Seeded) -> None:
    refunded = [order for order in world.orders if order.refunds]
    assert len(refunded) > 150
    for order in refunded:
        assert all(totals.current_quantity(order, line) >= 0 for line in order.lines)
        assert totals.given_back(order) <= totals.received(order)


def test_every_way_of_going_wrong_occurs(world: Seeded) -> None:
    kinds = Counter(totals.financial_status(order) for order in world.orders)
    assert kinds["paid"] > 5000
    assert kinds["partially_refunded"] > 50
    assert kinds["refunded"] > 80
    cancelled = [order for order in world.orders if order.cancelled_at]
    assert len(cancelled) > 50
    assert not any(order.fulfillments for order in cancelled)


def test_the_parts_of_a_discount_add_up(world: Seeded) -> None:
    discounted = [order for order in world.orders if order.applications]
    assert len(discounted) > 300
    for order in discounted:
        assert sum(line.discount_minor for line in order.lines) == order.applications[0].amount_minor
        assert not any(line.discount_minor for line in order.lines if line.gift_card)


def test_a_code_for_new_customers_is_used_once_by_each(world: Seeded) -> None:
    welcome = next(discount for discount in world.discounts if discount.code == "WELCOME10")
    assert len(welcome.used_by) == len(set(welcome.used_by))


def test_guests_have_no_customer_and_some_have_no_address(world: Seeded) -> None:
    guests = [order for order in world.orders if not order.customer_id]
    assert len(guests) > 200
    assert any(order.email is None for order in guests)


def test_names_come_in_many_alphabets_and_lengths(world: Seeded) -> None:
    names = [customer.name for customer in world.customers]
    letters = set("".join(names).lower())
    for example in "ßłçєіїґщ佐김王محλש":
        assert example in letters
    assert any(len(name) == 1 for name in names)
    assert any(len(name) > 80 for name in names)


def test_addresses_are_nobodys_and_unique(world: Seeded) -> None:
    emails = [customer.email for customer in world.customers if customer.email]
    assert len(emails) == len(set(emails)) > 1800
    hosts = {email.rpartition("@")[2] for email in emails}
    assert all(host.split(".")[-2] == "example" for host in hosts)
    assert len(world.customers) - len(emails) > 40


def test_consent_is_mixed(world: Seeded) -> None:
    states = Counter(customer.email_consent.state for customer in world.customers)
    assert min(states[state] for state in ("subscribed", "not_subscribed", "unsubscribed", "pending")) > 30
    assert all(customer.email for customer in world.customers if customer.email_consent.state == "subscribed")


def test_a_few_hundred_checkouts_were_left_and_some_were_recovered(world: Seeded) -> None:
    recovered = [checkout for checkout in world.checkouts if checkout.completed_at]
    assert len(world.checkouts) in range(250, 400)
    assert 0.1 < len(recovered) / len(world.checkouts) < 0.3
    by_id = {order.id: order for order in world.orders}
    assert all(by_id[checkout.order_id].checkout_token == checkout.id for checkout in recovered if checkout.order_id)


def test_a_small_world_has_all_of_it_too() -> None:
    small = build(7, TODAY, 40)
    assert len(small.customers) == 40
    assert len(small.orders) > 60
    assert len(small.checkouts) >= 3
    assert any(customer.name == "A" for customer in small.customers)


def test_loading_emits_nothing_and_numbering_goes_on(tmp_path: Path) -> None:
    store = World(tmp_path)
    seeded = build(7, TODAY, 40)
    load(store, seeded)
    assert len(store.deliveries) == 0
    with store.change():
        assert store.next_number("order", 1001) == 1001 + len(seeded.orders)
        assert store.next_id("customer") > max(customer.id for customer in store.customers)
        assert store.next_id("order") not in store.orders
    store.close()
    again = World(tmp_path)
    assert len(again.orders) == len(seeded.orders)
    assert not seed_if_empty(again, 7, TODAY, 40)
    again.close()


@pytest.mark.parametrize("customers", [0, 1, 2, 3, 7])
def test_the_smallest_worlds_can_be_built(customers: int) -> None:
    assert len(build(7, TODAY, customers).customers) == customers

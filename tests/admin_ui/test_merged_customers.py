"""A merge can be explained: the kept customer says who came over, the old page says where everything went."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from plugin.commerce.models import Order
from plugin.db.engine import transaction
from plugin.loyalty import operations as loyalty
from plugin.shops.models import Shop
from tests.admin_ui import shopfloor
from tests.admin_ui.conftest import Person
from tests.plugin.merged import KEPT, OLD, merge


@pytest.fixture
def floor(shop: Shop, other_shop: Shop) -> None:
    """Two customers with points, merged here; their look-alikes next door are still two."""
    for tenant in (shop, other_shop):
        with transaction(tenant.id) as session:
            shopfloor.customer(session, tenant, OLD, "Olga", "P.")
            shopfloor.customer(session, tenant, KEPT, "Olga", "Petrenko")
            shopfloor.order(session, tenant, 77, OLD, 42_50)
            shopfloor.launch(session, tenant)
            loyalty.settle_orders(session, tenant, {77})
            loyalty.adjust(session, tenant, OLD, 40, "sorry", "staff:1", "k")
    with transaction(shop.id) as session:
        merge(session, shop)


def test_the_kept_customer_says_who_came_over_and_what_came_with_them(person: Person, floor: None) -> None:
    shown = person.open(f"/customers/{KEPT}")
    assert f'href="/customers/{OLD}"' in shown and "Merged customers" in shown
    assert f"Moved from customer #{OLD}" in shown
    assert f"#{OLD} is now #{KEPT}" in shown
    assert "#77" in shown


def test_the_old_page_says_where_everything_went(person: Person, floor: None) -> None:
    shown = person.open(f"/customers/{OLD}")
    assert f'href="/customers/{KEPT}"' in shown and "Olga Petrenko" in shown
    assert f"Moved to customer #{KEPT}" in shown and "Adjusted by hand" in shown
    assert "Moved to" in person.open(f"/customers/{OLD}/entries")


def test_an_order_that_came_over_before_the_merge_was_told_says_so(
    person: Person, shop: Shop, other_shop: Shop
) -> None:
    with transaction(shop.id) as session:
        for id in (OLD, KEPT):
            shopfloor.customer(session, shop, id, "Olga", "P.")
        shopfloor.order(session, shop, 77, OLD, 42_50)
        shopfloor.launch(session, shop)
        loyalty.settle_orders(session, shop, {77})
        session.execute(update(Order).values(customer_id=KEPT))
        loyalty.settle_orders(session, shop, {77})
        merge(session, shop)
    assert "order #77 moved to another customer" in person.open(f"/customers/{OLD}")


def test_the_list_has_one_of_the_two(person: Person, floor: None) -> None:
    listed = person.open("/customers?sort=name")
    assert f'href="/customers/{KEPT}"' in listed and f'href="/customers/{OLD}"' not in listed


def test_look_alikes_next_door_are_still_two(other_shop: Shop, floor: None) -> None:
    with transaction(other_shop.id) as session:
        assert loyalty.adjust(session, other_shop, OLD, 1, "why", "staff:1", "k2")

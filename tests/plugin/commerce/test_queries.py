"""Reads of the mirror, with a look-alike shop present."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine

from plugin.commerce import queries
from plugin.commerce.queries import Wanted
from plugin.db import engine as db
from plugin.errors import NotFound
from plugin.shops.models import Shop
from plugin.sync.drain import drain
from tests import payloads
from tests.plugin.sync.deliveries import deliver

PEOPLE = (
    (501, "Łucja", "Nguyễn", "lucja@example.com", 3),
    (502, "Anna", "Kowalska", "anna@example.com", 1),
    (503, "Анна", "Шевченко", "anna.sh@example.com", 2),
)


@pytest.fixture
def people(database: Engine, shop: Shop, other_shop: Shop) -> Shop:
    """Three people with orders; the other shop has the same three and one more."""
    for of, extra in ((shop, 0), (other_shop, 1)):
        for id, first, last, email, orders in PEOPLE + ((599, "Anna", "Other", "other@example.com", 5),) * extra:
            person = payloads.customer(id, first_name=first, last_name=last, email=email)
            deliver(database, of, "customers/create", person)
            for number in range(orders):
                order = payloads.order(id * 10 + number, customer={"id": id}, processed_at=payloads.at(8 + number))
                deliver(database, of, "orders/create", order)
        drain(of.id)
    return shop


def listed(shop: Shop, sort: str = "name", size: int = 50, after: object = None, **wanted: str) -> list[int]:
    with db.transaction(shop.id) as session:
        page = queries.customers_page(session, shop, Wanted(**wanted), sort, after=after, size=size)  # type: ignore[arg-type]
        return [row[0].id for row in page.rows]


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("anna", [502, 503]),
        ("ANNA kow", [502]),
        ("анна", [503]),
        ("nguyen", [501]),
        ("anna.sh@example.com", [503]),
        ("other", []),
        ("nobody", []),
        ("", [502, 501, 503]),
    ],
)
def test_search_finds_prefixes_of_words_in_any_alphabet(people: Shop, q: str, found: list[int]) -> None:
    assert sorted(listed(people, q=q)) == sorted(found)


@pytest.mark.parametrize(
    ("sort", "found"),
    [("name", [502, 501, 503]), ("-name", [503, 501, 502]), ("-orders", [501, 503, 502]), ("spent", [502, 503, 501])],
)
def test_lists_are_sorted_both_ways(people: Shop, sort: str, found: list[int]) -> None:
    assert listed(people, sort) == found


def test_counts_are_of_the_shop_alone(people: Shop) -> None:
    with db.transaction(people.id) as session:
        assert queries.customers_count(session, people, Wanted(), "name").number == 3
        assert queries.customers_count(session, people, Wanted(q="anna"), "name").number == 2


def test_one_customer_with_orders_newest_first(people: Shop) -> None:
    with db.transaction(people.id) as session:
        assert queries.customer(session, people, 501).last_name == "Nguyễn"
        assert [order.id for order in queries.orders_of(session, people, 501)] == [5012, 5011, 5010]
        with pytest.raises(NotFound):
            queries.customer(session, people, 599)


def test_a_deleted_customer_is_not_found_and_not_listed(people: Shop, database: Engine) -> None:
    deliver(database, people, "customers/delete", {"id": 502})
    drain(people.id)
    assert listed(people) == [501, 503] and listed(people, q="kowalska") == []
    with db.transaction(people.id) as session, pytest.raises(NotFound):
        queries.customer(session, people, 502)

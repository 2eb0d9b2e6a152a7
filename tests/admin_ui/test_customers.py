"""The list of customers and one customer, with a look-alike shop beside."""

from __future__ import annotations

import re

import pytest
from sqlalchemy.orm import Session

from plugin.db.engine import transaction
from plugin.shops.models import Shop
from tests.admin_ui import shopfloor
from tests.admin_ui.conftest import Person
from tests.admin_ui.tokens import bearer


@pytest.fixture
def floor(shop: Shop, other_shop: Shop) -> None:
    """Three customers here, and the same ids with other names next door."""
    for tenant, mark in ((shop, ""), (other_shop, "Stranger ")):
        with transaction(tenant.id) as session:
            _people(session, tenant, mark)


def _people(session: Session, shop: Shop, mark: str) -> None:
    shopfloor.customer(session, shop, 1, f"{mark}Olga", "Petrenko", spent_minor=9000, orders_count=2)
    shopfloor.customer(session, shop, 2, f"{mark}Nguyễn", "Thị Minh", email_consent="unsubscribed", spent_minor=100)
    shopfloor.customer(session, shop, 3, f"{mark}O", "Li", spent_minor=500)
    shopfloor.order(session, shop, 77, 1, 4250)
    shopfloor.launch(session, shop)


def names(page: str) -> list[str]:
    return re.findall(r'class="row-link" href="/customers/\d+">([^<]+)<', page)


def test_the_list_shows_this_shop_alone_in_the_order_asked_for(person: Person, floor: None) -> None:
    assert names(person.open("/customers?sort=-spent")) == ["Olga Petrenko", "O Li", "Nguyễn Thị Minh"]
    assert names(person.open("/customers?sort=spent")) == ["Nguyễn Thị Minh", "O Li", "Olga Petrenko"]
    assert "3 customers" in person.open("/customers?sort=name")
    assert "Stranger" not in person.open("/customers?sort=name")


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("olg", ["Olga Petrenko"]),
        ("petr olga", ["Olga Petrenko"]),
        ("NGUYEN", ["Nguyễn Thị Minh"]),
        ("1@example.com", ["Olga Petrenko"]),
        ("o", ["Olga Petrenko", "O Li"]),
        ("stranger", []),
        ("%", []),
        ("olga li", []),
    ],
)
def test_search_finds_words_by_their_beginning(person: Person, floor: None, typed: str, found: list[str]) -> None:
    assert (
        names(person.client.get("/customers", query_string={"q": typed, "sort": "-spent"}, headers=bearer()).text)
        == found
    )


def test_nothing_found_offers_a_way_out(person: Person, floor: None) -> None:
    page = person.open("/customers?q=zzz&consent=subscribed")
    assert "Nothing found" in page and 'href="/customers"' in page


def test_the_list_is_exported_as_it_is_narrowed(person: Person, floor: None) -> None:
    response = person.client.get("/customers/export.csv?sort=-spent&consent=subscribed", headers=bearer())
    lines = response.get_data(as_text=True).splitlines()
    assert lines[0] == "\ufeffName,E-mail,E-mail marketing,Tier,Points,Orders,Spent,Currency,Last order"
    assert [line.split(",")[0] for line in lines[1:]] == ["Olga Petrenko", "O Li"]
    assert "90.00,EUR" in lines[1]


def test_a_filter_is_a_chip_that_can_be_dropped(person: Person, floor: None) -> None:
    page = person.open("/customers?sort=name&consent=unsubscribed")
    assert names(page) == ["Nguyễn Thị Minh"]
    assert 'href="/customers?sort=name" aria-label="Remove filter: E-mail marketing: Unsubscribed"' in page


def test_pages_follow_each_other_without_gaps_or_repeats(person: Person, shop: Shop) -> None:
    with transaction(shop.id) as session:
        for number in range(1, 121):
            shopfloor.customer(session, shop, number, "Same", "Name", spent_minor=number % 3)
    seen: list[str] = []
    page = person.open("/customers?sort=-spent")
    while True:
        seen += re.findall(r'class="row-link" href="/customers/(\d+)"', page)
        link = re.search(r'aria-label="Next page" href="([^"]+)"', page)
        if link is None:
            break
        page = person.open(link[1].replace("&amp;", "&"))
    assert len(seen) == len(set(seen)) == 120
    back = re.search(r'aria-label="Previous page" href="([^"]+)"', page)
    assert back is not None
    earlier = re.findall(r'class="row-link" href="/customers/(\d+)"', person.open(back[1].replace("&amp;", "&")))
    assert earlier == seen[50:100]


@pytest.mark.parametrize("place", ["x", "W10", "WyJhIiwxXQ", "WzEsImEiXQ", "WzEsOTk5OTk5OTk5OTk5OTk5OTk5OTk5OTldXQ"])
def test_a_broken_place_is_not_found(person: Person, floor: None, place: str) -> None:
    response = person.client.get(f"/customers?sort=-spent&after={place}", headers={**bearer(), "HX-Request": "true"})
    assert response.status_code == 404
    assert "first page" in response.headers["HX-Trigger"]


def test_a_customer_shows_points_with_their_reason(person: Person, floor: None) -> None:
    page = person.open("/customers/1")
    assert "Earned with order #77" in page
    assert "Goods after discounts" in page and "€42.50" in page
    assert "3 for each €1.00" in page
    assert "Stranger" not in page


def test_a_customer_of_another_shop_is_not_found(person: Person, other_shop: Shop) -> None:
    with transaction(other_shop.id) as session:
        shopfloor.customer(session, other_shop, 9, "Stranger", "Danger")
    response = person.client.get("/customers/9", headers=bearer())
    assert response.status_code == 404
    assert "Stranger" not in response.text


def form_value(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found is not None
    return found[1]


def adjust(person: Person, points: str, reason: str) -> str:
    key = form_value(person.open("/customers/1/points"), "key")
    return person.save("/customers/1/points", points=points, reason=reason, key=key)


def test_points_can_be_given_with_a_reason_and_taken_back(person: Person, floor: None) -> None:
    page = adjust(person, "1 200", "Lost parcel")
    assert "Adjusted by hand" in page and "Lost parcel" in page and "Staff member 42" in page
    entry = re.search(r"\+1,200", page)
    assert entry is not None
    response = person.send("/customers/1/points", points="5", reason="Again", key="k")
    undo = re.search(r"/customers/1/points/\d+/undo", response.headers["HX-Trigger"])
    assert undo is not None
    assert "−5" in person.save(undo[0])


@pytest.mark.parametrize(
    ("points", "reason", "complaint"),
    [
        ("many", "Why", "Write a whole number"),
        ("", "Why", "This is needed"),
        ("1.5", "Why", "Write a whole number"),
        ("5", " ", "This is needed"),
        ("0", "Why", "other than 0"),
        ("-999999", "Why", "points"),
        ("9" * 40, "Why", "at most"),
    ],
)
def test_a_refused_adjustment_keeps_what_was_typed(
    person: Person, floor: None, points: str, reason: str, complaint: str
) -> None:
    response = person.send("/customers/1/points", points=points, reason=reason, key="k1")
    assert response.status_code == 422
    assert complaint in response.text
    assert f'value="{points}"' in response.text


def test_the_same_click_twice_is_one_adjustment(person: Person, floor: None) -> None:
    for _ in range(2):
        page = person.save("/customers/1/points", points="7", reason="Twice", key="same")
    assert page.count("Adjusted by hand") == 1

"""The ledger in the panel: its entries, whether they add up, and all of them as a file; a look-alike shop beside."""

from __future__ import annotations

import io
import re
import zipfile

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, text

from plugin.db.engine import transaction
from plugin.loyalty import operations as loyalty
from plugin.loyalty.books import checking, sealing
from plugin.shops.models import Shop
from tests.admin_ui import shopfloor
from tests.admin_ui.conftest import Person
from tests.admin_ui.tokens import bearer


@pytest.fixture
def floor(shop: Shop, other_shop: Shop) -> None:
    for tenant, mark in ((other_shop, "Stranger "), (shop, "")):
        with transaction(tenant.id) as session:
            shopfloor.launch(session, tenant)
            for number, name in ((1, "Olga"), (2, "Minh")):
                shopfloor.customer(session, tenant, number, f"{mark}{name}", "Li")
                shopfloor.order(session, tenant, 70 + number, number, 4250)
            loyalty.settle_orders(session, tenant, {71, 72})
            loyalty.adjust(session, tenant, 2, 40, f"{mark}because", "staff:1", "gift")


def rows(page: str) -> list[tuple[str, str]]:
    """Customer and points of each line."""
    found = re.findall(r'href="/customers/\d+">([^<]+)<.*?class="strong amount">([^<]+)<', page, re.S)
    return [(who, points) for who, points in found]


OLGA, MINH, GIFT = ("Olga Li", "+127"), ("Minh Li", "+127"), ("Minh Li", "+40")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", [GIFT, MINH, OLGA]),
        ("?kind=adjust", [GIFT]),
        ("?kind=earn", [MINH, OLGA]),
        ("?account=staff", [GIFT]),
        ("?account=sales&kind=adjust", []),
        ("?customer=1", [OLGA]),
        ("?order=72", [MINH]),
        ("?q=olga", [OLGA]),
        ("?q=%231", [OLGA]),
        ("?q=stranger", []),
        ("?since=2020-01-01&until=2020-12-31", []),
        ("?since=2020-01-01", [GIFT, MINH, OLGA]),
        ("?since=nonsense&kind=nothing", []),
    ],
)
def test_entries_are_narrowed_as_asked(person: Person, floor: None, query: str, found: list[tuple[str, str]]) -> None:
    page = person.open(f"/loyalty/ledger{query}")
    assert rows(page) == found and "Stranger" not in page


def test_pages_go_there_and_back(person: Person, floor: None, shop: Shop) -> None:
    with transaction(shop.id) as session:
        for number in range(60):
            loyalty.adjust(session, shop, 1, 1, "more", "staff:1", f"more-{number}")
    first = person.open("/loyalty/ledger")
    older = re.search(r'aria-label="Next page" href="([^"]+)"', first)
    assert older and len(rows(first)) == 50
    second = person.open(older[1].replace("&amp;", "&"))
    assert rows(second)[-1] == OLGA and len(rows(second)) == 13


def test_why_says_how_an_entry_came_about(person: Person, floor: None) -> None:
    page = person.open("/loyalty/ledger?kind=earn&customer=1")
    why = re.search(r'hx-get="(/loyalty/ledger/\d+/why)"', page)
    assert why
    said = person.open(why[1])
    assert "Money that counts" in said and "42.50" in said and "+127" in said


def test_the_list_and_the_whole_are_files(client: FlaskClient, floor: None, shop: Shop) -> None:
    lines = client.get("/loyalty/ledger/export.csv?kind=earn", headers=bearer()).text.splitlines()
    assert len(lines) == 3 and lines[1].split(",")[2:7] == ["2", "earn", "127", "sales", "-127"]
    whole = client.get("/loyalty/ledger/everything.zip", headers=bearer())
    with zipfile.ZipFile(io.BytesIO(whole.data)) as archive:
        assert len(archive.read("entries.jsonl").splitlines()) == 3 and b"Stranger" not in archive.read("notes.jsonl")


def test_checking_tells_what_does_not_add_up(person: Person, floor: None, shop: Shop, database: Engine) -> None:
    with transaction(shop.id) as session:
        sealing.seal_due(session, shop)
    assert "Not checked yet" in person.open("/loyalty/ledger")
    assert "Being checked" in person.save("/loyalty/ledger/verify")
    _look(shop)
    assert "Adds up" in person.open("/loyalty/ledger")
    with database.begin() as owner:
        owner.execute(
            text("UPDATE point_entries SET points = 128 WHERE order_id = 71 AND shop_id = :s"), {"s": shop.id}
        )
    person.save("/loyalty/ledger/verify")
    _look(shop)
    page = person.open("/loyalty/ledger")
    assert "Does not add up" in page and re.search(r"Entry \d+ was changed after it was sealed", page)
    assert "Customer 1: the account says 127 points, its entries sum to 128." in page


def _look(shop: Shop) -> None:
    more = True
    while more:
        with transaction(shop.id) as session:
            more = checking.step(session, shop)


def test_an_empty_ledger_says_what_will_stand_there(person: Person, shop: Shop) -> None:
    assert "No points have moved yet" in person.open("/loyalty/ledger")

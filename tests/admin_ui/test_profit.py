"""Profit: what a merchant is told while too little is known, and when enough is."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from plugin import clock
from plugin.db.engine import transaction
from plugin.loyalty import queries
from plugin.shops.models import Shop
from tests.admin_ui import shopfloor
from tests.admin_ui.conftest import Person
from tests.admin_ui.splits import hold, read
from tests.admin_ui.tokens import bearer

FORM = {"percent": "10", "goods_percent": "40", "mails_minor": "0.50"}


@pytest.fixture
def floor(shop: Shop, other_shop: Shop) -> None:
    for tenant in (shop, other_shop):
        with transaction(tenant.id) as session:
            shopfloor.launch(session, tenant)


def version(page: str) -> str:
    found = re.search(r'name="version"[^>]*value="(\d+)"', page)
    assert found
    return found[1]


def test_without_a_programme_there_is_nothing_to_measure(person: Person) -> None:
    page = person.open("/loyalty/profit")
    assert "Set up programme" in page and "Customers held out" not in page


def test_holding_out_is_explained_and_saved_as_a_version(person: Person, shop: Shop, floor: None) -> None:
    page = person.open("/loyalty/profit")
    assert "Nothing is measured yet" in page and "chosen by chance" in page.lower()
    after = person.save("/loyalty/profit", **FORM, version=version(page))
    assert "Counting has begun" in after and 'value="0.50"' in after
    with transaction(shop.id) as session:
        program = queries.latest_program(session, shop)
        assert program is not None and program.version == 2 and program.document.holdout.percent == 10


def test_costs_alone_change_no_rules(person: Person, shop: Shop, floor: None) -> None:
    page = person.open("/loyalty/profit")
    person.save("/loyalty/profit", percent="0", goods_percent="", mails_minor="", version=version(page))
    with transaction(shop.id) as session:
        program = queries.latest_program(session, shop)
        assert program is not None and program.version == 1


@pytest.mark.parametrize(
    ("field", "typed"), [("percent", "51"), ("percent", "ten"), ("percent", ""), ("goods_percent", "101")]
)
def test_what_cannot_be_is_told_at_the_field(person: Person, floor: None, field: str, typed: str) -> None:
    page = person.open("/loyalty/profit")
    answer = person.send("/loyalty/profit", **(FORM | {"version": version(page), field: typed}))
    assert answer.status_code == 422 and f'data-error-for="{field}"><svg' in answer.text


def test_two_tabs_do_not_save_over_each_other(person: Person, floor: None) -> None:
    page = person.open("/loyalty/profit")
    person.save("/loyalty/profit", **FORM, version=version(page))
    answer = person.send("/loyalty/profit", **(FORM | {"version": version(page), "percent": "20"}))
    assert answer.status_code == 409


@pytest.fixture
def split(shop: Shop, other_shop: Shop, floor: None) -> None:
    for tenant in (shop, other_shop):
        with transaction(tenant.id) as session:
            hold(session, tenant)


@pytest.mark.parametrize(
    ("lift", "said"),
    [(300, "The programme brings more profit"), (-300, "The programme costs more than it brings")],
)
def test_a_verdict_is_said_with_its_interval(person: Person, shop: Shop, split: None, lift: int, said: str) -> None:
    read(shop, lift)
    page = person.open("/loyalty/profit")
    assert said in page and "after 4 weeks" in page
    assert ("+€3.00" if lift > 0 else "-€3.00") in page
    assert 'class="interval-thick"' in page and "After 5 weeks the lift is between" in page


def test_too_little_is_said_to_be_too_little(person: Person, shop: Shop, split: None) -> None:
    read(shop, 20)
    page = person.open("/loyalty/profit")
    assert "Not enough data yet: about" in page and "can be told from none" in page


def test_no_figure_is_shown_that_nobody_should_believe(person: Person, shop: Shop, split: None) -> None:
    read(shop, 300, people=160)
    page = person.open("/loyalty/profit")
    assert "Not enough data yet" in page and "interval-thick" not in page and "With the programme" not in page


def test_a_useless_lift_is_called_so(person: Person, shop: Shop, split: None) -> None:
    read(shop, 0, people=400_000)
    assert "The programme makes no useful difference" in person.open("/loyalty/profit")


def test_another_shop_shows_its_own(person: Person, other_shop: Shop, split: None) -> None:
    read(other_shop, 300)
    assert "Counting has begun" in person.open("/loyalty/profit")


def test_the_weeks_come_as_csv(client: FlaskClient, shop: Shop, split: None) -> None:
    read(shop, 300)
    answer = client.get("/loyalty/profit/weeks.csv", headers={**bearer(), "Sec-Fetch-Dest": "empty"})
    lines = answer.text.removeprefix("\ufeff").splitlines()
    assert len(lines) == 6 and lines[1].split(",")[2:5] == ["23.00", "20.00", "3.00"]
    assert (clock.machine_now() + timedelta(days=35)).date().isoformat() in lines[5]

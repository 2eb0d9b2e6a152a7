"""Home: the guide, the four figures, the chart and its CSV."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from plugin import clock
from plugin.db.engine import transaction
from plugin.insights import home
from plugin.shops.models import Shop
from tests.admin_ui import shopfloor
from tests.admin_ui.conftest import Person
from tests.admin_ui.tokens import bearer


@pytest.fixture
def floor(shop: Shop, other_shop: Shop) -> None:
    for tenant, factor in ((shop, 1), (other_shop, 100)):
        with transaction(tenant.id) as session:
            _trade(session, tenant, factor)


def _trade(session: Session, shop: Shop, factor: int) -> None:
    now = clock.now(session)
    shopfloor.customer(session, shop, 1, "Olga", "Petrenko")
    shopfloor.order(session, shop, 1, 1, 10_000 * factor, processed_at=now - timedelta(days=20))
    shopfloor.order(session, shop, 2, 1, 30_000 * factor, processed_at=now - timedelta(days=2))
    shopfloor.order(session, shop, 3, None, 10_000 * factor, processed_at=now - timedelta(days=1))
    shopfloor.order(session, shop, 4, 1, 99_999, processed_at=now - timedelta(days=1), cancelled_at=now)
    shopfloor.order(session, shop, 5, 1, 99_999, processed_at=now - timedelta(days=1), test=True)
    shopfloor.launch(session, shop)


def test_the_chart_says_what_repeat_buyers_bring(person: Person, floor: None) -> None:
    page = person.open("/")
    assert "Repeat buyers bring 60% of revenue" in page
    assert "Last 30 days: 1 of 3" in page
    assert "As table" in page and 'href="/revenue.csv"' in page


def test_an_empty_shop_is_told_what_to_do_first(person: Person) -> None:
    page = person.open("/")
    assert "0 of 6 steps are done" in page and "No revenue yet" in page


def test_steps_are_done_by_what_is_there_or_by_hand(person: Person, floor: None) -> None:
    assert "2 of 6 steps are done" in person.open("/")
    assert "3 of 6 steps are done" in person.save("/guide/embed")
    assert "3 of 6 steps are done" in person.save("/guide/made-up")


def test_home_says_whether_the_theme_shows_us(person: Person) -> None:
    assert "Storefront on" not in person.open("/")
    assert "Storefront on" in person.save("/embed/on") and "1 of 6 steps are done" in person.open("/")
    assert "Storefront off" in person.save("/embed/off")
    assert person.send("/embed/maybe").status_code == 404


def test_the_chart_comes_as_csv(client: FlaskClient, floor: None) -> None:
    response = client.get("/revenue.csv", headers={**bearer(), "Sec-Fetch-Dest": "empty"})
    assert response.headers["Content-Disposition"] == 'attachment; filename="revenue.csv"'
    lines = response.text.removeprefix("\ufeff").splitlines()
    assert len(lines) == 13 and lines[0].startswith("Month,")


def test_stocks_are_traced_back_by_their_daily_changes(session: Session, shop: Shop) -> None:
    shopfloor.customer(session, shop, 1, "Olga", "Petrenko")
    shopfloor.order(session, shop, 1, 1, 10_000)
    shopfloor.launch(session, shop)
    today = clock.today(clock.now(session), shop.timezone)
    held = home.points_outstanding(session, shop, today)
    assert (held.now, held.before, held.series[-5:]) == (300, 0, [0, 300, 300, 300, 300])
    assert home.members(session, shop, today).now == 1


def test_months_reach_back_over_the_turn_of_the_year() -> None:
    assert home._months_back(date(2026, 1, 31), 1).isoformat() == "2025-12-01"
    assert home._months_back(date(2026, 11, 21), 11).isoformat() == "2025-12-01"

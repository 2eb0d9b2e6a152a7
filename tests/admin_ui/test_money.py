"""Money: every figure has its month, every month its movements, and the other shop's are nowhere."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from plugin import clock
from plugin.db.engine import transaction
from plugin.insights import tasks
from plugin.loyalty import operations as loyalty
from plugin.shops.models import Shop
from tests.admin_ui import shopfloor
from tests.admin_ui.conftest import Person
from tests.admin_ui.tokens import bearer


@pytest.fixture
def floor(shop: Shop, other_shop: Shop) -> None:
    for tenant, factor in ((shop, 1), (other_shop, 77)):
        with transaction(tenant.id) as session:
            _trade(session, tenant, factor)
    tasks.keep_figures()


def _trade(session: Session, shop: Shop, factor: int) -> None:
    now = clock.now(session)
    shopfloor.customer(session, shop, 1, "Olga", "Petrenko")
    shopfloor.order(session, shop, 1, 1, 50_000 * factor, processed_at=now - timedelta(days=70))
    shopfloor.order(session, shop, 2, 1, 10_000 * factor, processed_at=now - timedelta(days=1))
    shopfloor.launch(session, shop)
    reward = loyalty.add_reward(session, shop, "staff:1", shopfloor.RewardDraft("9 off", 400, 900))
    loyalty.redeem(session, shop, 1, reward.id, "click-000001")
    loyalty.adjust(session, shop, 1, -50, "a mistake", "staff:1", "1")


def test_the_page_shows_what_was_issued_and_spent(person: Person, floor: None) -> None:
    page = person.open("/loyalty/money")
    # 1,500 earned without a tier, 450 as an insider; 400 spent, 50 taken.
    assert "1,500" in page and "Redemption rate" in page and "21.1%" in page
    assert "Rewards cost €9.00 in 12 months" in page and "1.5%" in page
    assert "As table" in page and "115,500" not in page


def test_a_month_leads_to_what_moved_in_it(person: Person, session: Session, floor: None) -> None:
    now = clock.now(session)
    page = person.open(f"/loyalty/money/{now:%Y-%m}")
    assert "/loyalty/ledger?kind=redeem&amp;account=rewards" in page and "By hand" in page
    assert "Together" in page
    assert person.client.get("/loyalty/money/1999-01", headers=bearer()).status_code == 404
    assert person.client.get("/loyalty/money/2026-13", headers=bearer()).status_code == 404


def test_a_shop_without_points_is_told_what_will_be_here(person: Person) -> None:
    assert "No points yet" in person.open("/loyalty/money")


def test_before_the_first_count_points_are_there_already(person: Person, shop: Shop) -> None:
    with transaction(shop.id) as session:
        _trade(session, shop, 1)
    page = person.open("/loyalty/money")
    assert "1,500" in page and "Age and cost are being counted" in page


def test_everything_comes_as_csv(client: FlaskClient, floor: None) -> None:
    def file(name: str) -> list[str]:
        answer = client.get(f"/loyalty/money/{name}.csv", headers={**bearer(), "Sec-Fetch-Dest": "empty"})
        assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}.csv"'
        return answer.text.removeprefix("\ufeff").splitlines()

    last = file("points")[-1].split(",")
    assert int(last[1]) + int(last[2]) - int(last[3]) - int(last[4]) - int(last[5]) + int(last[6]) == int(last[7])
    assert last[7] == "1500"
    assert any(line.endswith("Rewards,0,400,400") for line in file("accounts"))
    assert sum(int(line.split(",")[1]) for line in file("ages")[1:]) == 1_500
    assert "9.00" in [line.split(",")[1] for line in file("costs")[1:]]

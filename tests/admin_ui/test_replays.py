"""Replays: a draft is tried from the form, watched, read, changed, saved; and the ledger is compared."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from sqlalchemy import update
from werkzeug.test import TestResponse

from plugin import clock
from plugin.commerce.models import OrderLine
from plugin.db.engine import transaction
from plugin.loyalty import queries
from plugin.loyalty import tasks as loyalty_tasks
from plugin.shops.models import Shop
from tests.admin_ui import shopfloor
from tests.admin_ui.conftest import Person
from tests.admin_ui.test_loyalty import TYPED
from tests.admin_ui.tokens import bearer


@pytest.fixture
def floor(shop: Shop, other_shop: Shop) -> None:
    for tenant, factor in ((shop, 1), (other_shop, 77)):
        with transaction(tenant.id) as session:
            now = clock.now(session)
            shopfloor.customer(session, tenant, 1, "Olga", "Petrenko")
            shopfloor.order(session, tenant, 1, 1, 50_000 * factor, processed_at=now - timedelta(days=70))
            shopfloor.order(session, tenant, 2, 1, 10_000 * factor, processed_at=now - timedelta(days=1))
            shopfloor.launch(session, tenant)


def tried(person: Person) -> str:
    """The path of a replay of the programme at twice the rate."""
    return _led(person.send("/loyalty/replays", **TYPED | {"earn_points": "6"}))


def _led(response: TestResponse) -> str:
    """Where an answer leads."""
    path: str = json.loads(response.headers["HX-Location"])["path"]
    return path


def test_a_draft_is_tried_from_the_form_and_read_side_by_side(person: Person, floor: None) -> None:
    path = tried(person)
    running = person.open(path)
    assert "Going through your customers" in running and 'hx-trigger="every 2s"' in running
    loyalty_tasks.settle_due()
    page = person.open(path)
    assert "Side by side" in page and "1,950" in page and "3,900" in page and "+100%" in page
    assert "Olga Petrenko" in page and "Who gains most" in page
    assert "every 2s" not in page and "115,500" not in page
    assert person.client.get(f"{path}/months.csv", headers=bearer()).text.count("\n") >= 2


def test_a_draft_becomes_the_programme(person: Person, floor: None, shop: Shop) -> None:
    path = tried(person)
    loyalty_tasks.settle_due()
    assert 'value="6"' in person.open(f"/loyalty?replay={path.rsplit('/', 1)[1]}")
    person.send(f"{path}/launch")
    with transaction(shop.id) as session:
        newest = queries.latest_program(session, shop)
        assert newest is not None and (newest.version, newest.earn_points) == (2, 6)


def test_the_ledger_is_compared_with_the_rules(person: Person, floor: None, shop: Shop) -> None:
    loyalty_tasks.settle_due()
    path = _led(person.send("/loyalty/replays/check"))
    loyalty_tasks.settle_due()
    assert "2 orders were worked out again" in person.open(path)
    with transaction(shop.id) as session:
        session.execute(update(OrderLine).where(OrderLine.order_id == 2).values(price_minor=OrderLine.price_minor * 2))
    path = _led(person.send("/loyalty/replays/check"))
    loyalty_tasks.settle_due()
    assert "1 order differs" in person.open(path)


def test_a_running_replay_can_be_stopped(person: Person, floor: None) -> None:
    path = tried(person)
    person.send(f"{path}/stop")
    assert "Stopped before the end" in person.open(path)
    assert "Stopped" in person.open("/loyalty/replays")


def test_a_shop_that_tried_nothing_is_told_how(person: Person) -> None:
    assert "Nothing tried yet" in person.open("/loyalty/replays")

"""The doorbell of the figures: everything that waits, in every shop; trouble in one keeps nobody else waiting."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from plugin.db import engine as db
from plugin.insights import tasks
from plugin.insights.models import MoneyBook, PointDay
from plugin.shops.models import Shop
from tests.plugin.insights.ledger_rows import accounts, entry

START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def ledgers(shop: Shop, other_shop: Shop) -> None:
    for number, tenant in enumerate((shop, other_shop), start=1):
        accounts(tenant, 1)
        with db.transaction(tenant.id) as session:
            entry(session, tenant, number, "earn", 10 * number, START, "sales")


def counted(shop: Shop) -> list[int]:
    with db.transaction(shop.id) as session:
        return list(session.scalars(select(PointDay.plus)))


def test_one_ring_keeps_the_figures_of_every_shop(shop: Shop, other_shop: Shop, ledgers: None) -> None:
    tasks.keep_figures()
    assert (counted(shop), counted(other_shop)) == ([10], [20])
    with db.transaction(shop.id) as session:
        book = session.get(MoneyBook, shop.id)
        assert book is not None and book.pictured_at is not None


def test_trouble_in_one_shop_does_not_keep_the_others_waiting(
    shop: Shop, other_shop: Shop, ledgers: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumble(session: Session, whose: Shop) -> bool:
        if whose.id == shop.id:
            raise OperationalError("", {}, Exception())
        return tasks.point_days.count_step(session, whose)

    monkeypatch.setattr(tasks, "STEPS", (stumble,))
    tasks.keep_figures()
    assert (counted(shop), counted(other_shop)) == ([], [20])


def test_a_short_round_asks_for_another(shop: Shop, ledgers: None, monkeypatch: pytest.MonkeyPatch) -> None:
    rung: list[str] = []
    monkeypatch.setattr(tasks, "ROUND_SECONDS", -1.0)
    monkeypatch.setattr(tasks, "ring", rung.append)
    tasks.keep_figures()
    assert rung == ["insights.keep_figures"]

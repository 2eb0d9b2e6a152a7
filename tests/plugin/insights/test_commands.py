"""`regulars money`: a wrong day is told by the exit status, and counting afresh mends it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from plugin.db import engine as db
from plugin.insights import tasks
from plugin.local.cli import run
from plugin.shops.models import Shop
from tests.plugin.insights.ledger_rows import accounts, entry

START = datetime(2026, 1, 1, tzinfo=UTC)


def regulars(*words: str) -> int:
    return run(words, wire=lambda: None)


def test_a_wrong_day_is_told_and_mended(shop: Shop, other_shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    for number, tenant in enumerate((shop, other_shop), start=1):
        accounts(tenant, 1)
        with db.transaction(tenant.id) as session:
            entry(session, tenant, number, "earn", 10, START, "sales")
    tasks.keep_figures()
    assert regulars("money", "check") == 0
    with db.transaction(shop.id) as session:
        session.execute(text("UPDATE point_days SET plus = 11"))
    assert regulars("money", "check") == 1
    assert regulars("money", "check", other_shop.domain) == 0
    assert regulars("money", "rebuild", shop.domain) == 0
    assert regulars("money", "check") == 0
    said = capsys.readouterr().out
    assert f"{shop.domain}: days that differ: 1" in said and f"{other_shop.domain}: equal to the ledger" in said


def test_an_unknown_shop_is_named(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    assert regulars("money", "check", "nobody.myshopify.com") == 1
    assert "no shop nobody.myshopify.com" in capsys.readouterr().err

"""When a comparison is due, and whether the store still tells us what `app.toml` asks for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, insert, text
from sqlalchemy.orm import Session

from plugin.config import API_VERSION
from plugin.shops.models import Shop
from plugin.sync import checks, subscribed
from plugin.sync.models import DriftCheck, SyncRun
from tests.plugin.sync.deliveries import deliver, rows

NOON = datetime(2026, 11, 21, 11, 30, tzinfo=UTC)  # 12:30 in Berlin
NIGHT = datetime(2026, 11, 22, 2, 30, tzinfo=UTC)
EVERY = {*checks.KINDS, "webhooks"}


def imported(session: Session, shop: Shop, at: datetime, state: str = "done") -> None:
    run = {"kind": "backfill", "object": "orders", "state": state}
    session.execute(insert(SyncRun).values(shop_id=shop.id, finished_at=at, **run))


def checked(session: Session, shop: Shop, reach: str, at: datetime, kinds: Any = checks.KINDS, **columns: Any) -> None:
    for kind in kinds:
        values = {"object": kind, "reach": reach, "created_at": at, "state": "done", "finished_at": at} | columns
        session.execute(insert(DriftCheck).values(shop_id=shop.id, **values))


def opened(session: Session, shop: Shop, now: datetime) -> set[tuple[str, str]]:
    checks._begin_due(session, shop, now)
    found = session.execute(text("SELECT object, reach FROM drift_checks WHERE state = 'waiting'"))
    return {(kind, reach) for kind, reach in found}


def test_nothing_is_compared_while_the_history_comes_in(session: Session, shop: Shop) -> None:
    assert opened(session, shop, NOON) == set()
    imported(session, shop, NOON - timedelta(minutes=30))
    assert opened(session, shop, NOON) == set()
    imported(session, shop, NOON - timedelta(hours=3), state="running")
    assert opened(session, shop, NOON + timedelta(hours=2)) == set()


def test_an_hour_after_the_import_everything_is_compared(session: Session, shop: Shop) -> None:
    imported(session, shop, NOON - timedelta(hours=1))
    assert opened(session, shop, NOON) == {(kind, "all") for kind in checks.KINDS} | {("webhooks", "recent")}
    assert len(opened(session, shop, NOON)) == 5  # twice is once


def test_each_hour_what_changed_is_compared(session: Session, shop: Shop) -> None:
    imported(session, shop, NOON - timedelta(days=3))
    checked(session, shop, "all", NOON - timedelta(hours=9))
    checked(session, shop, "recent", NOON - timedelta(minutes=59), EVERY)
    assert opened(session, shop, NOON) == set()
    assert opened(session, shop, NOON + timedelta(minutes=1)) == {(kind, "recent") for kind in EVERY}


def test_everything_is_compared_at_night_by_the_shop_s_own_clock(session: Session, shop: Shop) -> None:
    imported(session, shop, NOON - timedelta(days=3))
    checked(session, shop, "all", NIGHT - timedelta(hours=24))
    checked(session, shop, "recent", NIGHT - timedelta(minutes=30), EVERY)
    assert opened(session, shop, NIGHT - timedelta(hours=6)) == set()
    assert opened(session, shop, NIGHT) == {(kind, "all") for kind in checks.KINDS}


def test_a_night_in_which_nobody_worked_is_made_up_for(session: Session, shop: Shop) -> None:
    imported(session, shop, NOON - timedelta(days=3))
    checked(session, shop, "all", NOON - timedelta(hours=36))
    assert ("orders", "all") in opened(session, shop, NOON)


def test_old_comparisons_are_forgotten_with_what_they_found(session: Session, shop: Shop) -> None:
    imported(session, shop, NIGHT - timedelta(days=90))
    checked(session, shop, "all", NIGHT - timedelta(days=61), ["orders"])
    opened(session, shop, NIGHT)
    assert session.execute(text("SELECT count(*) FROM drift_checks WHERE state = 'done'")).scalar() == 0


def as_listed(topic: str, **changed: Any) -> dict[str, Any]:
    name = topic.replace("/", "_").replace(".", "_").upper()
    told = {"topic": name, "uri": "/webhooks", "format": "JSON", "filter": None, "includeFields": []}
    return told | {"apiVersion": {"handle": API_VERSION}} | changed


def test_subscriptions_as_declared_are_right(services: None) -> None:
    assert dict(subscribed.faults([as_listed(topic) for topic in subscribed.declared()])) == {}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"uri": "https://elsewhere.example/webhooks"}, "address"),
        ({"apiVersion": {"handle": "2026-01"}}, "version"),
        ({"format": "XML"}, "format"),
        ({"filter": "total_price:>10"}, "narrowed"),
        ({"includeFields": ["id"]}, "narrowed"),
    ],
)
def test_an_altered_subscription_is_named_with_what_is_wrong(
    services: None, change: dict[str, Any], reason: str
) -> None:
    told = [as_listed(topic, **(change if topic == "orders/paid" else {})) for topic in subscribed.declared()]
    assert dict(subscribed.faults(told)) == {"orders/paid": reason}


def test_a_missing_and_a_double_subscription_are_named(services: None) -> None:
    told = [as_listed(topic) for topic in subscribed.declared() if topic != "orders/delete"]
    told += [as_listed("orders/paid", uri="https://regulars.example/webhooks")]
    assert dict(subscribed.faults(told)) == {"orders/delete": "missing", "orders/paid": "twice"}


def test_a_store_that_lists_none_says_nothing(services: None) -> None:
    assert dict(subscribed.faults([])) == {}


def test_a_kind_that_changed_for_a_day_without_a_webhook_is_silent(
    database: Engine, session: Session, shop: Shop, other_shop: Shop
) -> None:
    now = datetime.now(UTC)
    checked(session, shop, "recent", now, ["orders", "products"], compared=3)
    deliver(database, shop, "products/update", {"id": 1})
    deliver(database, other_shop, "orders/create", {"id": 1})
    session.execute(insert(DriftCheck).values(shop_id=shop.id, object="webhooks", reach="recent"))
    check = session.query(DriftCheck).filter_by(object="webhooks").one()
    told = subscribed.note(session, check, [])
    assert (told["differed"], told["compared"]) == (1, 0)
    [finding] = session.execute(text("SELECT key, reason FROM drift_findings")).all()
    assert tuple(finding) == ("orders/*", "silent")


def test_the_rows_of_another_shop_are_not_begun(
    database: Engine, session: Session, shop: Shop, other_shop: Shop
) -> None:
    imported(session, shop, NOON - timedelta(hours=2))
    opened(session, shop, NOON)
    session.commit()
    assert rows(database, "drift_checks", other_shop) == []

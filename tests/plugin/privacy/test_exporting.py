"""customers/data_request: the merchant gets everything that names the person, for a limited time, and nobody else's."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from plugin import clock
from plugin.db import engine as db
from plugin.errors import NotFound
from plugin.privacy import completing, exporting, queries
from plugin.shops import queries as shops
from plugin.shops.models import Shop
from tests.plugin.people import pass_time
from tests.plugin.privacy.canaries import Canary
from tests.plugin.privacy.test_erasing import ADA, live, redact, told
from tests.plugin.sync.deliveries import one, rows

STRANGER = Canary("zqstranger", 7900)


def asked(owner: Engine, shop: Shop, **changed: Any) -> int:
    now = clock.machine_now().isoformat()
    told(owner, shop, ("customers/data_request", ADA.compliance("customers/data_request", **changed)), at=now)
    completing.complete(shop.id)
    return int(rows(owner, "privacy_requests", shop)[-1]["id"])


def export(shop: Shop, request_id: int) -> str:
    with db.transaction(shop.id) as session:
        return exporting.fetch(session, shops.shop(session), request_id, "staff:1")


def test_the_export_holds_everything_that_names_the_person(database: Engine, shop: Shop, other_shop: Shop) -> None:
    live(database, shop)
    live(database, shop, STRANGER)
    live(database, other_shop)
    request_id = asked(database, shop)
    request = one(database, "privacy_requests", shop)
    assert request["state"] == "ready" and b"zqcanary" not in request["export"]
    made = export(shop, request_id)
    data = json.loads(made)["data"]
    planted = {"mail@", "first", "last", "street 7", "city", "zip", "note", "tag", "parcel", "friend", "'s birthday"}
    assert {word for word in planted if f"{ADA.mark}{word}".lower() in made.replace(".mail@", "mail@")} == planted
    assert {"customers", "orders", "order_lines", "fulfillments", "checkouts", "messages", "consents"} <= data.keys()
    assert {"subscriptions", "suppressions", "enrollments", "point_entries", "point_accounts"} <= data.keys()
    assert all(data[table] for table in ("customers", "orders", "messages", "subscriptions", "point_entries"))
    assert len([row for row in data["webhooks"] if ADA.email in json.dumps(row)]) >= 6
    assert STRANGER.mark not in made and str(STRANGER.id) not in made
    assert request["counts"] == {table: len(found) for table, found in data.items() if found}


def test_the_first_download_completes_the_request_and_a_week_later_the_export_is_gone(
    database: Engine, shop: Shop, story_clock: None
) -> None:
    live(database, shop)
    request_id = asked(database, shop)
    export(shop, request_id)
    request = one(database, "privacy_requests", shop)
    assert request["state"] == "done" and request["completed_at"] and request["contact"] is None
    assert export(shop, request_id)
    assert {"privacy.export"} == {row["action"] for row in rows(database, "audit_log", shop)} & {"privacy.export"}
    pass_time(days=8)
    with pytest.raises(NotFound):
        export(shop, request_id)
    completing.complete_due()
    assert one(database, "privacy_requests", shop)["export"] is None


def test_an_export_nobody_fetched_is_missed_and_warned_about_before(
    database: Engine, shop: Shop, story_clock: None
) -> None:
    live(database, shop)
    asked(database, shop)
    urgencies = []
    for days in (19, 2, 8, 3):
        pass_time(days=days)
        with db.transaction(shop.id) as session:
            [request] = queries.open_requests(session, shop.id)
            urgencies.append(queries.urgency(request, clock.now(session)))
    completing.complete_due()
    assert urgencies == ["", "soon", "late", "late"]
    with db.transaction(shop.id) as session:
        assert queries.unfinished_by_urgency(session, shop.id, clock.now(session)) == {"late": 1}
    request = one(database, "privacy_requests", shop)
    assert (request["state"], request["export"], request["contact"]) == ("missed", None, None)


def test_who_is_erased_takes_their_exports_along(database: Engine, shop: Shop) -> None:
    live(database, shop)
    request_id = asked(database, shop)
    redact(database, shop)
    with pytest.raises(NotFound):
        export(shop, request_id)
    first, second = rows(database, "privacy_requests", shop)
    assert (first["state"], first["contact"], second["state"]) == ("erased", None, "done")


def test_a_request_by_address_alone_finds_what_a_guest_left(database: Engine, shop: Shop) -> None:
    told(database, shop, ("orders/create", ADA.order(guest=True)), ("customers/create", STRANGER.customer()))
    request_id = asked(database, shop, customer={"email": ADA.email}, orders_requested=[])
    data = json.loads(export(shop, request_id))["data"]
    assert [order["id"] for order in data["orders"]] == [ADA.order_id] and data["customers"] == []


def test_another_shop_cannot_fetch_it(database: Engine, shop: Shop, other_shop: Shop) -> None:
    live(database, shop)
    request_id = asked(database, shop)
    with pytest.raises(NotFound):
        export(other_shop, request_id)


def test_what_is_due_is_reckoned_from_the_day_it_came(database: Engine, shop: Shop) -> None:
    live(database, shop)
    asked(database, shop)
    request = one(database, "privacy_requests", shop)
    assert request["due_at"] - request["received_at"] == timedelta(days=30)

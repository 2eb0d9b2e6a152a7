"""Privacy in the panel: what was asked, by when, what was done, and the export in the hands of who may have it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from babel.dates import format_date
from flask.testing import FlaskClient
from sqlalchemy import Engine, text, update

from plugin import clock
from plugin.db import engine as db
from plugin.privacy import completing, exporting
from plugin.privacy import operations as privacy
from plugin.privacy.models import PrivacyRequest
from plugin.shops.models import Shop
from tests.admin_ui.conftest import Person
from tests.admin_ui.tokens import bearer

ASKED = {"customer": {"id": 191167, "email": "ada@example.com"}, "data_request": {"id": 1}}
REDACT = {"customer": {"id": 191168, "email": "bob@example.com"}, "orders_to_redact": []}
ADA = {"first_name": "Ada", "tags": ["regular"], "phone": None, "spent_minor": 4250, "spent_currency": "EUR"}
MADE = {"data": {"customers": [ADA | {"created_at": "2026-11-20T12:00:00+00:00"}], "orders": []}}


def ask(shop: Shop, kind: str = "customers/data_request", body: Any = ASKED, days: int = 1, **columns: Any) -> int:
    with db.transaction(shop.id) as session:
        privacy.record_request(session, shop, kind, body, clock.now(session) - timedelta(days=days))
        mine = update(PrivacyRequest).where(PrivacyRequest.shop_id == shop.id, PrivacyRequest.state == "open")
        if columns:
            session.execute(mine.values(columns))
        return int(session.execute(text("SELECT max(id) FROM privacy_requests")).scalar_one())


def ready(shop: Shop, days: int = 1) -> int:
    until = clock.machine_now() + timedelta(days=20)
    kept = exporting.sealed(shop.id, json.dumps(MADE))
    return ask(shop, days=days, state="ready", export=kept, export_until=until, counts={"customers": 1})


def day_in(shop: Shop, days: int) -> str:
    due = clock.machine_now() + timedelta(days=days)
    return format_date(due.astimezone(ZoneInfo(shop.timezone)).date(), "medium", locale="en")


def test_nobody_has_asked_yet(person: Person) -> None:
    assert "Nobody has asked yet" in person.open("/privacy")


def test_home_says_that_somebody_asked(person: Person, shop: Shop, other_shop: Shop) -> None:
    ready(other_shop)
    assert "asked for their data" not in person.open("/")
    ready(shop)
    page = person.open("/")
    due = day_in(shop, 29)
    assert "1 customer asked for their data" in page and f"by {due} at the latest" in page


def test_home_presses_when_the_day_comes_near(person: Person, shop: Shop) -> None:
    ready(shop, days=19)
    assert "banner-critical" not in person.open("/")
    with db.transaction(shop.id) as session:
        received_at = clock.now(session) - timedelta(days=21)
        session.execute(update(PrivacyRequest).values(received_at=received_at, due_at=received_at + timedelta(days=30)))
    page = person.open("/")
    assert "banner-critical" in page and f"by {day_in(shop, 9)} at the latest" in page


def test_an_export_is_read_and_downloaded_and_the_first_time_completes_it(
    person: Person, client: FlaskClient, shop: Shop, other_shop: Shop, database: Engine
) -> None:
    request_id = ready(shop)
    ready(other_shop)
    listed = person.open("/privacy")
    assert "1 request" in listed and "Ready to download" in listed and "1 export is ready for you" in listed
    read = person.open(f"/privacy/{request_id}")
    assert "Ada" in read and "first name" in read and "phone" not in read
    assert "€42.50" in read and "Nov 20, 2026, 1:00" in read
    file = client.get(f"/privacy/{request_id}/export.json", headers=bearer())
    assert file.get_json() == MADE and file.headers["Content-Disposition"].startswith("attachment")
    assert file.headers["Cache-Control"] == "no-store"
    assert "Done" in person.open("/privacy")
    with database.connect() as connection:
        actors = connection.execute(text("SELECT DISTINCT actor FROM audit_log WHERE action = 'privacy.export'"))
        assert [actor[:6] for actor in actors.scalars()] == ["staff:"]


@pytest.mark.parametrize("path", ["/privacy", "/privacy/1", "/privacy/1/export.json"])
def test_only_who_is_signed_in_gets_anything(client: FlaskClient, shop: Shop, path: str) -> None:
    ready(shop)
    answer = client.get(path, headers={"HX-Request": "true"})
    assert answer.status_code == 401 and "Ada" not in answer.text


def test_an_erasure_says_what_was_emptied_and_nobody_s_name(person: Person, shop: Shop) -> None:
    import app

    app._wire()
    ask(shop, "customers/redact", REDACT)
    assert "Waiting" in person.open("/privacy")
    completing.complete(shop.id)
    listed = person.open("/privacy")
    assert "Customer 191168" in listed and "Done" in listed and "Proof (SHA-256)" in listed
    assert "1 record was emptied" in listed and "bob@example.com" not in listed


@pytest.mark.parametrize(
    ("days", "word"), [(19, "export is ready"), (21, "Due soon"), (29, "Late")], ids=["in time", "soon", "late"]
)
def test_what_is_late_stands_out(person: Person, shop: Shop, days: int, word: str) -> None:
    ready(shop, days=days)
    assert word in person.open("/privacy")


def test_the_list_can_be_narrowed_to_what_is_not_finished(person: Person, shop: Shop) -> None:
    ask(shop, "customers/redact", REDACT, state="done", completed_at=clock.machine_now())
    assert "No request waits to be finished" in person.open("/privacy?state=unfinished")
    ready(shop)
    narrowed = person.open("/privacy?state=unfinished")
    assert "1 request" in narrowed and "Customer 191167" in narrowed and "Customer 191168" not in narrowed


def test_pages_follow_one_another(person: Person, shop: Shop) -> None:
    for number in range(30):
        ask(shop, body=ASKED | {"customer": {"id": 500 + number}, "data_request": {"id": number + 1}})
    listed = person.open("/privacy")
    assert "30 requests" in listed and "Customer 529" in listed and "Customer 500" not in listed
    older = next(part for part in listed.split('href="') if part.startswith("/privacy?after=")).split('"')[0]
    assert "Customer 500" in person.open(older)

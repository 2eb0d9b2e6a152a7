"""What came in, what failed and why, and how far the import is."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, insert, text

from plugin.shops.models import Shop
from plugin.sync.models import Inbox, SyncRun
from plugin.sync.overview import progress
from tests.admin_ui.conftest import Person


@pytest.fixture
def inbox(database: Engine, shop: Shop, other_shop: Shop) -> None:
    rows = [
        ("done-1", "orders/create", "done", None),
        ("new-1", "orders/create", "new", None),
        ("bad-1", "orders/updated", "failed", "`$.id` is no integer"),
        ("bad-2", "orders/paid", "quarantined", "The body names another store."),
    ]
    with database.begin() as connection:
        for tenant, mark in ((shop, ""), (other_shop, "stranger-")):
            for key, topic, state, error in rows:
                values = {"webhook_id": mark + key, "topic": mark + topic, "state": state, "error": error}
                connection.execute(insert(Inbox).values(shop_id=tenant.id, attempts=4, body=b"{}", **values))


def test_every_failure_stands_there_with_its_reason(person: Person, inbox: None) -> None:
    page = person.open("/sync")
    assert "2 webhooks could not be applied" in page
    assert "is no integer" in page and "names another store" in page
    assert "stranger" not in page


def states(database: Engine) -> dict[str, str]:
    with database.connect() as connection:
        return dict(connection.execute(text("SELECT webhook_id, state FROM inbox")).tuples().all())


def test_one_failure_is_tried_again(person: Person, inbox: None, database: Engine) -> None:
    ids = re.findall(r'name="id" value="(\d+)"', person.open("/sync"))
    person.save("/sync/retry", id=ids[-1])
    assert states(database)["bad-1"] == "new" and states(database)["bad-2"] == "quarantined"


def test_all_failures_are_tried_again_and_no_stranger_s(person: Person, inbox: None, database: Engine) -> None:
    page = person.save("/sync/retry")
    assert "could not be applied" not in page
    now = states(database)
    assert (now["bad-1"], now["bad-2"], now["done-1"]) == ("new", "new", "done")
    assert (now["stranger-bad-1"], now["stranger-bad-2"]) == ("failed", "quarantined")


def test_the_import_shows_its_progress_until_it_is_done(person: Person, database: Engine, shop: Shop) -> None:
    begun = datetime.now(UTC) - timedelta(seconds=10)
    with database.begin() as connection:
        run = {"kind": "backfill", "object": "orders", "state": "running", "rows_total": 4000, "rows_done": 1000}
        connection.execute(insert(SyncRun).values(shop_id=shop.id, started_at=begun, **run))
    page = person.open("/sync/imports")
    assert 'value="0.2500"' in page and "1,000 of 4,000" in page and 'hx-trigger="every 2s"' in page
    with database.begin() as connection:
        connection.execute(text("UPDATE sync_runs SET state = 'done', finished_at = clock_timestamp()"))
    assert "every 2s" not in person.open("/sync/imports")


def test_time_left_follows_from_the_rate() -> None:
    now = datetime(2026, 11, 21, tzinfo=UTC)
    run = SyncRun(state="running", rows_total=400, rows_done=100, started_at=now - timedelta(seconds=50))
    told = progress(run, now)
    assert (told.share, told.rate, told.left) == (0.25, 2.0, timedelta(seconds=150))
    waiting = progress(SyncRun(state="waiting", rows_total=None, rows_done=0, started_at=None), now)
    assert (waiting.share, waiting.left) == (None, None)


PASSING = ("queued", "unreachable", "broken", "broke_off", "expired", "fault")
FINAL = ("unreachable", "broken", "broke_off", "expired", "fault", "denied", "refused", "locked_out")


def add_run(database: Engine, shop: Shop, **columns: object) -> None:
    with database.begin() as connection:
        connection.execute(insert(SyncRun).values(shop_id=shop.id, kind="backfill", object="orders", **columns))


def said(person: Person) -> str:
    """The one sentence that stands below the bar."""
    [sentence] = re.findall(r'(?:role="status"|class="small")>([^<]+)<', person.open("/sync/imports"))
    return html.unescape(sentence)


def test_every_trouble_of_an_import_is_said_in_a_sentence_of_its_own(
    person: Person, database: Engine, shop: Shop
) -> None:
    sentences = set()
    for trouble, state in [*((each, "waiting") for each in PASSING), *((each, "failed") for each in FINAL)]:
        detail = {"scopes": ["read_orders"], "said": "Invalid query"}
        add_run(database, shop, state=state, trouble=trouble, tries=3, detail=detail)
        sentences.add(said(person))
        assert ("/sync/imports/retry" in person.open("/sync/imports")) == (state == "failed")
    assert len(sentences) == len(PASSING) + len(FINAL)
    assert any("read_orders" in sentence for sentence in sentences)


def test_what_could_not_be_read_is_counted_and_shown(person: Person, database: Engine, shop: Shop) -> None:
    add_run(database, shop, state="done", rows_done=5, detail={"skipped": 2, "reason": "`$.id` is missing"})
    page = person.open("/sync/imports")
    assert "2 rows could not be read" in page and "is missing" in page


def test_an_import_is_retried_by_the_shop_it_belongs_to_alone(
    person: Person, database: Engine, shop: Shop, other_shop: Shop
) -> None:
    add_run(database, other_shop, state="cancelled", trouble="cancelled")
    add_run(database, shop, state="cancelled", trouble="cancelled")
    person.open("/sync")
    person.save("/sync/imports/retry", id=2)
    with database.connect() as connection:
        states = connection.execute(text("SELECT state FROM sync_runs ORDER BY id")).scalars().all()
    assert states == ["cancelled", "waiting"]


def test_what_the_store_has_read_and_the_pause_are_told() -> None:
    now = datetime(2026, 11, 21, tzinfo=UTC)
    later = now + timedelta(minutes=5)
    run = SyncRun(state="waiting", trouble="broke_off", next_attempt_at=later, rows_done=0, paced_rows=0)
    assert progress(run, now).pause == timedelta(minutes=5)
    paced = SyncRun(
        state="running", rows_total=400, rows_done=300, paced_at=now - timedelta(seconds=50), paced_rows=200
    )
    paced.started_at = now - timedelta(hours=1)
    assert (progress(paced, now).rate, progress(paced, now).left) == (2.0, timedelta(seconds=50))

"""Alive, ready, and the figures: who is answered what."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import Engine, text

from plugin.config import ROOT
from plugin.db import engine as db
from plugin.db import pulses
from plugin.db.policies import APP, OWNER, SWEEP
from plugin.effects import operations as effects
from plugin.local.ports import free_port
from plugin.shops.models import Shop
from plugin.watching import metrics, readiness
from plugin.watching.views import watching
from tests.conftest import forget_settings
from tests.plugin.sync.deliveries import deliver

NOBODY = "Zebra Finch"


@pytest.fixture
def client(database: Engine) -> FlaskClient:
    app = Flask(__name__)
    app.register_blueprint(watching)
    return app.test_client()


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    yield monkeypatch
    monkeypatch.undo()
    forget_settings()


def test_health_is_the_process_alone(client: FlaskClient) -> None:
    assert client.get("/healthz").get_json() == {"status": "ok"}


def test_a_migrated_database_is_ready(client: FlaskClient) -> None:
    answer = client.get("/readyz")
    parts = {"ready": True, "database": "ok", "schema": "ok", "redis": "ok"}
    assert (answer.status_code, answer.get_json()) == (200, parts)


def test_without_redis_it_is_ready_and_says_so(client: FlaskClient, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("REDIS_URL", f"redis://127.0.0.1:{free_port()}/0")
    forget_settings()
    answer = client.get("/readyz")
    assert answer.status_code == 200 and answer.get_json()["redis"] == "away"


def test_without_a_database_it_is_not(client: FlaskClient, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("DATABASE_URL", f"postgresql://regulars_app:x@127.0.0.1:{free_port()}/regulars")
    forget_settings()
    answer = client.get("/readyz")
    assert (answer.status_code, answer.get_json()["database"]) == (503, "away")
    assert client.get("/healthz").status_code == 200


def test_an_older_schema_is_not_ready_and_a_newer_one_is(client: FlaskClient, database: Engine) -> None:
    head = readiness.revisions()[1]
    for revision, status in (("0001", 503), ("9999", 200)):
        with database.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = :is"), {"is": revision})
        try:
            assert client.get("/readyz").status_code == status
        finally:
            with database.begin() as connection:
                connection.execute(text("UPDATE alembic_version SET version_num = :is"), {"is": head})


def figures(client: FlaskClient, **headers: str) -> dict[tuple[str, ...], float]:
    """(name, label values…) → value, read as Prometheus reads it."""
    metrics._kept = metrics._Kept()
    answer = client.get("/metrics", headers=headers, base_url="http://127.0.0.1:8800")
    assert answer.status_code == 200, answer.status_code
    families = text_string_to_metric_families(answer.text)
    return {(s.name, *s.labels.values()): s.value for family in families for s in family.samples}


def test_the_figures_say_what_waits_and_what_is_stuck(
    client: FlaskClient, database: Engine, shop: Shop, other_shop: Shop
) -> None:
    for tenant in (shop, other_shop):
        deliver(database, tenant, "orders/create", {"id": 1, "name": NOBODY})
    with database.begin() as connection:
        connection.execute(text("UPDATE inbox SET received_at = clock_timestamp() - interval '90 seconds'"))
    failed = deliver(database, shop, "orders/create", b"{}")
    later = deliver(database, shop, "orders/create", b"[]")
    with db.transaction(shop.id) as session:
        effects.record(session, shop.id, "telepathy", "one", {})
        session.execute(text("UPDATE inbox SET state = 'failed' WHERE webhook_id = :id"), {"id": failed})
        session.execute(
            text("UPDATE inbox SET next_attempt_at = clock_timestamp() + interval '1 h' WHERE webhook_id = :id"),
            {"id": later},
        )
    told = figures(client)
    assert told["regulars_inbox_rows", "waiting"] == 2 and told["regulars_inbox_rows", "failed"] == 1
    assert told["regulars_inbox_rows", "postponed"] == 1 and told["regulars_inbox_rows", "quarantined"] == 0
    assert 90 <= told["regulars_inbox_age_seconds",] < 120
    assert told["regulars_effects", "telepathy", "pending"] == 1
    assert told["regulars_shops",] == 2 and told["regulars_redis_up",] == 1


def test_what_belongs_to_a_shop_is_gathered_without_its_name(client: FlaskClient, database: Engine, shop: Shop) -> None:
    due = datetime.now(UTC) + timedelta(days=3)
    with db.transaction(shop.id) as session:
        session.execute(
            text(
                "INSERT INTO privacy_requests (shop_id, key, kind, received_at, due_at)"
                " VALUES (:shop, 'k', 'customers/redact', :due, :due)"
            ),
            {"shop": shop.id, "due": due},
        )
        session.execute(
            text(
                "INSERT INTO drift_checks (shop_id, object, reach, state, compared, differed, healed, finished_at)"
                " VALUES (:shop, 'orders', 'all', 'done', 12431, 3, 3, :due)"
            ),
            {"shop": shop.id, "due": due},
        )
        session.execute(
            text(
                "INSERT INTO breakers (shop_id, destination, open_until)"
                " VALUES (:shop, 'admin_api', clock_timestamp() + interval '1 h')"
            ),
            {"shop": shop.id},
        )
    told = figures(client)
    assert told["regulars_privacy_requests",] == 1
    assert told["regulars_drift_compared", "orders", str(shop.id)] == 12431
    assert (
        told["regulars_drift_differed", "orders", str(shop.id)]
        == told["regulars_drift_healed", "orders", str(shop.id)]
        == 3
    )
    assert told["regulars_breakers_open", "admin_api"] == 1
    assert told["regulars_privacy_due_timestamp_seconds",] == pytest.approx(due.timestamp(), abs=1)
    answer = client.get("/metrics", base_url="http://127.0.0.1:8800").text
    assert shop.domain not in answer and "vec-shop" not in answer and "@" not in answer


def test_workers_and_beat_show_how_long_ago_they_did_something(client: FlaskClient, database: Engine) -> None:
    assert not [name for name in figures(client) if name[0] == "regulars_beat_age_seconds"]
    with database.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO pulses (name, at, drained, budgets)"
                " VALUES ('worker:a:7', clock_timestamp() - interval '2 min', 31, '{\"5\": [100, 2000, 100, 0]}')"
            )
        )
    pulses.beat()
    told = figures(client)
    assert told["regulars_beat_age_seconds",] < 5
    assert 120 <= told["regulars_worker_age_seconds", "a:7"] < 130
    assert told["regulars_drained_total", "a:7"] == 31
    assert told["regulars_api_points", "5"] == told["regulars_api_points_most", "5"] == 2000, "it has filled up since"


def test_the_operators_page_names_figures_that_exist(client: FlaskClient, database: Engine, shop: Shop) -> None:
    told = client.get("/metrics", base_url="http://127.0.0.1:8800").text
    there = set(re.findall(r"^# TYPE (regulars_\w+)", told, re.MULTILINE))
    page = (ROOT / "docs" / "operations.md").read_text().partition("## Watching")[2]
    named = set(re.findall(r"\bregulars_\w+", page)) - {APP, OWNER, SWEEP}
    assert len(named) > 10 and named - there == set()


@pytest.mark.parametrize(
    ("address", "host", "headers", "status"),
    [
        ("127.0.0.1", "127.0.0.1:8800", {}, 200),
        ("::1", "[::1]:8800", {}, 200),
        ("127.0.0.1", "localhost", {}, 200),
        ("10.0.0.7", "127.0.0.1:8800", {}, 404),
        ("127.0.0.1", "regulars.example", {}, 404),
        ("127.0.0.1", "127.0.0.1:8800", {"X-Forwarded-For": "10.0.0.7"}, 404),
        ("127.0.0.1", "127.0.0.1:8800", {"Forwarded": "for=10.0.0.7"}, 404),
    ],
)
def test_without_a_token_only_the_machine_itself_reads_the_figures(
    client: FlaskClient, address: str, host: str, headers: dict[str, str], status: int
) -> None:
    where = {"REMOTE_ADDR": address}
    asked = client.get("/metrics", headers=headers, base_url=f"http://{host}", environ_overrides=where)
    assert asked.status_code == status


def test_with_a_token_nobody_reads_them_without_it(client: FlaskClient, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("METRICS_TOKEN", "a-long-random-word")
    forget_settings()
    given = {None: 404, "": 404, "Bearer ": 404, "Bearer a-long-random-wor": 404, "a-long-random-word": 404}
    for said, status in ({**given, "Bearer é": 404, "Bearer a-long-random-word": 200}).items():
        headers = {} if said is None else {"Authorization": said}
        asked = client.get("/metrics", headers=headers, environ_overrides={"REMOTE_ADDR": "127.0.0.1"})
        assert asked.status_code == status, said

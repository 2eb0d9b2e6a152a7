"""The parts fit together: the doors answer, and every scheduled bell has somebody who hears it."""

from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import Engine, text

import app
from plugin.config import config
from plugin.db.engine import engine
from plugin.errors import Refused
from plugin.jobs.schedule import BEAT
from tests.conftest import forget_settings


@pytest.fixture
def web(database: Engine) -> Flask:
    return app.create_app()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/healthz", 200),
        ("POST", "/webhooks", 401),
        ("GET", "/webhooks", 405),
        ("GET", "/proxy/loyalty", 401),
        ("GET", "/customers", 401),
        ("POST", "/_sandbox/clock", 404),
        ("GET", "/static/panel/vendor/htmx.js", 200),
    ],
)
def test_every_door_answers_a_stranger_as_it_should(web: Flask, method: str, path: str, status: int) -> None:
    assert web.test_client().open(path, method=method).status_code == status


def test_every_scheduled_task_has_a_worker(database: Engine) -> None:
    celery = app.make_celery()
    celery.loader.import_default_modules()
    assert {entry["task"] for entry in BEAT.values()} <= set(celery.tasks)


@pytest.fixture
def as_owner(database: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("DATABASE_URL", str(database.url.set(drivername="postgresql").render_as_string(False)))
        forget_settings()
        yield
    forget_settings()


def test_the_web_app_does_not_start_as_the_owner(as_owner: None) -> None:
    with engine().connect() as connection:
        assert connection.execute(text("SELECT current_user")).scalar_one() == "regulars_owner"
    assert not config().sandbox
    with pytest.raises(Refused, match="owns the tables"):
        app.create_app()


def test_an_attribute_nobody_makes_is_missing() -> None:
    with pytest.raises(AttributeError, match="asgi"):
        _ = app.asgi

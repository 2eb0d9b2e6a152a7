"""The clock's door is shut outside the sandbox and to whoever cannot sign."""

import base64
import hmac
import json
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, text

from plugin.config import config
from plugin.jobs.celery import make_celery
from plugin.local import views
from tests.conftest import SECRET, forget_settings


@pytest.fixture
def sandbox(database: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("REGULARS_SANDBOX", "1")
    forget_settings()
    make_celery().set_default()
    yield
    monkeypatch.undo()
    forget_settings()


@pytest.fixture
def client(database: Engine) -> FlaskClient:
    app = Flask(__name__)
    app.register_blueprint(views.local)
    return app.test_client()


def move(client: FlaskClient, body: object, secret: str = SECRET) -> int:
    raw = json.dumps(body).encode()
    signature = base64.b64encode(hmac.digest(secret.encode(), raw, "sha256")).decode()
    return client.post("/_sandbox/clock", data=raw, headers={"X-Sandbox-Hmac": signature}).status_code


def offset(database: Engine) -> int:
    with database.connect() as connection:
        return int(connection.execute(text("SELECT offset_seconds FROM clock")).scalar_one())


def test_a_signed_move_moves_business_time(sandbox: None, client: FlaskClient, database: Engine) -> None:
    assert move(client, {"offset_seconds": 3600}) == 204
    assert offset(database) == 3600


def test_the_same_move_twice_is_once(sandbox: None, client: FlaskClient, database: Engine) -> None:
    assert [move(client, {"offset_seconds": 3600}) for _ in range(2)] == [204, 204]
    assert offset(database) == 3600


def test_whoever_cannot_sign_does_not_move_it(sandbox: None, client: FlaskClient, database: Engine) -> None:
    assert move(client, {"offset_seconds": 3600}, secret="guessed") == 401
    assert client.post("/_sandbox/clock", data=b"{}").status_code == 401
    assert offset(database) == 0


@pytest.mark.parametrize("body", [{}, [], "soon", {"offset_seconds": "3600"}, {"offset_seconds": None}])
def test_a_body_that_says_nothing_is_400(sandbox: None, client: FlaskClient, body: object) -> None:
    assert move(client, body) == 400


def test_outside_the_sandbox_there_is_no_such_door(client: FlaskClient) -> None:
    assert not config().sandbox
    assert move(client, {"offset_seconds": 3600}) == 404

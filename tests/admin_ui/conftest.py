"""A panel over real PostgreSQL, and a person with a signed session who uses it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from admin_ui.pages import make_panel
from admin_ui.panel import register
from admin_ui.sessions import BadToken
from plugin.shops.models import Shop
from tests.admin_ui.tokens import bearer
from tests.conftest import forget_settings


@pytest.fixture
def app(database: Engine, shop: Shop) -> Flask:
    """The panel alone; shops are found in the database, and one that is gone cannot be opened with an old token."""

    def open_shop(domain: str, id_token: str) -> Shop:
        with Session(database) as session:
            found = session.scalar(select(Shop).where(Shop.domain == domain, Shop.uninstalled_at.is_(None)))
        if found is None:
            raise BadToken("The store refused the exchange.")
        return found

    app = Flask("panel", static_folder=None)
    app.testing = True
    register(app, make_panel(), open_shop)
    return app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def sandbox(services: None) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REGULARS_SANDBOX", "1")
        forget_settings()
        yield
    forget_settings()


class Person:
    """A staff member in the panel: opens pages, fills in forms, follows where the answer leads."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client

    def open(self, path: str) -> str:
        response = self.client.get(path, headers={**bearer(), "HX-Request": "true"})
        assert response.status_code == 200, (path, response.status_code, response.headers.get("HX-Trigger"))
        return response.text

    def send(self, path: str, **fields: object) -> TestResponse:
        return self.client.post(path, data=fields, headers={**bearer(), "HX-Request": "true"})

    def save(self, path: str, **fields: object) -> str:
        """Send a form that must succeed and return the page it leads to."""
        response = self.send(path, **fields)
        assert response.status_code == 200, response.text[-3000:]
        assert "HX-Location" in response.headers, response.text[-3000:]
        return self.open(json.loads(response.headers["HX-Location"])["path"])


@pytest.fixture
def person(client: FlaskClient) -> Person:
    return Person(client)

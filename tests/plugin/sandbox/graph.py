"""Asking the store's Admin API in tests."""

from __future__ import annotations

from typing import Any

from flask.testing import FlaskClient

from plugin.sandbox.runtime import Sandbox
from plugin.sandbox.wire import grants
from tests.plugin.sandbox.conftest import install


class Admin:
    """An app with a good token."""

    def __init__(self, client: FlaskClient, store: Sandbox, *scopes: str) -> None:
        install(store, *scopes)
        self.client = client
        self.token = str(grants.exchange(store.world).id)

    def ask(self, query: str, /, **variables: Any) -> dict[str, Any]:
        """The whole answer."""
        answer = self.client.post(
            "/admin/api/2026-10/graphql.json",
            json={"query": query, "variables": variables},
            headers={"X-Shopify-Access-Token": self.token},
        )
        assert answer.status_code == 200, answer.get_data(as_text=True)
        body: dict[str, Any] = answer.get_json()
        return body

    def data(self, query: str, /, **variables: Any) -> Any:
        """The data of an answer without errors."""
        body = self.ask(query, **variables)
        assert "errors" not in body, body["errors"]
        return body["data"]

    def error(self, query: str, /, **variables: Any) -> dict[str, Any]:
        """The first error."""
        body = self.ask(query, **variables)
        first: dict[str, Any] = body["errors"][0]
        return first

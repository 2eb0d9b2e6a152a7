"""The receiver in front of nothing."""

from __future__ import annotations

from typing import Any

import pytest

from webhooks.receiver import Webhooks


def nothing(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("404 Not Found", [])
    return [b""]


@pytest.fixture(scope="session")
def receiver(services: None) -> Webhooks:
    """One a run: its writer thread lives as long as the process."""
    return Webhooks(nothing)


@pytest.fixture(autouse=True)
def forget_shops(request: pytest.FixtureRequest) -> None:
    """Each test makes its shops anew, under new ids."""
    if "receiver" in request.fixturenames:
        writer = getattr(request.getfixturevalue("receiver"), "_writer", None)
        if writer:
            writer._shops.clear()

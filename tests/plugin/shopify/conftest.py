from __future__ import annotations

from collections.abc import Iterator

import pytest

from plugin.shopify import client
from tests.fake_store import FakeStore, fake_store


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeStore]:
    client._buckets.clear()
    with fake_store(monkeypatch) as store:
        yield store
    client._buckets.clear()

"""Business time that tests can move."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from plugin.config import config


@pytest.fixture
def story_clock(database: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Lets `pass_time` move business time, as the sandbox does; the clock stands right again afterwards."""
    monkeypatch.setenv("REGULARS_SANDBOX", "1")
    config.cache_clear()
    yield
    monkeypatch.delenv("REGULARS_SANDBOX")
    config.cache_clear()

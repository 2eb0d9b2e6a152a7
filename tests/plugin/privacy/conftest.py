"""The product wired as a worker is, so that requests are worked off as they are in life."""

from __future__ import annotations

import pytest

import app
from tests.plugin.clocks import story_clock as story_clock
from tests.plugin.mailbox import sink as sink


@pytest.fixture(autouse=True)
def wired(services: None) -> None:
    app._wire()

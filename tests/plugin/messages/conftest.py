"""A mail server that listens, and a clock that can be moved."""

from __future__ import annotations

from tests.plugin.clocks import story_clock as story_clock
from tests.plugin.mailbox import sink as sink

"""A mail server that listens."""

from __future__ import annotations

from tests.plugin.mailbox import sink as sink

"""How a worker shows that it lives (plugin/db/pulses.py says what counts)."""

from __future__ import annotations

from plugin.db import pulses
from plugin.jobs.doorbell import ring


def show() -> None:
    """Have somebody's pool show that it hears; where nobody can be rung, the sweep that calls this is what works."""
    if not ring("watching.pulse"):
        pulses.sign(at_once=True)

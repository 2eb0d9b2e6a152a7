"""The proof of what was done: one digest over who it was about (ids alone), when, and how many rows of each table."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any


def manifest(told: Mapping[str, Any]) -> bytes:
    """SHA-256 over the facts as JSON with sorted keys: whoever has the facts can make it again."""
    return hashlib.sha256(json.dumps(told, sort_keys=True, separators=(",", ":"), default=str).encode()).digest()


def added(counts: Mapping[str, int], more: Mapping[str, int]) -> dict[str, int]:
    """Counts by table, summed; tables without any are left out."""
    total = {table: counts.get(table, 0) + more.get(table, 0) for table in {**counts, **more}}
    return {table: number for table, number in sorted(total.items()) if number}

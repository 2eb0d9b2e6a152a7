"""The real webhook bodies kept beside the project, when they are there: never copied into it."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from plugin.config import ROOT

FOLDER = Path(os.environ.get("REGULARS_SHARED_DATA", ROOT.parent / "shared" / "data"))


@dataclass(frozen=True)
class Sample:
    name: str
    topic: str
    body: bytes


def samples() -> list[Sample]:
    """Every body of webhooks/ and deliveries/, and what is malformed. Skips the test where the folder is not."""
    if not (FOLDER / "webhooks").is_dir():
        pytest.skip(f"there are no shared webhook bodies in {FOLDER}; REGULARS_SHARED_DATA names another folder")
    found = [Sample(str(path), topic_of(path), path.read_bytes()) for path in sorted(FOLDER.glob("webhooks/*/*.json"))]
    for path in sorted(FOLDER.glob("deliveries/*/*.json")):
        recorded = json.loads(path.read_text())
        body = recorded["body"]
        text = body if isinstance(body, str) else json.dumps(body)
        found.append(Sample(str(path), recorded.get("topic") or topic_of(path), text.encode()))
    malformed = sorted(FOLDER.glob("malformed/*"))
    return found + [Sample(str(path), "products/update", path.read_bytes()) for path in malformed]


def topic_of(path: Path) -> str:
    """The topic a folder is named after. A family without one ("orders__unspecified") is taken as its update."""
    family, _, event = path.parent.name.partition("__")
    if event == "unspecified":
        event = {"orders": "updated", "refunds": "create"}.get(family, "update")
    return f"{family}/{event}" if event else family

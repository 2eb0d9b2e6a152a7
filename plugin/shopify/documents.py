"""The operations we send: one `.graphql` file each in plugin/shopify/operations, named as the operation in it.

A test validates every file against the platform's official schema.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "operations"


@dataclass(frozen=True)
class Document:
    """One operation's text. What changes something is never sent twice on a guess."""

    name: str
    text: str
    is_mutation: bool


@cache
def document(name: str) -> Document:
    """The operation with this name. Raises KeyError when there is no such file."""
    path = FOLDER / f"{name}.graphql"
    if not path.is_file():
        raise KeyError(f"plugin/shopify/operations holds no {name}.graphql")
    text = path.read_text(encoding="utf-8")
    return Document(name, text, is_mutation=f"mutation {name}" in text)


def names() -> list[str]:
    """All operations, by name."""
    return sorted(path.stem for path in FOLDER.glob("*.graphql"))

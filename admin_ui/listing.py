"""What the URL of an index page says: search, filters, sort and place, and the links made from it.

Pages are by keyset: `after` and `before` hold the sort value and id of the row at the edge, so page 10,000 costs what
page 1 costs and rows that arrive meanwhile move nothing.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from plugin.errors import NotFound

PAGE_SIZE = 50


@dataclass(frozen=True)
class Listing:
    """One look at a list. `sort` is a column name, with a leading minus for descending."""

    path: str
    q: str = ""
    sort: str = ""
    filters: Mapping[str, str] = field(default_factory=dict)
    after: tuple[Any, ...] | None = None
    before: tuple[Any, ...] | None = None
    count_label: str = ""
    older: str | None = None
    newer: str | None = None

    @property
    def column(self) -> str:
        """The column sorted by, without its direction."""
        return self.sort.removeprefix("-")

    @property
    def descending(self) -> bool:
        """Whether the largest come first."""
        return self.sort.startswith("-")

    @property
    def narrowed(self) -> bool:
        """Whether a search or a filter is on."""
        return bool(self.q or any(self.filters.values()))

    def sorted(self, column: str) -> str:
        """The link of a column's heading: the other direction when it is sorted by already."""
        return self._link(sort=column if self.sort == f"-{column}" else f"-{column}")

    def without(self, name: str) -> str:
        """The link that drops one filter."""
        return self._link(**{name: ""})

    @property
    def export(self) -> str:
        """The link of the same list as a file."""
        return f"{self.path}/export.csv{self._link().removeprefix(self.path)}"

    def paged(self, edges: Edges, count_label: str) -> Listing:
        """The same look with its count and the links to the pages around it."""
        return Listing(
            self.path, self.q, self.sort, self.filters, self.after, self.before, count_label,
            older=self._link(after=encode(edges.last)) if edges.last else None,
            newer=self._link(before=encode(edges.first)) if edges.first else None,
        )  # fmt: skip

    def _link(self, **changes: str) -> str:
        said = {"q": self.q, **self.filters, "sort": self.sort, **changes}
        query = urlencode({name: value for name, value in said.items() if value})
        return f"{self.path}?{query}" if query else self.path


@dataclass(frozen=True)
class Edges:
    """Keys of the first and last row of a page, only where there is a page beyond them."""

    first: tuple[Any, ...] | None = None
    last: tuple[Any, ...] | None = None


def from_query(
    path: str, args: Mapping[str, str], columns: Sequence[str], default: str, filters: Sequence[str] = ()
) -> Listing:
    """Read a request's query; an unknown column falls back to the default sort, a broken place raises NotFound."""
    sort = args.get("sort", "")
    return Listing(
        path=path,
        q=args.get("q", "").strip()[:100],
        sort=sort if sort.removeprefix("-") in columns else default,
        filters={name: args.get(name, "")[:100] for name in filters},
        after=decode(args.get("after")),
        before=decode(args.get("before")),
    )


def encode(key: Sequence[Any]) -> str:
    """A keyset key as text that fits in a URL."""
    return base64.urlsafe_b64encode(json.dumps(list(key), separators=(",", ":")).encode()).decode().rstrip("=")


def decode(text: str | None) -> tuple[Any, ...] | None:
    """The key that `encode` wrote; raises NotFound for anything else."""
    if not text:
        return None
    try:
        key = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except ValueError as error:
        raise NotFound("This page of the list does not exist; start again from its first page.") from error
    if not isinstance(key, list) or len(key) != 2:
        raise NotFound("This page of the list does not exist; start again from its first page.")
    return tuple(key)

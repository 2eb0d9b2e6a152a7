"""Connections: keyset pages whose cursors hold the last value and id, so pages stay right while records change."""

import base64
import json
from collections.abc import Callable, Sequence
from typing import Any

from graphql import GraphQLError

from plugin.sandbox.admin_api.request import Api

Key = tuple[Any, ...]
MOST = 250


def connect(
    api: Api,
    rows: Sequence[Any],
    make: Callable[[Any], Any],
    *,
    key: Callable[[Any], Key] | None = None,
    first: int | None = None,
    last: int | None = None,
    after: str | None = None,
    before: str | None = None,
    reverse: bool = False,
) -> dict[str, Any]:
    """A connection over rows. `key` gives (sort value, id) and must be unique; by default it is the position."""
    if api.window is not None:
        return _drawn(_root_window(api, rows, key, reverse), make, has_next=False, has_previous=False)
    keyed = _sorted(rows, key, reverse)
    if api.bulk:
        return _drawn(keyed, make, has_next=False, has_previous=False)
    _check_size(first, last)
    low, high = _bounds(keyed, after, before, reverse)
    start = max(low, high - last) if last is not None else low
    end = min(high, low + first) if first is not None else high
    return _drawn(keyed[start:end], make, has_next=end < len(keyed), has_previous=start > 0)


def _sorted(rows: Sequence[Any], key: Callable[[Any], Key] | None, reverse: bool) -> list[tuple[Key, Any]]:
    if key is None:
        keyed: list[tuple[Key, Any]] = [((position,), row) for position, row in enumerate(rows)]
    else:
        keyed = [(key(row), row) for row in rows]
    return sorted(keyed, key=lambda pair: pair[0], reverse=reverse)


def _root_window(
    api: Api, rows: Sequence[Any], key: Callable[[Any], Key] | None, reverse: bool
) -> list[tuple[Key, Any]]:
    if api.root is None:
        api.root = _sorted(rows, key, reverse)
    window, api.window = api.window, None
    return api.root[window or slice(None)]


def _check_size(first: int | None, last: int | None) -> None:
    size = first if first is not None else last
    if size is None:
        raise GraphQLError("you must provide one of first or last", extensions={"code": "BAD_REQUEST"})
    if not 0 <= size <= MOST:
        raise GraphQLError(f"first or last must be from 0 to {MOST}", extensions={"code": "BAD_REQUEST"})


def _bounds(keyed: list[tuple[Key, Any]], after: str | None, before: str | None, reverse: bool) -> tuple[int, int]:
    low, high = 0, len(keyed)
    if after:
        cursor = _read(after)
        low = sum(1 for key, _ in keyed if _not_past(key, cursor, reverse))
    if before:
        cursor = _read(before)
        high = sum(1 for key, _ in keyed if key != cursor and _not_past(key, cursor, reverse))
    return low, max(low, high)


def _not_past(key: Key, cursor: Key, reverse: bool) -> bool:
    return key >= cursor if reverse else key <= cursor


def _drawn(
    keyed: list[tuple[Key, Any]], make: Callable[[Any], Any], *, has_next: bool, has_previous: bool
) -> dict[str, Any]:
    edges = [{"cursor": cursor_of(key), "node": make(row)} for key, row in keyed]
    return {
        "edges": edges,
        "nodes": [edge["node"] for edge in edges],
        "pageInfo": {
            "hasNextPage": has_next,
            "hasPreviousPage": has_previous,
            "startCursor": edges[0]["cursor"] if edges else None,
            "endCursor": edges[-1]["cursor"] if edges else None,
        },
    }


def cursor_of(key: Key) -> str:
    """An opaque cursor."""
    return base64.b64encode(json.dumps(key).encode()).decode()


def _read(cursor: str) -> Key:
    try:
        return tuple(json.loads(base64.b64decode(cursor, validate=True)))
    except ValueError as broken:
        raise GraphQLError(
            "Invalid cursor for current pagination sort.", extensions={"code": "BAD_REQUEST"}
        ) from broken

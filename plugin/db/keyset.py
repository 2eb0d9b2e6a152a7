"""Pages of a list by key instead of by number: page 10,000 costs what page 1 costs, and new rows move nothing.

The key of a row is (value of the sort column, id); lists are sorted by both, so the order is total. Both columns need
leakproof operators and an index that begins with the shop.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session

from plugin.errors import NotFound

Key = tuple[Any, ...]


@dataclass(frozen=True)
class Page:
    """One page of rows; `first` and `last` are keys only where another page lies beyond them."""

    rows: Sequence[Any]
    first: Key | None
    last: Key | None


@dataclass(frozen=True)
class Order:
    """How a list is sorted: by a column, then by id, both in one direction."""

    column: InstrumentedAttribute[Any]
    id: InstrumentedAttribute[int]
    descending: bool = True


def page(
    session: Session,
    statement: Select[Any],
    order: Order,
    *,
    after: Key | None = None,
    before: Key | None = None,
    size: int = 50,
) -> Page:
    """The rows after or before a key (both exclusive), in the list's order. The statement selects one entity first.

    Raises NotFound for a key that is none of this list's.
    """
    backwards = before is not None
    descending = order.descending != backwards
    if key := before or after:
        statement = statement.where(_beyond(order, key, descending))
    columns = [column.desc() if descending else column.asc() for column in (order.column, order.id)]
    rows = list(session.execute(statement.order_by(*columns).limit(size + 1)))
    more, rows = len(rows) > size, rows[:size]
    if backwards:
        rows.reverse()
    return Page(
        rows,
        first=_key(order, rows[0]) if rows and (more if backwards else after is not None) else None,
        last=_key(order, rows[-1]) if rows and (backwards or more) else None,
    )


def _beyond(order: Order, key: Key, descending: bool) -> ColumnElement[bool]:
    place = tuple_(order.column, order.id)
    edge = tuple_(_cast(order.column, key[0]), _cast(order.id, key[1]))
    return place < edge if descending else place > edge


def _cast(column: InstrumentedAttribute[Any], value: Any) -> Any:
    wanted = column.type.python_type
    if wanted is datetime and isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            value = None
    if type(value) is not wanted or (wanted is int and abs(value) >= 2**63):
        raise NotFound("This page of the list does not exist; start again from its first page.")
    return value


def _key(order: Order, row: Any) -> Key:
    value = getattr(row[0], order.column.key)
    return (value.isoformat() if isinstance(value, datetime) else value, getattr(row[0], order.id.key))

"""What every feature's part in exporting and erasing a person has in common: plain statements, rows, counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from plugin.shops.models import Shop
from plugin.shops.people import Person

Found = dict[str, list[dict[str, Any]]]  # table → rows
Counts = dict[str, int]  # table → how many rows


def read(session: Session, shop: Shop, person: Person, queries: Mapping[str, str], **values: Any) -> Found:
    """The rows of each query. Given are `:shop`, the person's lists (`:customer_ids`, `:emails`, …), and `values`."""
    named = {"shop": shop.id} | person.named() | values
    return {table: _rows(session, query, named) for table, query in queries.items()}


def change(session: Session, shop: Shop, person: Person, statements: Mapping[str, str], **values: Any) -> Counts:
    """How many rows each statement changed. Given are the same names as to `read`, and `values`."""
    named = {"shop": shop.id} | person.named() | values
    return {table: _changed(session, statement, named) for table, statement in statements.items()}


def _rows(session: Session, query: str, named: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [dict(row) for row in session.execute(text(query), dict(named)).mappings()]


def _changed(session: Session, statement: str, named: Mapping[str, Any]) -> int:
    result: Any = session.execute(text(statement), dict(named))
    return int(result.rowcount)

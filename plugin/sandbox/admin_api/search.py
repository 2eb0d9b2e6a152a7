"""The part of the search syntax that is played: terms joined by spaces or AND, each `field:value` with an optional
comparison (`:>=`, `:>`, `:<=`, `:<`), values bare or in quotes, and `-` or NOT before a term.

The real store ignores a field that it does not know and answers with everything; here that is an error, because a
synchronisation that silently reads everything is the mistake worth finding.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from graphql import GraphQLError

TERM = re.compile(r"""\s*(-|NOT\s+)?(\w+):(>=|<=|>|<)?('[^']*'|"[^"]*"|[^\s()]+)\s*(?:AND\s+)?""")
COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    ">=": lambda left, right: left >= right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    "<": lambda left, right: left < right,
}


@dataclass(frozen=True)
class Term:
    """One condition of a search."""

    field: str
    comparison: str
    value: str
    negated: bool


def parse(query: str) -> list[Term]:
    """The terms of a search; a GraphQL error for what is not played here."""
    terms, position = [], 0
    text = query.strip()
    while position < len(text):
        found = TERM.match(text, position)
        if not found:
            raise GraphQLError(f"Search syntax error near '{text[position : position + 40]}'", extensions=BAD)
        negated, field, comparison, value = found.groups()
        terms.append(Term(field, comparison or "", value.strip("'\""), bool(negated)))
        position = found.end()
    return terms


BAD = {"code": "BAD_REQUEST"}


def select(rows: list[Any], query: str | None, fields: Mapping[str, Callable[[Any], Any]]) -> list[Any]:
    """Rows for which every term holds; `fields` gives a row's value: a scalar, a moment, or a list (any counts)."""
    for term in parse(query or ""):
        if term.field not in fields:
            raise GraphQLError(f"Invalid search field '{term.field}'", extensions=BAD)
        value_of = fields[term.field]
        rows = [row for row in rows if _holds(value_of(row), term) is not term.negated]
    return rows


def _holds(value: Any, term: Term) -> bool:
    if isinstance(value, (list, tuple)):
        return any(_holds(item, term) for item in value)
    if value is None:
        return False
    if term.value == "*" and not term.comparison:
        return True
    wanted = _typed(term.value, value)
    if term.comparison:
        return COMPARE[term.comparison](value, wanted)
    if isinstance(value, str):
        return value.casefold() == str(wanted).casefold()
    return bool(value == wanted)


def _typed(text: str, like: Any) -> Any:
    try:
        if isinstance(like, bool):
            return {"true": True, "false": False}[text.lower()]
        if isinstance(like, int):
            return int(text.rpartition("/")[2])
        if isinstance(like, datetime):
            moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, KeyError) as broken:
        raise GraphQLError(f"Invalid search value '{text}'", extensions=BAD) from broken
    return text

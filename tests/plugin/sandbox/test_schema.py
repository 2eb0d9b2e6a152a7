"""The played schema is a part of the official one: what is asked here can be asked there."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    build_client_schema,
    is_required_argument,
    is_required_input_field,
    validate_schema,
)

from plugin.sandbox.admin_api.node import Node
from plugin.sandbox.admin_api.query import PARTS
from plugin.sandbox.admin_api.resolving import schema

ROOT = Path(__file__).parents[3]
OFFICIAL = ROOT / "admin_ui/node_modules/@shopify/dev-mcp/dist/data/admin_2026-10.json.gz"


@pytest.fixture(scope="module")
def official() -> GraphQLSchema:
    assert OFFICIAL.exists(), "the official schema is missing: run `make setup` (it installs the front-end packages)"
    data = json.loads(gzip.decompress(OFFICIAL.read_bytes()))
    # The official schema deprecates fields in ways that the library would refuse.
    return build_client_schema(data["data"], assume_valid=True)


def test_the_schema_is_valid() -> None:
    assert validate_schema(schema()) == []


def test_every_type_field_and_argument_exists_officially(official: GraphQLSchema) -> None:
    ours = schema()
    assert ours.query_type is not None
    assert official.query_type is not None
    assert ours.query_type.name == official.query_type.name
    strange = [problem for name in ours.type_map if not name.startswith("__") for problem in _problems(official, name)]
    assert strange == []


def _problems(official: GraphQLSchema, name: str) -> Iterator[str]:
    mine, theirs = schema().type_map[name], official.type_map.get(name)
    if type(mine) is not type(theirs):
        yield f"{name} is no {type(mine).__name__} officially"
    elif isinstance(mine, (GraphQLObjectType, GraphQLInterfaceType)):
        yield from _field_problems(name, mine, theirs)
    elif isinstance(mine, GraphQLInputObjectType):
        yield from _input_problems(name, mine, theirs)
    elif isinstance(mine, GraphQLEnumType):
        yield from (f"{name}.{value}" for value in mine.values if value not in theirs.values)  # type: ignore[union-attr]
    elif isinstance(mine, GraphQLUnionType):
        members = {member.name for member in theirs.types}  # type: ignore[union-attr]
        yield from (f"{name} has no {member.name}" for member in mine.types if member.name not in members)


def _field_problems(name: str, mine: Any, theirs: Any) -> Iterator[str]:
    interfaces = {one.name for one in theirs.interfaces}
    yield from (f"{name} implements {one.name}" for one in mine.interfaces if one.name not in interfaces)
    for field, definition in mine.fields.items():
        other = theirs.fields.get(field)
        if other is None or str(other.type) != str(definition.type):
            yield f"{name}.{field}: {definition.type}"
            continue
        for argument, given in definition.args.items():
            known = other.args.get(argument)
            if known is None or str(known.type) != str(given.type) or known.default_value != given.default_value:
                yield f"{name}.{field}({argument})"
        needed = {key for key, one in other.args.items() if is_required_argument(one)}
        yield from (f"{name}.{field} lacks {key}" for key in needed - definition.args.keys())


def _input_problems(name: str, mine: Any, theirs: Any) -> Iterator[str]:
    if mine.is_one_of != theirs.is_one_of:
        yield f"{name} oneOf"
    for field, definition in mine.fields.items():
        other = theirs.fields.get(field)
        if other is None or str(other.type) != str(definition.type):
            yield f"{name}.{field}: {definition.type}"
    needed = {key for key, one in theirs.fields.items() if is_required_input_field(one)}
    yield from (f"{name} lacks {key}" for key in needed - mine.fields.keys())


def test_nothing_deprecated_is_played(official: GraphQLSchema) -> None:
    old = [
        f"{name}.{field}"
        for name, mine in schema().type_map.items()
        if isinstance(mine, GraphQLObjectType) and not name.startswith("__")
        for field in mine.fields
        if official.type_map[name].fields[field].deprecation_reason  # type: ignore[attr-defined]
    ]
    assert old == []


def test_every_node_is_a_type_of_the_schema() -> None:
    assert PARTS
    assert [name for name in Node.kinds if name and name not in schema().type_map] == []

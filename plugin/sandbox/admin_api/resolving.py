"""The schema, and the one resolver behind all its fields."""

from collections.abc import Awaitable
from functools import cache
from pathlib import Path
from typing import Any, TypeGuard

from graphql import GraphQLSchema, build_schema

from plugin.sandbox.admin_api import access
from plugin.sandbox.admin_api.access import Info
from plugin.sandbox.admin_api.node import Node, snake

SCHEMA = Path(__file__).parent.parent / "schema.graphql"


@cache
def schema() -> GraphQLSchema:
    """The played part of the Admin API."""
    return build_schema(SCHEMA.read_text(encoding="utf-8"))


def resolve_field(source: Any, info: Info, **arguments: Any) -> Any:
    """A key of a dict, else an attribute of a node; what can be called is called with the field's arguments."""
    access.check(info, info.context.scopes)
    value = source.get(info.field_name) if isinstance(source, dict) else getattr(source, snake(info.field_name))
    if not callable(value):
        return value
    return value(**{snake(name): given for name, given in arguments.items()}) if arguments else value()


def never_awaitable(_value: Any) -> TypeGuard[Awaitable[Any]]:
    """Nothing here is asynchronous, and asking each value costs a tenth of the time."""
    return False


def resolve_type(value: Any, _info: Info | None = None, _type: Any = None) -> str:
    """The type of a member of an interface or union."""
    if isinstance(value, Node):
        return value.type_name
    return str(value["__typename"])

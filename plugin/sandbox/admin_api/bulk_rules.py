"""Which queries can be bulk queries: one root field, connections (at most five, two deep, none inside a list)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLList,
    GraphQLNonNull,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    get_named_type,
    parse,
    validate,
)

from plugin.sandbox.admin_api.resolving import schema
from plugin.sandbox.errors import Refused

MOST_CONNECTIONS = 5
DEEPEST = 2  # below the root connection: bulk queries of that depth are in wide use


@dataclass(frozen=True)
class _Found:
    depth: int
    in_list: bool
    has_children: bool
    selects_id: bool


def check(query: str) -> str:
    """The name of the root connection. `Refused` (INVALID) with the reason when the text cannot be run in bulk."""
    document = _parsed(query)
    operations = [part for part in document.definitions if isinstance(part, OperationDefinitionNode)]
    if len(operations) != 1 or operations[0].operation is not OperationType.QUERY:
        raise _refused("Bulk queries need exactly one query operation")
    if operations[0].variable_definitions:
        raise _refused("Bulk queries cannot contain variables")
    roots = [item for item in operations[0].selection_set.selections if isinstance(item, FieldNode)]
    if len(roots) != 1:
        raise _refused("Bulk queries cannot contain multiple top level fields")
    _check_connections(list(_Walk(document).connections(operations[0].selection_set, schema().query_type)))
    return roots[0].name.value


def _parsed(query: str) -> DocumentNode:
    try:
        document = parse(query)
    except GraphQLError as broken:
        raise _refused(f"Invalid bulk query: {broken.message}") from broken
    errors = validate(schema(), document)
    if errors:
        raise _refused(f"Invalid bulk query: {errors[0].message}")
    return document


def _check_connections(found: list[_Found]) -> None:
    if not found:
        raise _refused("Bulk queries must contain at least one connection.")
    if len(found) > MOST_CONNECTIONS:
        raise _refused(f"Bulk queries cannot contain more than {MOST_CONNECTIONS} connections.")
    if any(one.in_list for one in found):
        raise _refused("Queries that contain a connection field within a list field are not currently supported.")
    if any(one.depth > 1 + DEEPEST for one in found):
        raise _refused(f"Bulk queries cannot contain connections with a nesting depth greater than {DEEPEST}.")
    if any(one.has_children and not one.selects_id for one in found):
        raise _refused("The parent 'node' field for a nested connection must select the 'id' field without an alias")


def _refused(reason: str) -> Refused:
    return Refused(reason, code="INVALID", field=("query",))


class _Walk:
    def __init__(self, document: DocumentNode) -> None:
        parts = document.definitions
        self.fragments = {part.name.value: part for part in parts if isinstance(part, FragmentDefinitionNode)}

    def fields(self, chosen: SelectionSetNode | None, parent: Any) -> Iterator[tuple[FieldNode, Any]]:
        """Fields chosen on a type, those of fragments included."""
        for item in chosen.selections if chosen else ():
            if isinstance(item, FieldNode):
                yield item, parent
                continue
            found = item if isinstance(item, InlineFragmentNode) else self.fragments[_name(item)]
            condition = found.type_condition
            inner = schema().type_map[condition.name.value] if condition else parent
            yield from self.fields(found.selection_set, inner)

    def connections(
        self, chosen: SelectionSetNode | None, parent: Any, depth: int = 0, in_list: bool = False
    ) -> Iterator[_Found]:
        """Every connection below, with how deep it lies."""
        for item, owner in self.fields(chosen, parent):
            definition = getattr(owner, "fields", {}).get(item.name.value)
            if definition is None or item.selection_set is None:
                continue
            kind = get_named_type(definition.type)
            if kind.name.endswith("Connection"):
                below = list(self._below(item, kind, depth + 1))
                yield _Found(depth + 1, in_list, bool(below), self._selects_id(item, kind))
                yield from below
            else:
                is_list = in_list or _is_list(definition.type)
                yield from self.connections(item.selection_set, kind, depth, is_list)

    def _below(self, page: FieldNode, kind: Any, depth: int) -> Iterator[_Found]:
        for selection, node_type in self._node_selections(page, kind):
            yield from self.connections(selection, node_type, depth)

    def _selects_id(self, page: FieldNode, kind: Any) -> bool:
        return any(
            item.name.value == "id" and item.alias is None
            for selection, node_type in self._node_selections(page, kind)
            for item, _ in self.fields(selection, node_type)
        )

    def _node_selections(self, item: FieldNode, kind: Any) -> Iterator[tuple[SelectionSetNode | None, Any]]:
        for inner, owner in self.fields(item.selection_set, kind):
            if inner.name.value == "edges":
                yield from self._node_selections(inner, get_named_type(owner.fields["edges"].type))
            elif inner.name.value in ("nodes", "node"):
                yield inner.selection_set, get_named_type(owner.fields[inner.name.value].type)


def _name(spread: Any) -> str:
    return str(spread.name.value)


def _is_list(kind: Any) -> bool:
    return isinstance(kind.of_type if isinstance(kind, GraphQLNonNull) else kind, GraphQLList)

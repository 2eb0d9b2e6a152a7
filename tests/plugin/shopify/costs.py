"""What an operation may cost at most, by the platform's published rules (shopify.dev: "Calculated query cost").

Scalars and enums 0, an object 1, a connection its page size times a node, an abstract type its dearest branch, a
mutation 10. The platform's own figure is lower, so what stays under the limit here stays under it there.
"""

from __future__ import annotations

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLNamedType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    get_named_type,
    is_abstract_type,
    is_composite_type,
    value_from_ast_untyped,
)

MUTATION_COST = 10


class UnboundedPage(Exception):
    """A connection whose page size is neither in the text nor a default in it."""


class Costs:
    """Costs over one document."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode) -> None:
        self.schema = schema
        self.fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
        self.operation = next(d for d in document.definitions if isinstance(d, OperationDefinitionNode))
        self.defaults = {
            v.variable.name.value: value_from_ast_untyped(v.default_value)
            for v in self.operation.variable_definitions or ()
            if v.default_value
        }

    def total(self) -> int:
        root = self.schema.get_root_type(self.operation.operation)
        inside = self._of(self.operation.selection_set, root)
        return inside + (MUTATION_COST if self.operation.operation is OperationType.MUTATION else 0)

    def _of(self, selections: SelectionSetNode | None, parent: GraphQLNamedType) -> int:
        plain, branches = 0, [0]
        for selection in selections.selections if selections else ():
            if isinstance(selection, FieldNode):
                plain += self._field(selection, parent)
                continue
            fragment = self._fragment(selection)
            on = self.schema.type_map[fragment.type_condition.name.value] if fragment.type_condition else parent
            inside = self._of(fragment.selection_set, on)
            if is_abstract_type(parent):
                branches.append(inside)
            else:
                plain += inside
        return plain + max(branches)

    def _fragment(self, node: FragmentSpreadNode | InlineFragmentNode) -> FragmentDefinitionNode | InlineFragmentNode:
        return self.fragments[node.name.value] if isinstance(node, FragmentSpreadNode) else node

    def _field(self, node: FieldNode, parent: GraphQLNamedType) -> int:
        if node.name.value.startswith("__"):
            return 0
        kind = get_named_type(parent.fields[node.name.value].type)
        if not is_composite_type(kind):
            return 0
        if kind.name.endswith("Connection"):
            return self._page(node) * max(self._nodes(node, kind), 1)
        return 1 + self._of(node.selection_set, kind)

    def _nodes(self, node: FieldNode, kind: GraphQLNamedType) -> int:
        """One item of the page; edges and pageInfo are free."""
        cost = 0
        for inner in node.selection_set.selections:
            name = inner.name.value
            if name == "nodes":
                cost += self._field(inner, kind)
            elif name == "edges":
                edge = get_named_type(kind.fields["edges"].type)
                cost += self._of(inner.selection_set, edge)
        return cost

    def _page(self, node: FieldNode) -> int:
        for argument in node.arguments or ():
            if argument.name.value in ("first", "last"):
                value = value_from_ast_untyped(argument.value, self.defaults)
                if isinstance(value, int):
                    return value
        raise UnboundedPage(f"{node.name.value} says no page size")

"""Query cost and the leaky bucket.

Cost by the published rules: a scalar 0, an object 1, a connection its node's cost times `first` or `last`, an interface
or union its dearest branch, a mutation 10 more. A query may ask for 1,000 points; the bucket refills by machine time.
"""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    is_leaf_type,
)

MOST = 1_000
MUTATION = 10
PAGE_FIELDS = ("edges", "nodes", "node", "pageInfo")


class Bucket:
    """What the app may still ask: `maximum` points, `restore` more each second of `clock`."""

    def __init__(self, maximum: float = 2_000.0, restore: float = 100.0) -> None:
        self._lock = threading.Lock()
        self.clock: Callable[[], float] = time.monotonic
        self.set(maximum, restore)

    def set(self, maximum: float, restore: float) -> None:
        """Start anew with a full bucket of another size."""
        self.maximum, self.restore = maximum, restore
        self._left, self._at = maximum, self.clock()

    def take(self, points: float) -> bool:
        """Take points out; False (and nothing taken) when there are too few."""
        with self._lock:
            self._refill()
            if points > self._left:
                return False
            self._left -= points
            return True

    def give_back(self, points: float) -> None:
        """Return what was asked and not used."""
        with self._lock:
            self._refill()
            self._left = min(self.maximum, self._left + points)

    def _refill(self) -> None:
        now = self.clock()
        self._left = min(self.maximum, self._left + (now - self._at) * self.restore)
        self._at = now

    def status(self) -> dict[str, float]:
        """`throttleStatus`."""
        with self._lock:
            self._refill()
            return {
                "maximumAvailable": self.maximum,
                "currentlyAvailable": int(self._left),
                "restoreRate": self.restore,
            }


def requested(
    schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode, variables: Mapping[str, Any]
) -> int:
    """Points that the operation may cost at most."""
    fragments = {part.name.value: part for part in document.definitions if isinstance(part, FragmentDefinitionNode)}
    counter = _Counter(schema, fragments, variables)
    is_mutation = operation.operation is OperationType.MUTATION
    root = schema.mutation_type if is_mutation else schema.query_type
    return counter.selections(operation.selection_set, root) + (MUTATION if is_mutation else 0)


class _Counter:
    def __init__(
        self, schema: GraphQLSchema, fragments: dict[str, FragmentDefinitionNode], variables: Mapping[str, Any]
    ) -> None:
        self.schema = schema
        self.fragments = fragments
        self.variables = variables

    def selections(self, chosen: SelectionSetNode | None, parent: Any) -> int:
        """Cost of what is chosen on a type: its own fields and the dearest of its branches."""
        if chosen is None or parent is None:
            return 0
        own, branches = 0, [0]
        for item in chosen.selections:
            if isinstance(item, FieldNode):
                own += self.field(item, parent)
                continue
            inner, inner_type = self._branch(item, parent)
            cost = self.selections(inner, inner_type)
            if inner_type is parent or not isinstance(inner_type, GraphQLObjectType):
                own += cost
            else:
                branches.append(cost)
        return own + max(branches)

    def _branch(self, item: Any, parent: Any) -> tuple[SelectionSetNode, Any]:
        found = item if isinstance(item, InlineFragmentNode) else self.fragments[item.name.value]
        condition = found.type_condition
        return found.selection_set, self.schema.type_map[condition.name.value] if condition else parent

    def field(self, item: FieldNode, parent: Any) -> int:
        """Cost of one field."""
        definition = getattr(parent, "fields", {}).get(item.name.value)
        if definition is None:
            return 0
        kind = get_named_type(definition.type)
        if is_leaf_type(kind):
            return 0
        if kind.name.endswith("Connection"):
            return self._size(item) * max(1, self._node_cost(item.selection_set, kind))
        return 1 + self.selections(item.selection_set, kind)

    def _node_cost(self, chosen: SelectionSetNode | None, kind: Any) -> int:
        cost = 0
        for item in chosen.selections if chosen else ():
            if not isinstance(item, FieldNode) or item.name.value not in ("edges", "nodes", "node"):
                continue
            inner = get_named_type(kind.fields[item.name.value].type)
            if item.name.value == "edges":
                cost += self._node_cost(item.selection_set, inner)
            else:
                cost += 1 + self.selections(item.selection_set, inner)
        return cost

    def _size(self, item: FieldNode) -> int:
        for argument in item.arguments or ():
            if argument.name.value in ("first", "last"):
                value = argument.value
                if isinstance(value, IntValueNode):
                    return max(0, int(value.value))
                if isinstance(value, VariableNode):
                    given = self.variables.get(value.name.value)
                    return max(0, given) if isinstance(given, int) else 0
        return 1


def actual(data: Any) -> int:
    """Points that an answer cost: one for each object in it, wrappers of pages not counted."""
    if isinstance(data, list):
        return sum(map(actual, data))
    if not isinstance(data, dict):
        return 0
    return sum(_cost_of(name, value) for name, value in data.items())


def _cost_of(name: str, value: Any) -> int:
    if name == "pageInfo":
        return 0
    if name in PAGE_FIELDS or _is_page(value):
        return _items(name, value)
    if isinstance(value, dict):
        return 1 + actual(value)
    return sum(1 + actual(item) for item in value if isinstance(item, dict)) if isinstance(value, list) else 0


def _items(name: str, value: Any) -> int:
    items: Iterable[Any] = value if isinstance(value, list) else [value]
    own = name in ("node", "nodes")
    return sum((1 if own and isinstance(item, dict) else 0) + actual(item) for item in items)


def _is_page(value: Any) -> bool:
    return isinstance(value, dict) and bool({"edges", "nodes", "pageInfo"} & value.keys())

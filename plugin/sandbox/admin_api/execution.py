"""One GraphQL request from text to answer."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
    execute,
    get_operation_ast,
    parse,
    validate,
)

from plugin.sandbox.admin_api import cost
from plugin.sandbox.admin_api.bulk import BulkRunner
from plugin.sandbox.admin_api.mutations import Mutation
from plugin.sandbox.admin_api.query import Query
from plugin.sandbox.admin_api.request import Api
from plugin.sandbox.admin_api.resolving import never_awaitable, resolve_field, resolve_type, schema
from plugin.sandbox.errors import StoreError

Answer = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """A request's body."""

    query: str
    variables: dict[str, Any]
    operation_name: str | None


@lru_cache(maxsize=256)
def checked(query: str) -> tuple[DocumentNode | None, tuple[GraphQLError, ...]]:
    """The parsed document and what is wrong with it."""
    try:
        document = parse(query)
    except GraphQLError as broken:
        return None, (broken,)
    return document, tuple(validate(schema(), document))


def answer(api: Api, bucket: cost.Bucket, bulk: BulkRunner, asked: Asked) -> Answer:
    """The body of the answer, with its cost."""
    document, errors = checked(asked.query)
    if document is None or errors:
        return {"errors": [error.formatted for error in errors]}
    operation = get_operation_ast(document, asked.operation_name)
    if operation is None:
        return {"errors": [{"message": "An operation name is required", "extensions": {"code": "BAD_REQUEST"}}]}
    price = cost.requested(schema(), document, operation, asked.variables)
    if price > cost.MOST:
        return _too_dear(price)
    if not bucket.take(price):
        return _throttled(price, bucket)
    result = _run(api, bulk, document, operation, asked)
    used = cost.actual(result.data) + (cost.MUTATION if operation.operation is OperationType.MUTATION else 0)
    bucket.give_back(max(0, price - used))
    return _drawn(result) | _costs(price, min(used, price), bucket)


def _run(
    api: Api, bulk: BulkRunner, document: DocumentNode, operation: OperationDefinitionNode, asked: Asked
) -> ExecutionResult:
    is_mutation = operation.operation is OperationType.MUTATION
    with api.world.lock:
        result = execute(
            schema(),
            document,
            root_value=Mutation(api, bulk.start, bulk.cancel) if is_mutation else Query(api),
            context_value=api,
            variable_values=asked.variables,
            operation_name=asked.operation_name,
            field_resolver=resolve_field,
            type_resolver=resolve_type,
            is_awaitable=never_awaitable,
        )
    assert isinstance(result, ExecutionResult)
    return result


def _drawn(result: ExecutionResult) -> Answer:
    body: Answer = {"data": result.data}
    if result.errors:
        body["errors"] = [_error(error) for error in result.errors]
    return body


def _error(error: GraphQLError) -> Any:
    cause = error.original_error
    if cause is None or isinstance(cause, (GraphQLError, StoreError)):
        return error.formatted
    # A mistake of this store and not of the app: it must not pass for an answer.
    raise cause


def _costs(price: int, used: int | None, bucket: cost.Bucket) -> Answer:
    return {
        "extensions": {
            "cost": {"requestedQueryCost": price, "actualQueryCost": used, "throttleStatus": bucket.status()}
        }
    }


def _throttled(price: int, bucket: cost.Bucket) -> Answer:
    error = {
        "message": "Throttled",
        "extensions": {"code": "THROTTLED", "documentation": "https://shopify.dev/api/usage/rate-limits"},
    }
    return {"errors": [error]} | _costs(price, None, bucket)


def _too_dear(price: int) -> Answer:
    return {
        "errors": [
            {
                "message": f"Query cost is {price}, which exceeds the single query max cost limit ({cost.MOST}).",
                "extensions": {"code": "MAX_COST_EXCEEDED", "cost": price, "maxCost": cost.MOST},
            }
        ]
    }

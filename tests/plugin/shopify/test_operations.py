"""Every operation we send is valid against the official schema, uses nothing deprecated, and is affordable."""

from __future__ import annotations

import gzip
import json

import pytest
from graphql import GraphQLSchema, NoDeprecatedCustomRule, build_client_schema, parse, specified_rules, validate
from graphql.language import OperationDefinitionNode

from plugin.config import API_VERSION, ROOT
from plugin.shopify.documents import document, names
from tests.plugin.shopify.costs import Costs

SCHEMA = ROOT / f"admin_ui/node_modules/@shopify/dev-mcp/dist/data/admin_{API_VERSION}.json.gz"
MOST_POINTS = 1000


@pytest.fixture(scope="module")
def official() -> GraphQLSchema:
    assert SCHEMA.exists(), "The official schema is missing: run `regulars frontend --development`."
    with gzip.open(SCHEMA) as file:
        told = json.load(file)
    # Shopify's own schema breaks rules about deprecated interface fields, so it is taken as it is.
    return build_client_schema(told.get("data", told), assume_valid=True)


def test_there_are_operations() -> None:
    assert "ShopInfo" in names()


@pytest.mark.parametrize("name", names())
def test_an_operation_is_valid_and_uses_nothing_deprecated(official: GraphQLSchema, name: str) -> None:
    rules = [*specified_rules, NoDeprecatedCustomRule]
    assert [error.message for error in validate(official, parse(document(name).text), rules)] == []


@pytest.mark.parametrize("name", names())
def test_a_file_holds_the_one_operation_it_is_named_after(name: str) -> None:
    held = [part for part in parse(document(name).text).definitions if isinstance(part, OperationDefinitionNode)]
    assert [part.name.value for part in held] == [name]
    assert document(name).is_mutation == (held[0].operation.value == "mutation")


@pytest.mark.parametrize("name", names())
def test_an_operation_may_be_asked_for_at_once(official: GraphQLSchema, name: str) -> None:
    assert Costs(official, parse(document(name).text)).total() < MOST_POINTS


@pytest.mark.parametrize("name", [name for name in names() if document(name).is_mutation])
def test_a_mutation_asks_for_its_user_errors(name: str) -> None:
    assert "userErrors" in document(name).text


def test_the_estimate_counts_pages_within_pages(official: GraphQLSchema) -> None:
    text = "query { products(first: 10) { nodes { id variants(first: 5) { nodes { id } } } pageInfo { hasNextPage } } }"
    assert Costs(official, parse(text)).total() == 10 * (1 + 5)

"""Each question asked in bulk is valid against the official schema, may be run in bulk, and asks what it has to."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from graphql import (
    FieldNode,
    GraphQLSchema,
    NoDeprecatedCustomRule,
    build_client_schema,
    parse,
    print_ast,
    specified_rules,
    validate,
)

from plugin.config import API_VERSION, ROOT
from plugin.sandbox.admin_api import bulk_rules
from plugin.shopify.documents import document
from plugin.sync import bulk_comparing, listing, remote, runs

SCHEMA = ROOT / f"admin_ui/node_modules/@shopify/dev-mcp/dist/data/admin_{API_VERSION}.json.gz"
QUESTIONS = {kind: remote.query(kind) for kind in runs.KINDS}
QUESTIONS |= {f"compared_{kind}": bulk_comparing.question(kind, 7, "a mark") for kind in listing.LISTS}


@pytest.fixture(scope="module")
def official() -> GraphQLSchema:
    assert SCHEMA.exists(), "The official schema is missing: run `regulars frontend --development`."
    with gzip.open(SCHEMA) as file:
        told = json.load(file)
    return build_client_schema(told.get("data", told), assume_valid=True)


def test_every_file_is_asked() -> None:
    assert {path.stem for path in remote.QUERIES.glob("*.graphql")} == QUESTIONS.keys()


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_question_is_valid_and_may_be_run_in_bulk(official: GraphQLSchema, name: str) -> None:
    rules = [*specified_rules, NoDeprecatedCustomRule]
    assert [error.message for error in validate(official, parse(QUESTIONS[name]), rules)] == []
    bulk_rules.check(QUESTIONS[name])


@pytest.mark.parametrize("kind", listing.LISTS)
def test_a_comparison_asks_the_same_in_bulk_as_by_pages(kind: str) -> None:
    in_bulk, page = parse(QUESTIONS[f"compared_{kind}"]), parse(document(listing.LISTS[kind].compared).text)
    assert chosen(in_bulk) == chosen(page)
    assert '"id:>7"' in QUESTIONS[f"compared_{kind}"]


def chosen(question: Any) -> list[str]:
    """The fields of a node, sorted."""
    [node] = [field for field in fields(question.definitions[0]) if field.name.value in ("node", "nodes")]
    return sorted(print_ast(field) for field in node.selection_set.selections)


def fields(selected: Any) -> list[FieldNode]:
    mine = [item for item in selected.selection_set.selections if item.selection_set]
    return mine + [inner for item in mine for inner in fields(item)]

"""Whatever the played schema offers can be read: queries made from the schema itself, over a store with everything."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from graphql import (
    ExecutionResult,
    GraphQLField,
    GraphQLNamedType,
    GraphQLUnionType,
    execute,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
    is_required_argument,
    parse,
    validate,
)

from plugin.sandbox import checkouts, customers, discounts, fulfillments, gift_cards, refunds, store_credit
from plugin.sandbox.admin_api import metafields
from plugin.sandbox.admin_api.mutations import Mutation
from plugin.sandbox.admin_api.node import snake
from plugin.sandbox.admin_api.query import Query
from plugin.sandbox.admin_api.request import Api
from plugin.sandbox.admin_api.resolving import resolve_field, resolve_type, schema
from plugin.sandbox.app_records import BulkOperation
from plugin.sandbox.documents.basics import gid
from plugin.sandbox.records import Image
from plugin.sandbox.runtime import Sandbox
from plugin.sandbox.storefront import shelves
from tests.plugin.sandbox.conftest import buy, customer, install, lines

DEPTH = 5
ROOT: Any = schema().query_type
CHANGE: Any = schema().mutation_type


@pytest.fixture
def full(store: Sandbox) -> dict[str, str]:
    """A store with one of everything, and values for the arguments that queries need."""
    install(store, *store.declaration.optional_scopes)
    world = store.world
    person, product = customer(world), next(iter(world.products))
    product.images = [Image(id=5, src="/a.svg")]
    customers.set_email_consent(world, person.id, "subscribed")
    discounts.create_discount(world, code="TEN", percent_bp=1000, customer_ids=[person.id], minimum_minor=100)
    discounts.create_discount(world, code="FIVE", amount_minor=500)
    discounts.create_discount(world, code="SENT", free_shipping=True)
    discounts.create_discount(world, code="GUJI", percent_bp=500, product_ids=[product.id])
    card = gift_cards.create_gift_card(world, code="BEANSBEANS", amount_minor=1000, customer_id=person.id)
    store_credit.give_credit(world, person.id, 700)
    store_credit.spend(world, person.id, 200, 1)
    order = buy(world, 2, 1, discount_code="TEN", note="Hi")
    buy(world, 1, discount_code="FIVE")
    fulfillments.fulfil(world, order.id)
    refund = refunds.refund(world, order.id, {order.lines[0].id: 1}, shipping_minor=100, extra_minor=50)
    with world.past(world.now() - timedelta(hours=3)):
        checkouts.save_checkout(world, lines=lines(world, 1), customer_id=person.id)
    with world.change():
        metafields.save(world, gid("Customer", person.id), "$app", "tier", "json", '{"a": 1}')
        world.bulk_operations.keep(BulkOperation(id=9, query="{x}", status="CREATED", created_at=world.now()))
    item = product.variants[0].inventory_item_id
    return {
        "customer": gid("Customer", person.id),
        "order": gid("Order", order.id),
        "product": gid("Product", product.id),
        "productVariant": gid("ProductVariant", product.variants[0].id),
        "inventoryItem": gid("InventoryItem", item),
        "inventoryLevel": gid("InventoryLevel", f"{world.shop.location_id}?inventory_item_id={item}"),
        "refund": gid("Refund", refund.id),
        "fulfillment": gid("Fulfillment", order.fulfillments[0].id),
        "location": gid("Location", world.shop.location_id),
        "bulkOperation": gid("BulkOperation", 9),
        "discountNode": gid("DiscountNode", next(iter(world.discounts)).id),
        "giftCard": gid("GiftCard", card.id),
        "collection": gid("Collection", shelves.FIRST_ID),
        "node": gid("Order", order.id),
    }


def selection(kind: GraphQLNamedType, path: tuple[str, ...]) -> str:
    """Everything that can be chosen on a type, down to a depth, no type inside itself."""
    if is_leaf_type(kind):
        return ""
    if isinstance(kind, GraphQLUnionType) or (is_abstract_type(kind) and kind.name in ("Node", "HasMetafields")):
        names = [one.name for one in schema().get_possible_types(kind)]  # type: ignore[arg-type]
        return "{ __typename " + " ".join(f"... on {name} {{ __typename }}" for name in names) + " }"
    chosen = [field_text(name, field, path) for name, field in kind.fields.items()]  # type: ignore[attr-defined]
    return "{ __typename " + " ".join(filter(None, chosen)) + " }"


def field_text(name: str, field: GraphQLField, path: tuple[str, ...]) -> str:
    kind = get_named_type(field.type)
    if kind.name in path or (len(path) > DEPTH and not is_leaf_type(kind)):
        return ""
    return f"{name}{arguments(field)} {selection(kind, (*path, kind.name))}"


def arguments(field: GraphQLField, given: str = "") -> str:
    found = [given] if given else []
    found += ["first: 2"] if "first" in field.args else []
    needed = [name for name, one in field.args.items() if is_required_argument(one) and name not in given]
    values = {
        "names": '["available"]',
        "key": '"tier"',
        "id": '"gid://shopify/Product/1"',
        "namespace": '"$app"',
        "locationId": '"gid://shopify/Location/1"',
    }
    found += [f"{name}: {values[name]}" for name in needed]
    return f"({', '.join(found)})" if found else ""


def given_to(name: str, values: dict[str, str]) -> str:
    """Arguments for a root field."""
    known = {
        "codeDiscountNodeByCode": 'code: "TEN"',
        "customerByIdentifier": 'identifier: {emailAddress: "ada0@example.com"}',
        "orderByIdentifier": f'identifier: {{id: "{values["order"]}"}}',
        "productByIdentifier": 'identifier: {handle: "guji"}',
        "nodes": f'ids: ["{values["order"]}"]',
    }
    return known.get(name) or (f'id: "{values[name]}"' if name in values else "")


@pytest.mark.parametrize("name", sorted(ROOT.fields))
def test_every_field_below_every_query_can_be_read(store: Sandbox, full: dict[str, str], name: str) -> None:
    field = ROOT.fields[name]
    kind = get_named_type(field.type)
    text = f"{{ {name}{arguments(field, given_to(name, full))} {selection(kind, (kind.name,))} }}"
    document = parse(text)
    assert validate(schema(), document) == []
    api = Api(store.world, store.settings, store.declaration)
    result = execute(schema(), document, Query(api), api, field_resolver=resolve_field, type_resolver=resolve_type)
    assert isinstance(result, ExecutionResult)
    assert result.errors is None
    assert result.data is not None
    assert result.data[name] is not None


def test_every_mutation_has_a_method() -> None:
    assert [name for name in CHANGE.fields if not hasattr(Mutation, snake(name))] == []

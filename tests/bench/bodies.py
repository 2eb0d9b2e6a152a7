"""Orders in numbers: as webhooks of about 5 KB and as lines of a bulk result. Seeded, so every run is the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from tests import payloads

START = datetime(2026, 6, 1, tzinfo=UTC)
LINES_AN_ORDER = 2
WEBHOOK_BYTES = 5000


def moment(number: int) -> str:
    return (START + timedelta(minutes=number % 200_000)).isoformat()


def order(number: int, customers: int, store: int = 1) -> bytes:
    """orders/create of one store with two lines, filled up to 5 KB with what a real body carries besides."""
    at = moment(number)
    lines = [payloads.line(number * 10 + place + 1, price="12.50") for place in range(LINES_AN_ORDER)]
    body = payloads.order(1_000_000 + number, 1 + number % customers, line_items=lines, subtotal_price="50.00")
    body |= {"total_price": "54.90", "current_subtotal_price": "50.00", "current_total_price": "54.90"}
    body |= {"created_at": at, "processed_at": at, "updated_at": at}
    body["order_status_url"] = f"https://vec-shop.myshopify.com/{store}/orders/{number}"
    text = json.dumps(body)
    body["note_attributes"] = [{"name": "filling", "value": "x" * max(0, WEBHOOK_BYTES - len(text) - 60)}]
    return json.dumps(body).encode()


def customer_lines(many: int) -> Iterator[bytes]:
    for id in range(1, many + 1):
        yield _line(
            {
                "id": f"gid://shopify/Customer/{id}",
                "firstName": "Łucja",
                "lastName": f"Nguyễn {id}",
                "locale": "pl",
                "state": "ENABLED",
                "tags": ["vip"],
                "numberOfOrders": "3",
                "amountSpent": {"amount": "120.00", "currencyCode": "EUR"},
                "defaultEmailAddress": {"emailAddress": f"person{id}@example.com", "marketingState": "SUBSCRIBED"},
                "createdAt": moment(id),
                "updatedAt": moment(id),
            }
        )


def order_lines(first: int, many: int, customers: int) -> Iterator[bytes]:
    """A bulk result of orders: each followed by its two lines."""
    for number in range(first, first + many):
        gid = f"gid://shopify/Order/{1_000_000 + number}"
        yield _line(_order_node(gid, number, customers))
        for place in range(LINES_AN_ORDER):
            yield _line(_line_node(number * 10 + place + 1) | {"__parentId": gid})


def _line(node: dict[str, Any]) -> bytes:
    return json.dumps(node, separators=(",", ":")).encode() + b"\n"


def _bag(amount: str) -> dict[str, Any]:
    return {"shopMoney": {"amount": amount}}


def _order_node(gid: str, number: int, customers: int) -> dict[str, Any]:
    at = moment(number)
    return {
        "id": gid,
        "name": f"#{number}",
        "email": f"person{1 + number % customers}@example.com",
        "currencyCode": "EUR",
        "presentmentCurrencyCode": "EUR",
        "customer": {"id": f"gid://shopify/Customer/{1 + number % customers}"},
        "checkoutToken": f"checkout-{number}",
        "cartToken": f"cart-{number}",
        "sourceName": "web",
        "displayFinancialStatus": "PAID",
        "displayFulfillmentStatus": "FULFILLED",
        "test": False,
        "taxesIncluded": True,
        "subtotalPriceSet": _bag("50.00"),
        "totalPriceSet": _bag("54.90"),
        "totalTaxSet": _bag("3.27"),
        "totalDiscountsSet": _bag("0.00"),
        "totalShippingPriceSet": _bag("4.90"),
        "currentSubtotalPriceSet": _bag("50.00"),
        "currentTotalPriceSet": _bag("54.90"),
        "discountCodes": [],
        "tags": [],
        "processedAt": at,
        "createdAt": at,
        "updatedAt": at,
        "cancelledAt": None,
        "closedAt": None,
        "refunds": [],
        "fulfillments": [],
    }


def _line_node(id: int) -> dict[str, Any]:
    return {
        "id": f"gid://shopify/LineItem/{id}",
        "title": "Kirinyaga AA",
        "variantTitle": "250 g",
        "sku": "KIR-250",
        "vendor": "Vector Roasters",
        "quantity": 2,
        "currentQuantity": 2,
        "isGiftCard": False,
        "product": {"id": "gid://shopify/Product/7001"},
        "variant": {"id": "gid://shopify/ProductVariant/7101"},
        "originalUnitPriceSet": _bag("12.50"),
        "discountAllocations": [],
        "taxLines": [{"priceSet": _bag("1.64")}],
    }

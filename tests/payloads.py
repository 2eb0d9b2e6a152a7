"""Bodies as the store sends them, of the documented shapes, with believable defaults.

Every keyword replaces a field of the same name at the top level.
"""

from __future__ import annotations

import json
from typing import Any

NOON = "2026-11-20T12:00:00+01:00"


def at(hour: int, day: int = 20, minute: int = 0) -> str:
    """A moment of November 2026 in the store's time zone."""
    return f"2026-11-{day:02}T{hour:02}:{minute:02}:00+01:00"


def encode(body: Any) -> bytes:
    return json.dumps(body).encode()


def customer(id: int = 501, **changed: Any) -> dict[str, Any]:
    """customers/create and customers/update since 2025-01."""
    return {
        "id": id,
        "admin_graphql_api_id": f"gid://shopify/Customer/{id}",
        "email": f"person{id}@example.com",
        "phone": None,
        "first_name": "Łucja",
        "last_name": "Nguyễn",
        "state": "enabled",
        "note": None,
        "verified_email": True,
        "currency": "EUR",
        "addresses": [],
        "default_address": {"city": "Wrocław", "country_code": "PL"},
        "created_at": at(8),
        "updated_at": at(9),
    } | changed


def line(id: int = 901, **changed: Any) -> dict[str, Any]:
    return {
        "id": id,
        "product_id": 7001,
        "variant_id": 7101,
        "title": "Kirinyaga AA",
        "variant_title": "250 g",
        "sku": "KIR-250",
        "vendor": "Vector Roasters",
        "quantity": 2,
        "current_quantity": 2,
        "price": "12.50",
        "total_discount": "0.00",
        "discount_allocations": [],
        "tax_lines": [{"title": "VAT", "rate": 0.07, "price": "1.64"}],
        "gift_card": False,
    } | changed


def order(id: int = 1001, customer_id: int | None = 501, **changed: Any) -> dict[str, Any]:
    """orders/*: one paid line of two bags, 25.00 and 4.90 shipping, tax included."""
    person = {name: value for name, value in customer(customer_id or 0).items() if name != "addresses"}
    return {
        "id": id,
        "admin_graphql_api_id": f"gid://shopify/Order/{id}",
        "name": f"#{id}",
        "order_number": id,
        "customer": person if customer_id else None,
        "email": f"person{customer_id}@example.com",
        "customer_locale": "pl",
        "checkout_token": f"checkout-of-{id}",
        "cart_token": f"cart-of-{id}",
        "source_name": "web",
        "financial_status": "paid",
        "fulfillment_status": None,
        "test": False,
        "confirmed": True,
        "currency": "EUR",
        "presentment_currency": "EUR",
        "taxes_included": True,
        "subtotal_price": "25.00",
        "total_price": "29.90",
        "total_tax": "1.64",
        "total_discounts": "0.00",
        "total_shipping_price_set": {"shop_money": {"amount": "4.90", "currency_code": "EUR"}},
        "current_subtotal_price": "25.00",
        "current_total_price": "29.90",
        "discount_codes": [],
        "tags": "",
        "line_items": [line()],
        "refunds": [],
        "fulfillments": [],
        "created_at": at(10),
        "processed_at": at(10),
        "updated_at": at(10),
        "cancelled_at": None,
        "closed_at": None,
    } | changed


def refund(id: int = 2001, order_id: int = 1001, quantity: int = 1, **changed: Any) -> dict[str, Any]:
    """refunds/create: `quantity` bags of the order's line."""
    subtotal = 12.5 * quantity
    return {
        "id": id,
        "order_id": order_id,
        "created_at": at(15),
        "processed_at": at(15),
        "note": "",
        "refund_line_items": [
            {
                "id": id + 10,
                "line_item_id": 901,
                "quantity": quantity,
                "restock_type": "return",
                "subtotal": subtotal,
                "total_tax": 0.82 * quantity,
                "subtotal_set": {"shop_money": {"amount": f"{subtotal:.2f}", "currency_code": "EUR"}},
            }
        ],
        "transactions": [{"id": id + 20, "kind": "refund", "status": "success", "amount": f"{subtotal:.2f}"}],
        "order_adjustments": [],
    } | changed


def checkout(token: str = "c0ffee", customer_id: int | None = 501, **changed: Any) -> dict[str, Any]:
    """checkouts/create and checkouts/update since 2026-04: no id."""
    return {
        "token": token,
        "cart_token": f"cart-{token}",
        "email": f"person{customer_id}@example.com",
        "customer": {"id": customer_id, "email": f"person{customer_id}@example.com"} if customer_id else None,
        "customer_locale": "pl",
        "abandoned_checkout_url": f"https://vec-shop.myshopify.com/548380009/checkouts/{token}/recover?key=k",
        "buyer_accepts_marketing": True,
        "currency": "EUR",
        "subtotal_price": "12.50",
        "total_price": "17.40",
        "line_items": [{"title": "Kirinyaga AA", "variant_title": "250 g", "quantity": 1, "price": "12.50"}],
        "shipping_address": [],
        "created_at": at(10),
        "updated_at": at(10),
        "completed_at": None,
        "closed_at": None,
    } | changed


def product(id: int = 7001, **changed: Any) -> dict[str, Any]:
    return {
        "id": id,
        "title": "Kirinyaga AA",
        "handle": "kirinyaga-aa",
        "vendor": "Vector Roasters",
        "product_type": "Filter coffee",
        "status": "active",
        "tags": "kenya, washed",
        "image": {"src": "https://cdn.example/kirinyaga.jpg"},
        "variants": [
            {"id": id + 100, "title": "250 g", "sku": "KIR-250", "price": "12.50", "compare_at_price": None}
            | {"position": 1, "inventory_item_id": id + 200}
        ],
        "variant_gids": [{"admin_graphql_api_id": f"gid://shopify/ProductVariant/{id + 100}"}],
        "published_at": at(7),
        "created_at": at(7),
        "updated_at": at(7),
    } | changed

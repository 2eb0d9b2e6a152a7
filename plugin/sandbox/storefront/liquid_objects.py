"""What a block's Liquid can ask: the objects of a theme, as plain dicts. Money is integer minor units, as in Shopify.

A metafield is `owner.metafields[namespace][key].value`; customers exist only while somebody is signed in.
"""

import json
from typing import Any

from flask import request

from plugin.sandbox import money, totals
from plugin.sandbox.documents.basics import gid
from plugin.sandbox.records import Address, Cart, Customer, Product, Shop, Variant
from plugin.sandbox.storefront import visitor
from plugin.sandbox.storefront.cart_costs import priced
from plugin.sandbox.world import World

ROUTES = {
    "root_url": "/",
    "account_url": "/account",
    "account_login_url": "/account/login",
    "account_logout_url": "/account/logout",
    "cart_url": "/cart",
    "cart_add_url": "/cart/add",
    "cart_change_url": "/cart/change",
    "search_url": "/search",
    "collections_url": "/collections",
    "all_products_collection_url": "/collections/all",
}
JSON_TYPES = ("json", "boolean", "number_integer", "number_decimal")


def page_objects(page_type: str, product: Product | None, selected: Variant | None) -> dict[str, Any]:
    """All global objects of one page."""
    world, customer = visitor.the_world(), visitor.signed_in()
    return {
        "shop": shop_object(world, world.shop),
        "customer": customer_object(world, customer) if customer else None,
        "cart": cart_object(visitor.cart()),
        "product": product_object(world, product, selected) if product else None,
        "app": {"metafields": metafields(world, _installation_gid(world))},
        "request": _request_object(page_type),
        "localization": {"language": {"iso_code": visitor.locale()}, "country": {"iso_code": world.shop.country_code}},
        "template": {"name": page_type.split("/")[-1], "directory": page_type.partition("/")[0], "suffix": None},
        "routes": ROUTES,
        "settings": {},
        "canonical_url": request.base_url,
    }


def _installation_gid(world: World) -> str:
    return gid("AppInstallation", world.installation.number) if world.installation else ""


def _request_object(page_type: str) -> dict[str, Any]:
    return {
        "locale": {"iso_code": visitor.locale(), "primary": visitor.locale() == visitor.the_world().shop.locale},
        "page_type": page_type,
        "path": request.path,
        "host": request.host,
        "origin": request.host_url.rstrip("/"),
        "design_mode": False,
    }


def shop_object(world: World, shop: Shop) -> dict[str, Any]:
    """The store."""
    return {
        "id": shop.number,
        "name": shop.name,
        "email": shop.email,
        "domain": shop.domain,
        "permanent_domain": shop.domain,
        "url": request.host_url.rstrip("/"),
        "currency": money.CURRENCY,
        "money_format": "€{{amount}}",
        "locale": shop.locale,
        "customer_accounts_enabled": True,
        "metafields": metafields(world, gid("Shop", shop.number)),
    }


def customer_object(world: World, customer: Customer) -> dict[str, Any]:
    """The signed-in customer."""
    orders = world.orders.by("customer", customer.id)
    return {
        "id": customer.id,
        "email": customer.email,
        "phone": customer.phone,
        "name": customer.name,
        "first_name": customer.first_name,
        "last_name": customer.last_name,
        "tags": list(customer.tags),
        "has_account": True,
        "accepts_marketing": customer.email_consent.state == "subscribed",
        "orders_count": len(orders),
        "total_spent": sum(map(totals.current_total, orders)),
        "default_address": _address(customer.addresses[0]) if customer.addresses else None,
        "metafields": metafields(world, gid("Customer", customer.id)),
    }


def _address(address: Address) -> dict[str, Any]:
    return {"city": address.city, "zip": address.zip, "country": address.country, "country_code": address.country_code}


def product_object(world: World, product: Product, selected: Variant | None) -> dict[str, Any]:
    """The product of a page, with its selected variant."""
    variants = [_variant(product, variant) for variant in product.variants]
    prices = [variant.price_minor for variant in product.variants]
    chosen = next((v for v in variants if selected and v["id"] == selected.id), variants[0])
    return {
        "id": product.id,
        "title": product.title,
        "handle": product.handle,
        "url": f"/products/{product.handle}",
        "type": product.product_type,
        "vendor": product.vendor,
        "tags": list(product.tags),
        "description": product.body_html,
        "gift_card?": product.gift_card,
        "price": min(prices),
        "price_min": min(prices),
        "price_max": max(prices),
        "price_varies": min(prices) != max(prices),
        "available": any(variant["available"] for variant in variants),
        "variants": variants,
        "selected_variant": chosen if request.args.get("variant") else None,
        "selected_or_first_available_variant": chosen,
        "first_available_variant": next((v for v in variants if v["available"]), None),
        "options": list(product.option_names),
        "featured_image": {"src": product.images[0].src, "alt": product.images[0].alt} if product.images else None,
        "metafields": metafields(world, gid("Product", product.id)),
    }


def _variant(product: Product, variant: Variant) -> dict[str, Any]:
    return {
        "id": variant.id,
        "title": variant.title,
        "price": variant.price_minor,
        "compare_at_price": variant.compare_at_minor,
        "available": variant.inventory_quantity > 0,
        "inventory_quantity": variant.inventory_quantity,
        "sku": variant.sku,
        "options": list(variant.options),
        "url": f"/products/{product.handle}?variant={variant.id}",
    }


def cart_object(cart: Cart | None) -> dict[str, Any]:
    """The visitor's cart with its discount."""
    cost = priced(cart)
    items = [
        {
            "title": line.product.title,
            "variant_id": line.variant.id,
            "product_id": line.product.id,
            "quantity": line.quantity,
            "final_line_price": line.minor,
        }
        for line in cost.lines
    ]
    count = sum(line.quantity for line in cost.lines)
    return {
        "items": items,
        "item_count": count,
        "total_price": cost.subtotal_minor,
        "currency": {"iso_code": money.CURRENCY},
    }


def metafields(world: World, owner: str) -> dict[str, dict[str, Any]]:
    """All metafields of an owner, by namespace and key."""
    found: dict[str, dict[str, Any]] = {}
    for field in world.metafields.by("owner", owner):
        value = json.loads(field.value) if field.type in JSON_TYPES else field.value
        found.setdefault(field.namespace, {})[field.key] = {"value": value, "type": field.type}
    return found

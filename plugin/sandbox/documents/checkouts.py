"""Bodies of the checkout and cart topics. Since API 2026-04 a checkout has no id: `token` is the only key."""

from plugin.sandbox import money, pricing
from plugin.sandbox.documents.basics import Body, address, stamp
from plugin.sandbox.documents.customers import short_customer
from plugin.sandbox.documents.lines import tax_lines
from plugin.sandbox.records import Cart, Checkout
from plugin.sandbox.world import World


def priced(world: World, record: Checkout) -> pricing.Priced:
    """What the checkout costs now; what is no longer sold has left it."""
    lines = pricing.still_sold(world, record.lines)
    return pricing.price(
        world, lines, code=record.code, customer_id=record.customer_id, email=record.email, shipping=True
    )


def recovery_url(world: World, record: Checkout) -> str:
    """The link that opens an abandoned checkout again; it holds a key, so it is a secret."""
    return f"{world.store_url}/checkouts/{record.id}/recover?key={record.recovery_key}"


def checkout(world: World, record: Checkout) -> Body:
    """checkouts/create and checkouts/update."""
    cost = priced(world, record)
    buyer = world.customers.get(record.customer_id)
    return {
        "token": record.id,
        "cart_token": record.cart_token,
        "name": f"#{record.number}",
        "abandoned_checkout_url": recovery_url(world, record),
        "email": record.email,
        "phone": record.phone,
        "sms_marketing_phone": None,
        "buyer_accepts_marketing": record.accepts_marketing,
        "buyer_accepts_sms_marketing": False,
        **({"customer": short_customer(world, buyer)} if buyer else {}),
        "customer_locale": record.locale,
        "billing_address": address(record.billing_address),
        "shipping_address": address(record.shipping_address),
        "currency": money.CURRENCY,
        "presentment_currency": money.CURRENCY,
        "taxes_included": True,
        "subtotal_price": money.text(cost.subtotal_minor),
        "total_price": money.text(cost.total_minor),
        "total_tax": money.text(cost.tax_minor),
        "total_discounts": money.text(cost.discount_minor),
        "total_line_items_price": money.text(cost.full_minor),
        "total_duties": None,
        "total_weight": sum(line.variant.grams * line.quantity for line in cost.lines),
        "discount_codes": [
            {"code": item.code, "amount": money.text(item.amount_minor), "type": item.value_type}
            for item in cost.applications
        ],
        "line_items": [_line(line) for line in cost.lines],
        "shipping_lines": [],
        "tax_lines": tax_lines(cost.tax_minor, 1900),
        "note": record.note,
        "note_attributes": [],
        "landing_site": "/",
        "referring_site": "",
        "source": None,
        "source_name": "web",
        "source_url": None,
        "source_identifier": None,
        "gateway": None,
        "reservation_token": None,
        "user_id": None,
        "location_id": None,
        "device_id": None,
        "completed_at": stamp(world, record.completed_at),
        "closed_at": None,
        "created_at": stamp(world, record.created_at),
        "updated_at": stamp(world, record.updated_at),
    }


def _line(line: pricing.PricedLine) -> Body:
    product, variant = line.product, line.variant
    compare_at = variant.compare_at_minor
    return {
        "key": str(variant.id),
        "product_id": product.id,
        "variant_id": variant.id,
        "title": product.title,
        "presentment_title": product.title,
        "variant_title": variant.title,
        "presentment_variant_title": variant.title,
        "sku": variant.sku,
        "vendor": product.vendor,
        "quantity": line.quantity,
        "price": money.text(variant.price_minor),
        "variant_price": money.text(variant.price_minor),
        "line_price": money.text(line.full_minor),
        "compare_at_price": None if compare_at is None else money.text(compare_at),
        "properties": line.properties or None,
        "gift_card": product.gift_card,
        "grams": variant.grams,
        "requires_shipping": variant.requires_shipping,
        "taxable": not product.gift_card,
        "fulfillment_service": "manual",
        "applied_discounts": [],
        "discount_allocations": [
            {"amount": money.text(part.amount_minor), "amount_set": money.money_set(part.amount_minor)}
            for part in line.allocations
        ],
        "tax_lines": tax_lines(money.tax_inside(line.minor, product.tax_rate_bp), product.tax_rate_bp),
    }


def deleted_checkout(world: World, record: Checkout) -> Body:
    """checkouts/delete: an id that no other topic has, and no token; match by `cart_token`."""
    cost = priced(world, record)
    return {
        "id": record.number,
        "cart_token": record.cart_token,
        "presentment_currency": money.CURRENCY,
        "buyer_accepts_sms_marketing": False,
        "sms_marketing_phone": None,
        "total_discounts": money.text(cost.discount_minor),
        "total_line_items_price": money.text(cost.full_minor),
        "total_price": money.text(cost.total_minor),
        "total_tax": money.text(cost.tax_minor),
        "subtotal_price": money.text(cost.subtotal_minor),
        "total_duties": None,
        "reservation_token": None,
    }


def cart(world: World, record: Cart) -> Body:
    """carts/create and carts/update."""
    cost = pricing.price(world, record.lines)
    return {
        "id": record.id,
        "token": record.id,
        "note": record.note,
        "line_items": [_line(line) for line in cost.lines],
        "created_at": stamp(world, record.created_at),
        "updated_at": stamp(world, record.updated_at),
    }

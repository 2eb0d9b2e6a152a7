"""Lines of orders: items, shipping, taxes, discounts."""

from plugin.sandbox import money, totals
from plugin.sandbox.documents.basics import Body, gid
from plugin.sandbox.order_records import Allocation, Application, Line, Order, ShippingLine


def line(order: Order, item: Line) -> Body:
    """One line item as it is now."""
    sent = totals.fulfilled_units(order, item.id)
    return {
        "id": item.id,
        "admin_graphql_api_id": gid("LineItem", item.id),
        "product_id": item.product_id,
        "variant_id": item.variant_id,
        "title": item.title,
        "variant_title": item.variant_title,
        "name": f"{item.title} - {item.variant_title}" if item.variant_title else item.title,
        "sku": item.sku,
        "vendor": item.vendor,
        "quantity": item.quantity,
        "current_quantity": totals.current_quantity(order, item),
        "fulfillable_quantity": totals.fulfillable_quantity(order, item),
        "fulfillment_status": None if not sent else "fulfilled" if sent >= item.quantity else "partial",
        "fulfillment_service": "manual",
        "price": money.text(item.price_minor),
        "price_set": money.money_set(item.price_minor),
        "total_discount": "0.00",
        "total_discount_set": money.money_set(0),
        "discount_allocations": [_allocation(part) for part in item.allocations],
        "tax_lines": tax_lines(totals.line_tax(item), item.tax_rate_bp),
        "duties": [],
        "properties": [{"name": name, "value": value} for name, value in item.properties.items()],
        "gift_card": item.gift_card,
        "requires_shipping": item.requires_shipping,
        "taxable": not item.gift_card,
        "grams": item.grams,
        "product_exists": item.product_id is not None,
        "variant_inventory_management": "shopify",
        "attributed_staffs": [],
        "sales_line_item_group_id": None,
    }


def _allocation(part: Allocation) -> Body:
    return {
        "amount": money.text(part.amount_minor),
        "amount_set": money.money_set(part.amount_minor),
        "discount_application_index": part.application,
    }


def tax_lines(tax_minor: int, rate_bp: int) -> list[Body]:
    """The German VAT inside a price."""
    if not rate_bp:
        return []
    return [
        {
            "title": "DE MwSt",
            "rate": rate_bp / 10_000,
            "price": money.text(tax_minor),
            "price_set": money.money_set(tax_minor),
            "channel_liable": False,
        }
    ]


def shipping_line(order: Order, item: ShippingLine) -> Body:
    """How the order travels."""
    now = max(0, item.discounted_minor - totals.refunded_shipping(order))
    return {
        "id": item.id,
        "title": item.title,
        "code": item.code,
        "source": "shopify",
        "price": money.text(item.price_minor),
        "price_set": money.money_set(item.price_minor),
        "discounted_price": money.text(item.discounted_minor),
        "discounted_price_set": money.money_set(item.discounted_minor),
        "current_discounted_price_set": money.money_set(now),
        "is_removed": False,
        "carrier_identifier": None,
        "phone": None,
        "discount_allocations": [],
        "tax_lines": tax_lines(totals.shipping_tax(item), item.tax_rate_bp),
    }


def discount_applications(applications: list[Application]) -> list[Body]:
    """What was applied, in the order in which lines refer to it."""
    return [
        {
            "type": "discount_code",
            "code": item.code,
            "title": item.title,
            "value": money.text(item.value) if item.value_type == "fixed_amount" else f"{item.value / 100:.1f}",
            "value_type": item.value_type,
            "allocation_method": "across",
            "target_selection": "all",
            "target_type": item.target_type,
        }
        for item in applications
    ]

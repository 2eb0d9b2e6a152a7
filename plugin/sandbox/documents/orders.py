"""Bodies of the order, refund and fulfillment topics (API 2026-10: no checkout_id, the customer without counters)."""

from plugin.sandbox import money, totals
from plugin.sandbox.documents.basics import Body, address, gid, stamp
from plugin.sandbox.documents.customers import short_customer
from plugin.sandbox.documents.lines import discount_applications, line, shipping_line, tax_lines
from plugin.sandbox.order_records import Application, Fulfillment, Order, Refund, RefundLine, Transaction
from plugin.sandbox.world import World


def order(world: World, record: Order) -> Body:
    """orders/create, updated, paid, cancelled, fulfilled."""
    buyer = world.customers.get(record.customer_id)
    return {
        **_identity(world, record),
        **_state(world, record),
        **_money(record),
        "email": record.email,
        "contact_email": record.email,
        "phone": record.phone,
        "buyer_accepts_marketing": record.accepts_marketing,
        "customer_locale": record.locale,
        **({"customer": short_customer(world, buyer)} if buyer else {}),
        "billing_address": address(record.billing_address),
        "shipping_address": address(record.shipping_address),
        "line_items": [line(record, item) for item in record.lines],
        "discount_codes": [_code(item) for item in record.applications],
        "discount_applications": discount_applications(record.applications),
        "shipping_lines": [shipping_line(record, item) for item in record.shipping_lines],
        "tax_lines": tax_lines(totals.tax(record), 1900) if record.lines else [],
        "fulfillments": [fulfillment(world, record, parcel) for parcel in record.fulfillments],
        "refunds": [refund(world, record, item) for item in record.refunds],
        "returns": [],
        "line_item_groups": [],
        "payment_gateway_names": sorted({t.gateway for t in record.transactions}),
        "payment_terms": None,
    }


def _code(item: Application) -> Body:
    return {"code": item.code, "amount": money.text(item.amount_minor), "type": item.value_type}


def _identity(world: World, record: Order) -> Body:
    return {
        "id": record.id,
        "admin_graphql_api_id": gid("Order", record.id),
        "name": record.name,
        "number": record.number - 1000,
        "order_number": record.number,
        "confirmation_number": record.token[:9].upper(),
        "token": record.token,
        "checkout_token": record.checkout_token,
        "cart_token": record.cart_token,
        "order_status_url": f"{world.store_url}/account/orders/{record.token}",
        "app_id": 580_111 if record.source_name == "web" else 129_785,
        "source_name": record.source_name,
        "source_identifier": None,
        "source_url": None,
        "location_id": None,
        "user_id": None,
        "device_id": None,
        "browser_ip": None,
        "client_details": None,
        "landing_site": None,
        "referring_site": None,
        "note": record.note,
        "note_attributes": [{"name": name, "value": value} for name, value in record.note_attributes.items()],
        "tags": ", ".join(record.tags),
    }


def _state(world: World, record: Order) -> Body:
    return {
        "financial_status": totals.financial_status(record),
        "fulfillment_status": totals.fulfillment_status(record),
        "confirmed": True,
        "test": record.test,
        "cancelled_at": stamp(world, record.cancelled_at),
        "cancel_reason": record.cancel_reason,
        "closed_at": stamp(world, record.closed_at),
        "processed_at": stamp(world, record.processed_at),
        "created_at": stamp(world, record.created_at),
        "updated_at": stamp(world, record.updated_at),
    }


def _money(record: Order) -> Body:
    full = sum(item.price_minor * item.quantity for item in totals.original_lines(record))
    both = {
        "subtotal_price": totals.subtotal(record),
        "total_price": totals.total(record),
        "total_tax": totals.tax(record),
        "total_discounts": totals.discounts(record),
        "total_line_items_price": full,
        "current_subtotal_price": totals.current_subtotal(record),
        "current_total_price": totals.current_total(record),
        "current_total_discounts": totals.current_discounts(record),
        "current_total_tax": totals.current_tax(record),
    }
    body: Body = {"currency": money.CURRENCY, "presentment_currency": money.CURRENCY, "taxes_included": True}
    for name, minor in both.items():
        body |= {name: money.text(minor), f"{name}_set": money.money_set(minor)}
    return body | {
        "total_shipping_price_set": money.money_set(totals.shipping(record)),
        "current_shipping_price_set": money.money_set(totals.current_shipping(record)),
        "total_outstanding": money.text(totals.outstanding(record)),
        "total_tip_received": "0.00",
        "total_cash_rounding_payment_adjustment_set": money.money_set(0),
        "total_cash_rounding_refund_adjustment_set": money.money_set(0),
        "total_weight": sum(item.grams * item.quantity for item in record.lines),
        "tax_exempt": False,
        "estimated_taxes": False,
        "duties_included": False,
    }


def edit(world: World, record: Order, edit_id: int, additions: dict[int, int], removals: dict[int, int]) -> Body:
    """orders/edited: what changed, by line id, and not how the order is now."""
    return {
        "order_edit": {
            "id": edit_id,
            "app_id": None,
            "created_at": stamp(world, world.now()),
            "committed_at": stamp(world, world.now()),
            "notify_customer": False,
            "order_id": record.id,
            "staff_note": "",
            "user_id": None,
            "line_items": {
                "additions": [{"id": key, "delta": delta} for key, delta in additions.items()],
                "removals": [{"id": key, "delta": delta} for key, delta in removals.items()],
            },
            "discounts": {"line_item": {"additions": [], "removals": []}},
            "shipping_lines": {"additions": [], "removals": []},
        }
    }


def refund(world: World, record: Order, item: Refund) -> Body:
    """refunds/create, and one entry of an order's `refunds`."""
    return {
        "id": item.id,
        "admin_graphql_api_id": gid("Refund", item.id),
        "order_id": record.id,
        "created_at": stamp(world, item.created_at),
        "processed_at": stamp(world, item.created_at),
        "note": item.note,
        "user_id": None,
        "restock": item.restock,
        "return": None,
        "duties": [],
        "total_duties_set": money.money_set(0),
        "refund_line_items": [_refund_line(world, record, part) for part in item.lines],
        "refund_shipping_lines": [_refund_shipping(item, record)] if item.shipping_minor else [],
        "order_adjustments": [_adjustment(item, record)] if item.extra_minor else [],
        "transactions": [transaction(world, record, part) for part in item.transactions],
    }


def _refund_line(world: World, record: Order, part: RefundLine) -> Body:
    bought = next(item for item in record.lines if item.id == part.line_id)
    return {
        "id": part.id,
        "quantity": part.quantity,
        "line_item_id": part.line_id,
        "location_id": world.shop.location_id if part.restock_type != "no_restock" else None,
        "restock_type": part.restock_type,
        "subtotal": part.subtotal_minor / 100,
        "total_tax": part.tax_minor / 100,
        "subtotal_set": money.money_set(part.subtotal_minor),
        "total_tax_set": money.money_set(part.tax_minor),
        "line_item": line(record, bought),
    }


def _refund_shipping(item: Refund, record: Order) -> Body:
    return {
        "id": item.id + 1,
        "shipping_line": shipping_line(record, record.shipping_lines[0]) if record.shipping_lines else None,
        "subtotal_amount_set": money.money_set(item.shipping_minor),
        "tax_amount_set": money.money_set(money.tax_inside(item.shipping_minor, 1900)),
    }


def _adjustment(item: Refund, record: Order) -> Body:
    return {
        "id": item.id + 2,
        "order_id": record.id,
        "refund_id": item.id,
        "kind": "refund_discrepancy",
        "reason": "Refund discrepancy",
        "amount": money.text(-item.extra_minor),
        "amount_set": money.money_set(-item.extra_minor),
        "tax_amount": "0.00",
        "tax_amount_set": money.money_set(0),
    }


def transaction(world: World, record: Order, item: Transaction) -> Body:
    """order_transactions/create, and one entry of a refund's `transactions`."""
    return {
        "id": item.id,
        "admin_graphql_api_id": gid("OrderTransaction", item.id),
        "order_id": record.id,
        "kind": item.kind,
        "gateway": item.gateway,
        "status": item.status,
        "amount": money.text(item.amount_minor),
        "currency": money.CURRENCY,
        "parent_id": item.parent_id,
        "payment_id": f"{record.name}.{record.transactions.index(item) + 1 if item in record.transactions else 2}",
        "error_code": None,
        "message": None,
        "test": record.test,
        "created_at": stamp(world, item.created_at),
        "processed_at": stamp(world, item.created_at),
    }


def fulfillment(world: World, record: Order, parcel: Fulfillment) -> Body:
    """fulfillments/create and update, and one entry of an order's `fulfillments`."""
    number = record.fulfillments.index(parcel) + 1
    sent = [item for item in record.lines if parcel.quantities.get(item.id)]
    return {
        "id": parcel.id,
        "admin_graphql_api_id": gid("Fulfillment", parcel.id),
        "order_id": record.id,
        "name": f"{record.name}.{number}",
        "status": parcel.status,
        "shipment_status": parcel.shipment_status,
        "service": "manual",
        "tracking_company": parcel.tracking_company,
        "tracking_number": parcel.tracking_number,
        "tracking_numbers": [parcel.tracking_number] if parcel.tracking_number else [],
        "tracking_url": None,
        "tracking_urls": [],
        "email": record.email,
        "destination": address(record.shipping_address),
        "location_id": world.shop.location_id,
        "origin_address": None,
        "receipt": {},
        "line_items": [line(record, item) | {"quantity": parcel.quantities[item.id]} for item in sent],
        "created_at": stamp(world, parcel.created_at),
        "updated_at": stamp(world, parcel.updated_at),
    }

"""Bodies of the shop, app, discount, bulk and compliance topics."""

from plugin.sandbox import money
from plugin.sandbox.app_records import BulkOperation
from plugin.sandbox.documents.basics import Body, gid, stamp, utc_stamp
from plugin.sandbox.records import Customer, Discount
from plugin.sandbox.world import World


def shop(world: World) -> Body:
    """shop/update and app/uninstalled."""
    record = world.shop
    return {
        "id": record.number,
        "name": record.name,
        "email": record.email,
        "customer_email": record.email,
        "shop_owner": record.owner,
        "domain": record.domain,
        "myshopify_domain": record.domain,
        "address1": record.address1,
        "address2": None,
        "city": record.city,
        "zip": record.zip,
        "province": None,
        "province_code": None,
        "country": record.country_code,
        "country_code": record.country_code,
        "country_name": record.country,
        "phone": record.phone,
        "primary_locale": record.locale,
        "timezone": f"(GMT+01:00) {record.time_zone}",
        "iana_timezone": record.time_zone,
        "currency": money.CURRENCY,
        "enabled_presentment_currencies": [money.CURRENCY],
        "money_format": "€{{amount}}",
        "money_with_currency_format": "€{{amount}} EUR",
        "weight_unit": "kg",
        "taxes_included": True,
        "plan_name": record.plan.lower(),
        "plan_display_name": record.plan,
        "primary_location_id": record.location_id,
        "password_enabled": False,
        "has_storefront": True,
        "created_at": stamp(world, record.created_at),
        "updated_at": stamp(world, record.updated_at),
    }


def scopes_update(world: World, previous: list[str], current: list[str]) -> Body:
    """app/scopes_update."""
    return {
        "id": world.installation.number if world.installation else 0,
        "shop_id": gid("Shop", world.shop.number),
        "previous": previous,
        "current": current,
        "updated_at": utc_stamp(world.now()),
    }


def discount(world: World, record: Discount) -> Body:
    """discounts/create and discounts/update."""
    ended = record.ends_at is not None and record.ends_at <= world.now()
    return {
        "admin_graphql_api_id": gid("DiscountCodeNode", record.id),
        "title": record.title,
        "status": "EXPIRED" if ended else "SCHEDULED" if record.starts_at > world.now() else "ACTIVE",
        "created_at": utc_stamp(record.created_at),
        "updated_at": utc_stamp(record.updated_at),
    }


def bulk_finished(world: World, record: BulkOperation) -> Body:
    """bulk_operations/finish; it carries no address of the result."""
    return {
        "admin_graphql_api_id": gid("BulkOperation", record.id),
        "completed_at": stamp(world, record.completed_at),
        "created_at": stamp(world, record.created_at),
        "error_code": record.error_code.lower() if record.error_code else None,
        "status": record.status.lower(),
        "type": "query",
    }


def compliance(world: World, topic: str, customer: Customer | None) -> Body:
    """customers/data_request, customers/redact (both need a customer) and shop/redact."""
    body: Body = {"shop_id": world.shop.number, "shop_domain": world.shop.domain}
    if topic == "shop/redact" or customer is None:
        return body
    orders = [order.id for order in world.orders.by("customer", customer.id)]
    body["customer"] = {"id": customer.id, "email": customer.email, "phone": customer.phone}
    if topic == "customers/redact":
        return body | {"orders_to_redact": orders}
    return body | {"orders_requested": orders, "data_request": {"id": world.next_number("data_request", 9_001)}}

"""Bodies of the customer topics. They carry no tags, no consent and no counters: those have topics of their own."""

from plugin.sandbox import money, totals
from plugin.sandbox.documents.basics import Body, gid, stamp, utc_stamp
from plugin.sandbox.order_records import Order
from plugin.sandbox.records import Address, Customer
from plugin.sandbox.world import World


def customer(world: World, record: Customer) -> Body:
    """customers/create, update, enable, disable."""
    return short_customer(world, record) | {"addresses": [_address(record, item) for item in record.addresses]}


def short_customer(world: World, record: Customer) -> Body:
    """The customer inside an order or checkout: as in the topic, without the list of addresses."""
    body: Body = {
        "id": record.id,
        "admin_graphql_api_id": gid("Customer", record.id),
        "created_at": stamp(world, record.created_at),
        "updated_at": stamp(world, record.updated_at),
        "first_name": record.first_name,
        "last_name": record.last_name,
        "state": record.state,
        "note": record.note,
        "verified_email": record.verified_email,
        "multipass_identifier": None,
        "tax_exempt": record.tax_exempt,
        "tax_exemptions": [],
        "email": record.email,
        "phone": record.phone,
        "currency": money.CURRENCY,
    }
    return body | ({"default_address": _address(record, record.addresses[0])} if record.addresses else {})


def _address(owner: Customer, record: Address) -> Body:
    return {
        "id": record.id,
        "customer_id": owner.id,
        "first_name": record.first_name,
        "last_name": record.last_name,
        "name": " ".join(filter(None, (record.first_name, record.last_name))),
        "company": record.company,
        "address1": record.address1,
        "address2": record.address2,
        "city": record.city,
        "province": record.province,
        "province_code": record.province_code,
        "country": record.country,
        "country_code": record.country_code,
        "country_name": record.country,
        "zip": record.zip,
        "phone": record.phone,
        "default": record is owner.addresses[0],
    }


def deleted_customer(record: Customer) -> Body:
    """customers/delete."""
    return {"id": record.id, "admin_graphql_api_id": gid("Customer", record.id), "tax_exemptions": []}


def merged_customers(kept: Customer, gone: Customer, job_id: str) -> Body:
    """customers/merge of one that was done."""
    return {
        "admin_graphql_api_customer_kept_id": gid("Customer", kept.id),
        "admin_graphql_api_customer_deleted_id": gid("Customer", gone.id),
        "admin_graphql_api_job_id": gid("Job", job_id),
        "status": "success",
        "errors": [],
    }


def tags_changed(world: World, record: Customer, tags: list[str]) -> Body:
    """customer.tags_added and customer.tags_removed."""
    return {"customerId": gid("Customer", record.id), "tags": tags, "occurredAt": utc_stamp(world.now())}


def email_consent(world: World, record: Customer) -> Body:
    """customers_email_marketing_consent/update."""
    consent = record.email_consent
    return {
        "customer_id": record.id,
        "email_address": record.email,
        "email_marketing_consent": {
            "state": consent.state,
            "opt_in_level": consent.opt_in_level,
            "consent_updated_at": stamp(world, consent.updated_at),
        },
    }


def sms_consent(world: World, record: Customer) -> Body:
    """customers_marketing_consent/update, which names the customer `id`."""
    consent = record.sms_consent
    return {
        "id": record.id,
        "phone": record.phone,
        "sms_marketing_consent": {
            "state": consent.state,
            "opt_in_level": consent.opt_in_level,
            "consent_updated_at": stamp(world, consent.updated_at),
            "consent_collected_from": consent.collected_from or "other",
        },
    }


def counted_orders(world: World, customer_id: int) -> list[Order]:
    """A customer's orders, oldest first, without test orders."""
    return [order for order in world.orders.by("customer", customer_id) if not order.test]


def spent(world: World, customer_id: int) -> int:
    """What the customer paid and was not given back, in minor units."""
    orders = counted_orders(world, customer_id)
    return sum(max(0, totals.received(order) - totals.given_back(order)) for order in orders)


def purchasing_summary(world: World, customer_id: int) -> Body:
    """customers/purchasing_summary."""
    orders = counted_orders(world, customer_id)
    return {
        "customerId": gid("Customer", customer_id),
        "numberOfOrders": len(orders),
        "amountSpent": {"amount": money.text(spent(world, customer_id)), "currencyCode": money.CURRENCY},
        "lastOrderId": gid("Order", orders[-1].id) if orders else None,
        "occurredAt": utc_stamp(world.now()),
    }

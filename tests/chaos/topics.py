"""What each topic tells in the crash tests: news about somebody known, and where it can be, about somebody new."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from plugin.shops.models import Shop
from tests import payloads
from tests.chaos import graph

LATER = payloads.at(16)
CONSENT = {"state": "unsubscribed", "opt_in_level": "single_opt_in", "consent_updated_at": LATER}

Told = list[Any]


def before(shop: Shop) -> list[tuple[str, Any]]:
    """What the shop knew: two customers, orders of both, one partly refunded, a product, a cart left behind.

    No two stores send the same bytes, however alike they are.
    """
    return [(topic, body | {"told_by": shop.domain}) for topic, body in _before()]


def _before() -> list[tuple[str, Any]]:
    subscribed = CONSENT | {"state": "subscribed", "consent_updated_at": payloads.at(9)}
    return [
        ("customers/create", payloads.customer()),
        ("customers/create", payloads.customer(502)),
        ("customers_email_marketing_consent/update", {"customer_id": 501, "email_marketing_consent": subscribed}),
        ("products/create", payloads.product()),
        ("orders/paid", payloads.order()),
        ("orders/paid", payloads.order(1002, 502, line_items=[payloads.line(902)])),
        ("orders/paid", payloads.order(1003, processed_at=payloads.at(12), line_items=[payloads.line(903)])),
        ("refunds/create", payloads.refund(2009, 1003) | {"refund_line_items": _back(2009, 903)}),
        ("fulfillments/create", _fulfillment(3001, "pending")),
        ("inventory_levels/update", _level(5, payloads.at(9))),
        ("checkouts/create", payloads.checkout()),
    ]


def _back(refund_id: int, line_id: int) -> list[dict[str, Any]]:
    [line] = payloads.refund(refund_id)["refund_line_items"]
    return [line | {"line_item_id": line_id}]


def _fulfillment(id: int, status: str, order_id: int = 1001) -> dict[str, Any]:
    told = {"id": id, "order_id": order_id, "status": status, "tracking_number": "T1", "updated_at": LATER}
    return told | {"created_at": payloads.at(11)}


def _level(available: int, at: str, item: int = 7201) -> dict[str, Any]:
    return {"inventory_item_id": item, "location_id": 11, "available": available, "updated_at": at}


def _customer(**changed: Any) -> Told:
    return [
        payloads.customer(first_name="Thị", updated_at=LATER, **changed),
        payloads.customer(509, first_name="Nobody yet"),
    ]


def _order(**changed: Any) -> Told:
    """The order goes to another customer and loses a bag; another comes for somebody unknown."""
    bought = payloads.order(1001, 502, updated_at=LATER, refunds=[payloads.refund()], **changed)
    return [bought | {"line_items": [payloads.line(current_quantity=1)]}, _of_a_stranger()]


def _of_a_stranger() -> dict[str, Any]:
    body = payloads.order(1009, 509, line_items=[payloads.line(909)])
    return body | {"customer": {"id": 509}}


def _named(shop: Shop, **more: Any) -> Told:
    person = {"id": 501, "email": "person501@example.com", "phone": None}
    return [{"shop_id": shop.store_id, "shop_domain": shop.domain, "customer": person} | more]


def _described(shop: Shop) -> Told:
    told = {"id": shop.store_id, "name": "New name", "currency": "EUR", "iana_timezone": "Europe/Warsaw"}
    return [told | {"domain": "roasters.example", "updated_at": LATER}]


def _tags(shop: Shop) -> Told:
    return [{"customerId": graph.gid("Customer", id), "tags": ["vip"], "occurredAt": LATER} for id in (501, 509)]


def _abandoned(token: str, customer_id: int) -> dict[str, Any]:
    link = payloads.checkout(token)["abandoned_checkout_url"]
    told = {"id": graph.gid("AbandonedCheckout", customer_id), "abandonedCheckoutUrl": link}
    return told | {"customer": {"id": graph.gid("Customer", customer_id)}, "createdAt": LATER, "updatedAt": LATER}


def _summary(shop: Shop) -> Told:
    amount = {"amountSpent": {"amount": "400.00", "currencyCode": "EUR"}, "occurredAt": LATER}
    return [{"customerId": graph.gid("Customer", 501), "numberOfOrders": 12} | amount]


TOLD: Final[dict[str, Callable[[Shop], Told]]] = {
    "customers/create": lambda shop: _customer(),
    "customers/update": lambda shop: _customer(tags="vip, b2b", email_marketing_consent=CONSENT),
    "customers/delete": lambda shop: [{"id": 501}, {"id": 509}],
    "customers/merge": lambda shop: [
        {
            "admin_graphql_api_customer_kept_id": graph.gid("Customer", 502),
            "admin_graphql_api_customer_deleted_id": graph.gid("Customer", 501),
            "status": "COMPLETED",
        }
    ],
    "customers_email_marketing_consent/update": lambda shop: [
        {"customer_id": id, "email_marketing_consent": CONSENT} for id in (501, 509)
    ],
    "customers_marketing_consent/update": lambda shop: [
        {"id": id, "sms_marketing_consent": CONSENT} for id in (501, 509)
    ],
    "customer.tags_added": _tags,
    "customer.tags_removed": _tags,
    "customers/purchasing_summary": _summary,
    "orders/create": lambda shop: _order(),
    "orders/updated": lambda shop: _order(tags="gift"),
    "orders/paid": lambda shop: _order(checkout_token="c0ffee"),
    "orders/cancelled": lambda shop: _order(cancelled_at=LATER),
    "orders/fulfilled": lambda shop: _order(fulfillments=[_fulfillment(3001, "success")]),
    "orders/edited": lambda shop: [{"order_edit": {"id": 5, "order_id": id}} for id in (1001, 1009)],
    "orders/delete": lambda shop: [{"id": 1001}, {"id": 1009}],
    "refunds/create": lambda shop: [payloads.refund(), payloads.refund(2008, 1009)],
    "checkouts/create": lambda shop: [payloads.checkout("a-new-one"), payloads.checkout("a-stranger", 509)],
    "checkouts/update": lambda shop: [
        payloads.checkout(updated_at=LATER),
        payloads.checkout("paid", completed_at=LATER),
    ],
    "checkouts/delete": lambda shop: [{"id": 5, "cart_token": "cart-c0ffee"}],
    "fulfillments/create": lambda shop: [_fulfillment(3002, "success"), _fulfillment(3003, "success", 1009)],
    "fulfillments/update": lambda shop: [_fulfillment(3001, "success")],
    "products/create": lambda shop: [payloads.product(7009)],
    "products/update": lambda shop: [payloads.product(title="Kirinyaga AB", updated_at=LATER)],
    "products/delete": lambda shop: [{"id": 7001}, {"id": 7009}],
    "collections/create": lambda shop: [{"id": 8009, "title": "Filter", "handle": "filter", "updated_at": LATER}],
    "collections/update": lambda shop: [{"id": 8001, "title": "Espresso", "handle": "espresso", "updated_at": LATER}],
    "collections/delete": lambda shop: [{"id": 8001}, {"id": 8009}],
    "inventory_levels/update": lambda shop: [_level(0, LATER), _level(3, LATER, 7209)],
    "shop/update": _described,
    "app/uninstalled": lambda shop: [{"id": shop.store_id, "domain": shop.domain}],
    "app/scopes_update": lambda shop: [{"current": ["read_orders"], "updated_at": LATER}],
    "bulk_operations/finish": lambda shop: [{"admin_graphql_api_id": graph.gid("BulkOperation", 1)}],
    "customers/data_request": lambda shop: _named(shop, orders_requested=[1001], data_request={"id": 9}),
    "customers/redact": lambda shop: _named(shop, orders_to_redact=[1001]),
    "shop/redact": lambda shop: [{"shop_id": shop.store_id, "shop_domain": shop.domain}],
    "fetched/customers": lambda shop: [graph.customer(body, "UNSUBSCRIBED", LATER) for body in _customer()],
    "fetched/orders": lambda shop: [graph.whole_order(body) for body in (_order()[0], payloads.order(1009, 509))],
    "fetched/products": lambda shop: [graph.product(payloads.product(title="Kirinyaga AB", updated_at=LATER))],
    "fetched/checkouts": lambda shop: [_abandoned("c0ffee", 501), _abandoned("a-new-one", 509)],
    "absent/customers": lambda shop: [{"id": 501}, {"id": 509}],
    "absent/orders": lambda shop: [{"id": 1001}, {"id": 1009}],
    "absent/products": lambda shop: [{"id": 7001}, {"id": 7009}],
}

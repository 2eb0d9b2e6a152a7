"""`/_control/…` for what happens in a shop: orders, checkouts, products, customers, as JSON."""

from typing import Any

from flask import Blueprint, Response, jsonify, request

from plugin.sandbox import checkouts, customer_merging, customers, fulfillments, money, orders, products, refunds, shop
from plugin.sandbox.control.bodies import asked, lines_of, whole_number
from plugin.sandbox.documents import checkouts as checkout_documents
from plugin.sandbox.documents import customers as customer_documents
from plugin.sandbox.documents import misc as misc_documents
from plugin.sandbox.documents import orders as order_documents
from plugin.sandbox.documents import products as product_documents
from plugin.sandbox.runtime import sandbox

blueprint = Blueprint("trade", __name__, url_prefix="/_control")


@blueprint.post("/orders")
def place_order() -> Response:
    """Place an order as the storefront would."""
    body, world = asked(), sandbox().world
    order = orders.place_order(
        world,
        lines=lines_of(body),
        customer_id=whole_number(body, "customer_id"),
        email=body.get("email"),
        discount_code=body.get("discount_code"),
        checkout_token=body.get("checkout_token"),
        paid=bool(body.get("paid", True)),
        test=bool(body.get("test", False)),
    )
    return jsonify(order_documents.order(world, order))


@blueprint.post("/orders/<int:order_id>/<any(refund,cancel,fulfill,pay):verb>")
def change_order(order_id: int, verb: str) -> Response:
    """Refund lines (or all), cancel, send or take the money; answers with the order as it is then."""
    body, world = asked(), sandbox().world
    wanted = {int(line["line_item_id"]): int(line["quantity"]) for line in body.get("lines", [])} or None
    if verb == "refund":
        extra = money.minor(body.get("amount", 0))
        refunds.refund(world, order_id, wanted, extra_minor=extra, restock=bool(body.get("restock", True)))
    elif verb == "cancel":
        refunds.cancel(world, order_id, reason=body.get("reason", "customer"))
    elif verb == "fulfill":
        fulfillments.fulfil(world, order_id, wanted)
    else:
        orders.pay_order(world, order_id)
    return jsonify(order_documents.order(world, world.orders[order_id]))


@blueprint.get("/orders/<int:order_id>")
def order(order_id: int) -> Response:
    """An order as the app's webhooks carry it."""
    world = sandbox().world
    return jsonify(order_documents.order(world, world.orders[order_id]))


@blueprint.post("/products")
def add_product() -> Response:
    """Add a product with one variant; `price` is an amount in euros."""
    body, world = asked(), sandbox().world
    product = products.add_product(
        world,
        title=str(body.get("title", "")),
        product_type=str(body.get("product_type", "")),
        tags=_tags(body.get("tags")),
        price_minor=money.minor(body.get("price", 0)),
        publish=bool(body.get("publish", True)),
    )
    return jsonify(product_documents.product(world, product))


def _tags(tags: Any) -> list[str]:
    listed = tags.split(",") if isinstance(tags, str) else tags or []
    return [str(tag).strip() for tag in listed if str(tag).strip()]


@blueprint.get("/products")
def list_products() -> Response:
    """The first products of the catalogue, as the app's webhooks carry them."""
    world = sandbox().world
    found = list(world.products)[: request.args.get("limit", 50, type=int)]
    return jsonify(products=[product_documents.product(world, product) for product in found])


@blueprint.post("/checkouts")
def save_checkout() -> Response:
    """Begin a checkout and leave it, or change one by `token`."""
    body, world = asked(), sandbox().world
    checkout = checkouts.save_checkout(
        world,
        body.get("token"),
        lines=lines_of(body) if body.get("lines") else None,
        customer_id=whole_number(body, "customer_id"),
        email=body.get("email"),
        accepts_marketing=body.get("accepts_marketing"),
        code=body.get("discount_code"),
    )
    return jsonify(checkout_documents.checkout(world, checkout))


@blueprint.post("/checkouts/<token>/complete")
def complete_checkout(token: str) -> Response:
    """Turn a checkout into a paid order."""
    world = sandbox().world
    return jsonify(order_documents.order(world, checkouts.complete_checkout(world, token)))


@blueprint.get("/customers")
def list_customers() -> Response:
    """The first customers (`limit`, 50), or those with `email`."""
    world, address = sandbox().world, request.args.get("email")
    found = world.customers.by("email", address.lower()) if address else list(world.customers)
    limit = request.args.get("limit", 50, type=int)
    return jsonify(customers=[_customer(customer.id) for customer in found[:limit]])


def _customer(customer_id: int) -> dict[str, Any]:
    world = sandbox().world
    customer = world.customers[customer_id]
    return customer_documents.customer(world, customer) | {
        "tags": customer.tags,
        "email_marketing_state": customer.email_consent.state,
        "orders_count": len(customer_documents.counted_orders(world, customer_id)),
        "total_spent": money.text(customer_documents.spent(world, customer_id)),
    }


@blueprint.post("/customers")
def save_customer() -> Response:
    """Make a customer, or change the one with `id`: email, names, phone, tags, `accepts_marketing`."""
    body, world = asked(), sandbox().world
    given = {name: body.get(name) for name in CUSTOMER_FIELDS}
    customer = customers.save_customer(world, whole_number(body, "id"), **given)
    return jsonify(_customer(customer.id))


CUSTOMER_FIELDS = ("email", "first_name", "last_name", "phone", "note", "locale", "tags", "accepts_marketing")


@blueprint.post("/customers/merge")
def merge() -> Response:
    """Make one customer of two: `kept_id` stays, `gone_id` goes."""
    body, world = asked(), sandbox().world
    kept_id, gone_id = whole_number(body, "kept_id"), whole_number(body, "gone_id")
    kept = customer_merging.merge_customers(world, kept_id or 0, gone_id or 0)
    return jsonify(_customer(kept.id))


@blueprint.delete("/customers/<int:customer_id>")
def delete_customer(customer_id: int) -> Response:
    """Remove a customer without orders."""
    customers.delete_customer(sandbox().world, customer_id)
    return jsonify(deleted=customer_id)


@blueprint.delete("/orders/<int:order_id>")
def delete_order(order_id: int) -> Response:
    """Remove an order altogether."""
    orders.delete_order(sandbox().world, order_id)
    return jsonify(deleted=order_id)


@blueprint.post("/orders/<int:order_id>/edit")
def edit_order(order_id: int) -> Response:
    """Edit: `lines` [{"line_item_id", "quantity"}] sets current quantities, `add` takes variants."""
    body, world = asked(), sandbox().world
    wanted = {int(line["line_item_id"]): int(line["quantity"]) for line in body.get("lines", [])}
    orders.edit_order(world, order_id, quantities=wanted, add=lines_of({"lines": body.get("add", [])}))
    return jsonify(order_documents.order(world, world.orders[order_id]))


@blueprint.post("/orders/<int:order_id>/shipment")
def save_shipment(order_id: int) -> Response:
    """Note where the last parcel is: `status` in_transit, delivered …"""
    world = sandbox().world
    parcels = world.orders[order_id].fulfillments
    last = parcels[-1].id if parcels else 0
    fulfillments.save_shipment_status(world, order_id, last, str(asked().get("status", "delivered")))
    return jsonify(order_documents.order(world, world.orders[order_id]))


@blueprint.delete("/checkouts/<token>")
def delete_checkout(token: str) -> Response:
    """Remove a checkout."""
    checkouts.delete_checkout(sandbox().world, token)
    return jsonify(deleted=token)


@blueprint.post("/products/<int:product_id>")
def save_product(product_id: int) -> Response:
    """Change title, product_type, tags or status."""
    body, world = asked(), sandbox().world
    tags = _tags(body["tags"]) if "tags" in body else None
    given = {name: body.get(name) for name in ("title", "product_type", "status")}
    return jsonify(product_documents.product(world, products.save_product(world, product_id, tags=tags, **given)))


@blueprint.delete("/products/<int:product_id>")
def delete_product(product_id: int) -> Response:
    """Remove a product."""
    products.delete_product(sandbox().world, product_id)
    return jsonify(deleted=product_id)


@blueprint.post("/shop")
def save_shop() -> Response:
    """Change name, email or time_zone of the store."""
    body, world = asked(), sandbox().world
    shop.save_shop(world, **{name: body.get(name) for name in ("name", "email", "time_zone")})
    return jsonify(misc_documents.shop(world))

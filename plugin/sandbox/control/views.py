"""`/_control/…`: the store's levers as JSON, for tests and the demo. Loopback only, no sign-in."""

from typing import Any

from flask import Blueprint, Response, jsonify, request

from plugin.sandbox import checkouts, fulfillments, money, orders, products, refunds
from plugin.sandbox.app_records import Delivery, Faults
from plugin.sandbox.control.bodies import lines_of, whole_number
from plugin.sandbox.documents import checkouts as checkout_documents
from plugin.sandbox.documents import customers as customer_documents
from plugin.sandbox.documents import misc as misc_documents
from plugin.sandbox.documents import orders as order_documents
from plugin.sandbox.documents import products as product_documents
from plugin.sandbox.errors import NotFound, Refused
from plugin.sandbox.runtime import sandbox
from plugin.sandbox.wire import grants
from plugin.sandbox.wire.sessions import id_token, launch_url

blueprint = Blueprint("control", __name__, url_prefix="/_control")

COMPLIANCE = ("customers/data_request", "customers/redact", "shop/redact")


def asked() -> dict[str, Any]:
    """The JSON object of the request; `Refused` when it is something else."""
    body = request.get_json(force=True, silent=True) if request.get_data() else {}
    if not isinstance(body, dict):
        raise Refused("Send a JSON object")
    return body


@blueprint.post("/install")
def install() -> Response:
    """Grant what app.toml asks for; optional scopes too, unless `optional_scopes` lists others."""
    store = sandbox()
    optional = asked().get("optional_scopes", list(store.declaration.optional_scopes))
    grants.install(store.world, [*store.declaration.scopes, *optional])
    return jsonify(launch_url=launch_url(store.settings, store.world.shop.domain))


@blueprint.post("/uninstall")
def uninstall() -> Response:
    """What the merchant's click on Uninstall does."""
    grants.uninstall(sandbox().world)
    return jsonify(installed=False)


@blueprint.get("/id_token")
def fresh_id_token() -> Response:
    """A session token as App Bridge would give it out."""
    return jsonify(id_token=id_token(sandbox().settings, sandbox().world.shop.domain))


@blueprint.get("/launch_url")
def fresh_launch_url() -> Response:
    """The app's address for the iframe; `path` opens another page than the first."""
    path = request.args.get("path", "/")
    return jsonify(launch_url=launch_url(sandbox().settings, sandbox().world.shop.domain, path))


@blueprint.route("/faults", methods=["GET", "POST"])
def faults() -> Response:
    """Read or set the webhook switches; what is left out goes back to off."""
    world = sandbox().world
    if request.method == "POST":
        body = asked()
        with world.change():
            world.faults_records.keep(
                Faults(
                    drop=float(body.get("drop", 0)),
                    duplicate=float(body.get("duplicate", 0)),
                    delay_seconds=float(body.get("delay_seconds", 0)),
                    shuffle=bool(body.get("shuffle", False)),
                )
            )
    now = world.faults
    return jsonify(drop=now.drop, duplicate=now.duplicate, delay_seconds=now.delay_seconds, shuffle=now.shuffle)


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


@blueprint.post("/compliance/<path:topic>")
def compliance(topic: str) -> Response:
    """Send a compliance topic now; the two about customers want `customer_id`."""
    world = sandbox().world
    if topic not in COMPLIANCE:
        raise NotFound(f"No compliance topic {topic}")
    customer_id = whole_number(asked(), "customer_id")
    if customer_id is None and topic != "shop/redact":
        raise Refused("customer_id is missing", field=("customer_id",))
    with world.change():
        customer = world.customers[customer_id] if customer_id else None
        delivery = world.queue(topic, misc_documents.compliance(world, topic, customer))
    return jsonify(webhook_id=delivery.id)


@blueprint.get("/summary")
def summary() -> Response:
    """How much of everything there is."""
    store = sandbox()
    counts = {table.kind: len(table) for table in store.world.tables}
    states = {state: store.world.deliveries.count("state", state) for state in DELIVERY_STATES}
    return jsonify(counts=counts, webhooks=states, installed=store.world.installation is not None)


DELIVERY_STATES = ("pending", "delivered", "failed", "dropped")


@blueprint.get("/webhooks")
def webhooks() -> Response:
    """The newest deliveries (`limit`, 100; `topic`), with every attempt."""
    topic, limit = request.args.get("topic"), request.args.get("limit", 100, type=int)
    world = sandbox().world
    newest = world.deliveries.newest(len(world.deliveries))
    found = [_delivery(delivery) for delivery in newest if topic in (None, delivery.topic)]
    return jsonify(webhooks=found[:limit])


def _delivery(delivery: Delivery) -> dict[str, Any]:
    return {
        "id": delivery.id,
        "topic": delivery.topic,
        "state": delivery.state,
        "event_id": delivery.event_id,
        "triggered_at": delivery.triggered_at.isoformat(),
        "attempts": len(delivery.attempts),
        "status": delivery.attempts[-1].status if delivery.attempts else None,
        "error": delivery.attempts[-1].error if delivery.attempts else None,
        "milliseconds": [attempt.milliseconds for attempt in delivery.attempts],
        "bytes": len(delivery.body),
    }


@blueprint.post("/flush")
def flush() -> Response:
    """Send everything that waits now; `waiting` counts what failed and will be tried again."""
    return jsonify(waiting=sandbox().courier.flush())

"""`/_control/…`: the store's levers as JSON, for tests and the demo. Loopback only, no sign-in."""

from typing import Any

from flask import Blueprint, Response, jsonify, request

from plugin.sandbox.admin_api.bulk_faults import fault_of
from plugin.sandbox.admin_api.faults import Fault
from plugin.sandbox.app_records import Delivery, Faults
from plugin.sandbox.control.bodies import asked, whole_number
from plugin.sandbox.documents import misc as misc_documents
from plugin.sandbox.errors import NotFound, Refused
from plugin.sandbox.runtime import sandbox
from plugin.sandbox.wire import grants
from plugin.sandbox.wire.sessions import id_token, launch_url

blueprint = Blueprint("control", __name__, url_prefix="/_control")

COMPLIANCE = ("customers/data_request", "customers/redact", "shop/redact")


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


@blueprint.post("/api_faults")
def api_faults() -> Response:
    """Let the next calls of the Admin API fail: `answers` [{"status", "retry_after"?, "after"? (acts first)}]."""
    answers = asked().get("answers", [])
    try:
        wanted = [Fault(int(one["status"]), one.get("retry_after"), bool(one.get("after"))) for one in answers]
    except (KeyError, TypeError, ValueError) as broken:
        raise Refused("Each answer needs a status", field=("answers",)) from broken
    sandbox().api_faults.set(wanted)
    return jsonify(waiting=len(sandbox().api_faults))


@blueprint.route("/bulk", methods=["GET", "POST"])
def bulk() -> Response:
    """How the next bulk queries go: `operations`, each as in `admin_api/bulk_faults.py`. Answers with all there are."""
    store = sandbox()
    if request.method == "POST":
        try:
            store.bulk.faults.set([fault_of(told) for told in asked().get("operations", [])])
        except (TypeError, ValueError) as broken:
            raise Refused(str(broken), field=("operations",)) from broken
    told = [{"id": one.id, "status": one.status, "objects": one.object_count} for one in store.world.bulk_operations]
    return jsonify(waiting=len(store.bulk.faults), operations=told)


@blueprint.post("/bulk/cancel")
def cancel_bulk() -> Response:
    """What somebody does who stops every bulk query that runs."""
    bulk = sandbox().bulk
    running = [one.id for one in sandbox().world.bulk_operations if one.status in ("CREATED", "RUNNING")]
    return jsonify(cancelled=[bulk.cancel(id).id for id in running])


@blueprint.post("/bulk/expire")
def expire_bulk() -> Response:
    """What seven days do to the results there are."""
    world = sandbox().world
    with world.change():
        done = [one for one in world.bulk_operations if one.status == "COMPLETED"]
        for operation in done:
            operation.status = "EXPIRED"
            world.bulk_operations.keep(operation)
    return jsonify(expired=[operation.id for operation in done])


@blueprint.post("/throttle")
def throttle() -> Response:
    """Size (`maximum`, 2000) and refill (`restore`, 100 a second) of the Admin API's bucket, which is full again."""
    body = asked()
    sandbox().bucket.set(float(body.get("maximum", 2_000)), float(body.get("restore", 100)))
    return jsonify(sandbox().bucket.status())


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

"""The admin's first page and its settings: the installed app, webhook switches, the log of deliveries."""

from typing import Any

from flask import redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from plugin.sandbox import totals
from plugin.sandbox.admin.frame import blueprint, done, the_world
from plugin.sandbox.app_records import Faults
from plugin.sandbox.runtime import sandbox
from plugin.sandbox.wire import grants

MOST_DELIVERIES = 100


@blueprint.get("/admin")
@blueprint.get("/admin/")
def home() -> str:
    """The last days at a glance, and where to go."""
    world = the_world()
    newest = sorted(world.orders, key=lambda order: order.processed_at, reverse=True)
    recent = [order for order in newest if (world.now() - order.processed_at).days < 30]
    figures = {
        "Sales, 30 days": sum(map(totals.current_total, recent)),
        "Orders, 30 days": len(recent),
        "Customers": len(world.customers),
        "Left checkouts, 30 days": sum(
            not checkout.completed_at and (world.now() - checkout.created_at).days < 30 for checkout in world.checkouts
        ),
    }
    return render_template("admin/home.html", figures=figures, newest=newest[:6])


@blueprint.get("/admin/apps")
def apps() -> AnyResponse:
    """The list of apps is part of the settings."""
    return redirect("/admin/settings")


@blueprint.get("/admin/settings")
def settings() -> str:
    """The app with its scopes, the switches, what was delivered lately."""
    running = sandbox()
    return render_template(
        "admin/settings.html",
        faults=running.world.faults,
        deliveries=running.world.deliveries.newest(MOST_DELIVERIES),
        counts=delivery_counts(),
        waiting=running.courier.waiting(),
        topics=running.declaration.topics,
    )


def delivery_counts() -> dict[str, int]:
    """Deliveries by state."""
    found: dict[str, int] = {}
    for delivery in the_world().deliveries:
        found[delivery.state] = found.get(delivery.state, 0) + 1
    return found


@blueprint.post("/admin/settings/faults")
def save_faults() -> AnyResponse:
    """Set the webhook switches: shares in per cent, the delay in seconds."""
    form, world = request.form, the_world()
    with world.change():
        world.faults_records.keep(
            Faults(
                drop=_share(form.get("drop")),
                duplicate=_share(form.get("duplicate")),
                delay_seconds=_number(form.get("delay_seconds")),
                shuffle=bool(form.get("shuffle")),
            )
        )
    return done("Webhook switches saved")


def _share(percent: str | None) -> float:
    return min(1.0, _number(percent) / 100)


def _number(text: Any) -> float:
    try:
        return max(0.0, float(str(text or "0").replace(",", ".")))
    except ValueError:
        return 0.0


@blueprint.post("/admin/settings/flush")
def flush() -> AnyResponse:
    """Send everything that waits now."""
    left = sandbox().courier.flush(timeout=10)
    return done("Everything was delivered" if not left else f"{left} deliveries will be tried again")


@blueprint.post("/admin/settings/uninstall")
def uninstall() -> AnyResponse:
    """Remove the app; its tokens die and it hears of it."""
    grants.uninstall(the_world())
    return done("App uninstalled")

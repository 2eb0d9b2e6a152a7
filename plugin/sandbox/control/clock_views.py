"""The clock page and `/clock.json`."""

from flask import Blueprint, Response, jsonify, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from plugin.sandbox import clock
from plugin.sandbox.control.bodies import whole_number
from plugin.sandbox.errors import Refused
from plugin.sandbox.runtime import sandbox

blueprint = Blueprint("clock", __name__, template_folder="templates")

STEPS = ((3_600, "1 hour"), (86_400, "1 day"), (7 * 86_400, "7 days"), (30 * 86_400, "30 days"))
UNITS = {"minutes": 60, "hours": 3_600, "days": 86_400}
LONGEST_SECONDS = 3 * 366 * 86_400


@blueprint.get("/clock.json")
def read() -> Response:
    """Business time and its offset."""
    return jsonify(clock.state(sandbox()))


@blueprint.post("/clock.json")
def move() -> Response:
    """Move forward by `advance_seconds`; `app_told` is false when the app does not answer."""
    body = request.get_json(force=True, silent=True)
    seconds = whole_number(body, "advance_seconds") if isinstance(body, dict) else None
    told = clock.advance(sandbox(), _checked(seconds))
    return jsonify(clock.state(sandbox()) | {"app_told": told})


def _checked(seconds: int | None) -> int:
    if seconds is None or not 0 <= seconds <= LONGEST_SECONDS:
        raise Refused("advance_seconds must be a number from 0 to three years", field=("advance_seconds",))
    return seconds


@blueprint.get("/clock")
def page() -> str:
    """Big buttons for people."""
    world = sandbox().world
    return render_template(
        "clock.html",
        now=world.now(),
        zone=world.shop.time_zone,
        offset=world.offset_seconds,
        steps=STEPS,
        units=UNITS,
        problem=request.args.get("problem"),
    )


@blueprint.post("/clock")
def move_by_button() -> AnyResponse:
    """A button of the page was pressed."""
    amount = request.form.get("amount", type=int)
    seconds = amount * UNITS.get(request.form.get("unit", ""), 1) if amount is not None else None
    if seconds is None or not 0 < seconds <= LONGEST_SECONDS:
        return redirect("/clock?problem=amount")
    told = clock.advance(sandbox(), seconds)
    return redirect("/clock" if told else "/clock?problem=app")

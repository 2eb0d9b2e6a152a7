"""What every page of the store's admin shares: the blueprint, the navigation, who is asking, lists in pages."""

from typing import Any, TypeVar
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, flash, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from plugin.sandbox.errors import NotFound, Refused
from plugin.sandbox.runtime import sandbox
from plugin.sandbox.world import World

blueprint = Blueprint("admin", __name__, template_folder="templates")

PAGE_SIZE = 50
R = TypeVar("R")


def the_world() -> World:
    """The store's state."""
    return sandbox().world


@blueprint.context_processor
def frame() -> dict[str, Any]:
    """The shop, the app and its links for the frame around every page."""
    running = sandbox()
    return {
        "shop": running.world.shop,
        "app": running.declaration,
        "installation": running.world.installation,
        "install_url": f"/admin/oauth/install?client_id={running.settings.client_id}",
        "now": running.world.now(),
    }


@blueprint.before_request
def refuse_strangers() -> None:
    """A form on a page of somebody else must not press buttons in here."""
    origin = request.headers.get("Origin")
    if request.method == "POST" and origin and urlsplit(origin).netloc != request.host:
        abort(403)


@blueprint.errorhandler(NotFound)
def missing(error: NotFound) -> tuple[str, int]:
    """Addresses that lead nowhere."""
    return render_template("admin/missing.html", error=error), 404


@blueprint.errorhandler(Refused)
def refused(refusal: Refused) -> AnyResponse:
    """A rule of the store said no: back to where one came from, with the reason."""
    flash(str(refusal), "error")
    return redirect(back())


def back(otherwise: str = "/admin") -> str:
    """The page of this admin from which the request came."""
    came_from = urlsplit(request.headers.get("Referer", ""))
    inside = came_from.netloc == request.host and came_from.path.startswith("/admin")
    return came_from.path if inside else otherwise


def done(message: str, target: str | None = None) -> AnyResponse:
    """Say what was done on the next page."""
    flash(message)
    return redirect(target or back())


def page_of(found: list[R]) -> tuple[list[R], int, int]:
    """The part of a list that `?page=` asks for, the page's number and how many pages there are."""
    pages = max(1, -(-len(found) // PAGE_SIZE))
    asked = request.args.get("page", "1")
    number = min(max(1, int(asked) if asked.isdecimal() else 1), pages)
    return found[(number - 1) * PAGE_SIZE : number * PAGE_SIZE], number, pages


def uncached(response: Response) -> Response:
    """Tokens and launch addresses are for one use."""
    response.headers["Cache-Control"] = "no-store"
    return response

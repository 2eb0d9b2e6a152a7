"""The app inside the admin: its page with the frame, its id tokens, the App Bridge script."""

from pathlib import Path
from typing import Any

from flask import Response, jsonify, make_response, render_template, request, send_from_directory

from plugin.sandbox.admin.frame import blueprint, the_world, uncached
from plugin.sandbox.errors import NotFound
from plugin.sandbox.runtime import sandbox
from plugin.sandbox.storefront import extension_files
from plugin.sandbox.storefront.theme_settings import placed
from plugin.sandbox.wire.sessions import STAFF_ID, host_parameter, id_token, launch_url

STATIC = Path(__file__).resolve().parents[1] / "static"


@blueprint.get("/app-bridge.js")
def app_bridge() -> Response:
    """The script every page of the app loads first."""
    return send_from_directory(STATIC, "app-bridge.js", mimetype="text/javascript", max_age=0)


@blueprint.get("/admin/apps/<handle>")
@blueprint.get("/admin/apps/<handle>/<path:path>")
def app_page(handle: str, path: str = "") -> Response:
    """The app in a frame, opened at `path`; before it is installed, the way to install it."""
    running = sandbox()
    _check(handle)
    if running.world.installation is None:
        return make_response(render_template("admin/app_missing.html"))
    query = request.query_string.decode()
    wanted = f"/{path}" + (f"?{query}" if query else "")
    domain = running.world.shop.domain
    page = render_template(
        "admin/app.html",
        launch_url=launch_url(running.settings, domain, wanted, locale=running.world.shop.locale),
        app_origin=running.settings.app_url,
        config={
            "apiKey": running.settings.client_id,
            "shop": domain,
            "host": host_parameter(domain),
            "locale": running.world.shop.locale,
        },
    )
    return uncached(make_response(page))


def _check(handle: str) -> None:
    if handle != sandbox().declaration.handle:
        raise NotFound(f"No app {handle} in this store")


@blueprint.post("/admin/apps/<handle>/id-token")
def fresh_id_token(handle: str) -> Response:
    """A new id token for the app's page; the admin asks, the app's script never does."""
    _check(handle)
    if the_world().installation is None:
        raise NotFound("The app is not installed")
    return uncached(jsonify(id_token=id_token(sandbox().settings, the_world().shop.domain)))


@blueprint.get("/admin/apps/<handle>/facts")
def facts(handle: str) -> Response:
    """What App Bridge can be asked: the person, the scopes, the state of the theme extension."""
    _check(handle)
    declaration, installation = sandbox().declaration, the_world().installation
    granted = installation.scopes if installation else []
    scopes = {"granted": granted, "required": declaration.scopes, "optional": declaration.optional_scopes}
    return uncached(
        jsonify(user={"id": STAFF_ID, "name": the_world().shop.owner}, scopes=scopes, extensions=_extensions())
    )


def _extensions() -> list[dict[str, Any]]:
    home = the_world().home
    activations = [
        {
            "handle": block.name,
            "name": block.schema.get("name", block.name),
            "target": block.schema.get("target", "section"),
            "status": "active" if placed(home, block).on else "available",
            "activations": [
                {
                    "target": "template--product" if not block.is_embed else "body",
                    "themeId": "gid://shopify/OnlineStoreTheme/1",
                }
            ],
        }
        for block in extension_files.blocks()
    ]
    return [{"handle": sandbox().declaration.handle, "type": "theme_app_extension", "activations": activations}]

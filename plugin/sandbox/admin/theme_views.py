"""The theme editor, as far as an app's blocks need one: switch them on and off and change their settings."""

import re
from typing import Any

from flask import render_template, request
from werkzeug.wrappers import Response as AnyResponse

from plugin.sandbox.admin.frame import blueprint, done, the_world
from plugin.sandbox.errors import NotFound
from plugin.sandbox.runtime import sandbox
from plugin.sandbox.storefront import extension_files
from plugin.sandbox.storefront.extension_files import BlockFile, schema_text
from plugin.sandbox.storefront.shelves import on_sale
from plugin.sandbox.storefront.theme_settings import Placed, place, placed

NUMBERS = ("number", "range")
NUMBER = re.compile(r"-?\d{1,9}(\.\d{1,6})?", re.A)


@blueprint.get("/admin/themes/<theme>/editor")
def theme_editor(theme: str) -> str:
    """The app's blocks beside a preview; `activateAppId` or `addAppBlockId` (client id/block) opens one."""
    asked = request.args.get("activateAppId") or request.args.get("addAppBlockId") or ""
    blocks = extension_files.blocks()
    first = next(iter(on_sale(the_world())), None)
    return render_template(
        "admin/theme.html",
        theme=theme,
        embeds=[block for block in blocks if block.is_embed],
        sections=[block for block in blocks if not block.is_embed],
        placed={block.name: placed(the_world().home, block) for block in blocks},
        opened=asked.removeprefix(f"{sandbox().settings.client_id}/"),
        schema_text=schema_text,
        preview=f"/products/{first.handle}" if first else "/",
    )


@blueprint.post("/admin/themes/<theme>/blocks/<name>")
def place_block(theme: str, name: str) -> AnyResponse:
    """Save one block: whether it is on, and its settings."""
    block = next((block for block in extension_files.blocks() if block.name == name), None)
    if block is None:
        raise NotFound(f"No block {name} in this theme")
    place(the_world().home, block, Placed(bool(request.form.get("on")), _settings(block)))
    return done(f"{schema_text(block.schema.get('name', name))} saved", f"/admin/themes/{theme}/editor")


def _settings(block: BlockFile) -> dict[str, Any]:
    listed = [setting for setting in block.schema.get("settings", []) if "id" in setting]
    return {setting["id"]: _value(setting, request.form.get(f"setting-{setting['id']}")) for setting in listed}


def _value(setting: dict[str, Any], typed: str | None) -> Any:
    if setting["type"] == "checkbox":
        return typed is not None
    if setting["type"] in NUMBERS:
        return _number(typed or "", setting.get("default"))
    return typed if typed is not None else setting.get("default")


def _number(typed: str, otherwise: Any) -> Any:
    if not NUMBER.fullmatch(typed):
        return otherwise
    return float(typed) if "." in typed else int(typed)

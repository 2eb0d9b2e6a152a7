"""Renders the app's theme blocks into the pages of the storefront, as Shopify does with a theme app extension."""

from typing import Any

from flask import abort, g, send_from_directory
from liquid import DictLoader, Environment
from liquid.exceptions import LiquidError
from markupsafe import Markup, escape
from werkzeug.wrappers import Response

from plugin.sandbox.records import Product, Variant
from plugin.sandbox.storefront import extension_files, visitor
from plugin.sandbox.storefront.extension_files import BlockFile
from plugin.sandbox.storefront.liquid_filters import ASSETS_PATH, filters
from plugin.sandbox.storefront.liquid_objects import page_objects
from plugin.sandbox.storefront.theme_settings import placed


def locales() -> list[str]:
    """Languages a visitor can choose: those the app's blocks are translated to."""
    return extension_files.locales()


def app_blocks(page_type: str, product: Product | None = None, selected: Variant | None = None) -> Markup:
    """All blocks for a section of this page, one below the other."""
    return _rendered(page_type, product, selected, embeds=False)


def app_embeds(page_type: str, product: Product | None = None, selected: Variant | None = None) -> Markup:
    """All embeds of this page, for the end of its body."""
    return _rendered(page_type, product, selected, embeds=True)


def _rendered(page_type: str, product: Product | None, selected: Variant | None, *, embeds: bool) -> Markup:
    wanted = [block for block in _present(page_type) if block.is_embed == embeds]
    if not wanted:
        return Markup("")
    environment, objects = liquid_environment(), page_objects(page_type, product, selected)
    return Markup("\n").join(_render(environment, block, objects) for block in wanted)


def _present(page_type: str) -> list[BlockFile]:
    """Blocks show while the app is installed, and never in the checkout."""
    if visitor.the_world().installation is None or page_type in ("checkout", "thank_you"):
        return []
    home = visitor.the_world().home
    return [block for block in extension_files.blocks() if block.shows_on(page_type) and placed(home, block).on]


def liquid_environment() -> Environment:
    """What reads Liquid here: the app's snippets, the store's filters, the visitor's language."""
    environment = Environment(loader=DictLoader(extension_files.snippets()), extra=True)
    locale = visitor.locale()
    environment.filters.update(filters(extension_files.folder(), extension_files.texts(locale), locale))
    return environment


def _render(environment: Environment, block: BlockFile, objects: dict[str, Any]) -> Markup:
    identity = {
        "id": f"regulars-{block.name}",
        "type": block.name,
        "settings": placed(visitor.the_world().home, block).settings,
        "shopify_attributes": "",
    }
    context = {**objects, "block": identity, "section": {"id": "main"}}
    try:
        if not _available(environment, block, context):
            return Markup("")
        html = environment.from_string(block.source).render(**context)
    except LiquidError as broken:
        # The real theme prints the error where the block would stand; so does this one, loudly.
        return Markup("<p class='liquid-error'>Liquid error in {}: {}</p>").format(block.name, str(broken))
    return _wrapped(block, Markup(html)) + _files(block)


def _available(environment: Environment, block: BlockFile, context: dict[str, Any]) -> bool:
    condition = block.schema.get("available_if")
    return condition is None or environment.from_string(condition).render(**context).strip() == "true"


def _wrapped(block: BlockFile, html: Markup) -> Markup:
    if block.is_embed:
        return Markup("<div id='shopify-block-{}' class='shopify-block shopify-app-block'>{}</div>").format(
            block.name, html
        )
    tag = block.schema.get("tag", "div")
    return Markup("<{0} id='shopify-block-{1}' class='shopify-block shopify-app-block {2}'>{3}</{0}>").format(
        escape(tag), block.name, block.schema.get("class", ""), html
    )


def _files(block: BlockFile) -> Markup:
    """Style sheet and script the schema names, once a page however many blocks name them."""
    seen: set[str] = g.setdefault("extension_files", set())
    parts = []
    for key, html in (
        ("stylesheet", "<link rel='stylesheet' href='{}/{}'>"),
        ("javascript", "<script src='{}/{}' async></script>"),
    ):
        name = block.schema.get(key)
        if name and name not in seen:
            seen.add(name)
            parts.append(Markup(html).format(ASSETS_PATH, name))
    return Markup("").join(parts)


def asset(name: str) -> Response:
    """A file of the extension's `assets` folder."""
    if "/" in name or not (extension_files.folder() / "assets" / name).is_file():
        abort(404)
    return send_from_directory(extension_files.folder() / "assets", name, max_age=3600)

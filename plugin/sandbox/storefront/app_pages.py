"""Answers of the app that call themselves Liquid: rendered with the theme's objects, inside the theme's layout."""

from flask import render_template
from liquid.exceptions import LiquidError
from markupsafe import Markup

from plugin.sandbox.storefront.blocks import liquid_environment
from plugin.sandbox.storefront.liquid_objects import page_objects
from plugin.sandbox.storefront.theme import theme

MIMETYPE = "application/liquid"


def in_theme(source: str) -> str:
    """The page a visitor gets; what is wrong with the Liquid stands where it is, as in the real store."""
    try:
        html = liquid_environment().from_string(source).render(**page_objects("app", None, None))
    except LiquidError as broken:
        html = str(Markup("<p class='liquid-error'>Liquid error: {}</p>").format(str(broken)))
    return render_template("storefront/app_page.html", page_type="app", content=Markup(html), **theme())

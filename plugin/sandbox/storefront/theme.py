"""What every page of the storefront shares: the blueprint, the money format, the header's content, the missing page."""

from typing import Any

from babel import Locale, UnknownLocaleError
from flask import Blueprint, render_template

from plugin.sandbox import totals
from plugin.sandbox.errors import NotFound, Refused
from plugin.sandbox.order_records import Order
from plugin.sandbox.records import Cart
from plugin.sandbox.storefront import visitor
from plugin.sandbox.storefront.blocks import app_blocks, app_embeds, locales
from plugin.sandbox.storefront.shelves import COLLECTIONS, price_from

blueprint = Blueprint("storefront", __name__, template_folder="templates")

RIGHT_TO_LEFT = ("ar", "he", "fa", "ur")


@blueprint.app_template_filter("money")
def money_text(minor: int) -> str:
    """Minor units as the store writes money, such as `€1,312.50`."""
    whole, cents = divmod(abs(minor), 100)
    return f"{'−' if minor < 0 else ''}€{whole:,}.{cents:02d}"


@blueprint.app_template_filter("order_total")
def order_total(order: Order) -> int:
    """What the order is worth now, in minor units."""
    return totals.current_total(order)


@blueprint.app_template_filter("order_status")
def order_status(order: Order) -> str:
    """The order's payment in words, such as `Partially refunded`."""
    return totals.financial_status(order).replace("_", " ").capitalize()


@blueprint.app_template_filter("language_name")
def language_name(code: str) -> str:
    """A language in its own words, such as `Deutsch`; the code when nobody knows it."""
    try:
        return (Locale.parse(code, sep="-").display_name or code).capitalize()
    except (ValueError, UnknownLocaleError):
        return code


@blueprint.context_processor
def theme() -> dict[str, Any]:
    """What every page of the theme shows: the shop, the visitor, the menu, the app's embeds."""
    world = visitor.the_world()
    return {
        "shop": world.shop,
        "customer": visitor.signed_in(),
        "cart_count": _units(visitor.cart()),
        "menu": [one for one in COLLECTIONS if one.in_menu],
        "locale": visitor.locale(),
        "locales": locales(),
        "direction": "rtl" if visitor.locale().split("-")[0] in RIGHT_TO_LEFT else "ltr",
        "app_blocks": app_blocks,
        "app_embeds": app_embeds,
        "price_from": price_from,
    }


def _units(cart: Cart | None) -> int:
    return sum(line.quantity for line in cart.lines) if cart else 0


@blueprint.errorhandler(NotFound)
def missing(error: NotFound) -> tuple[str, int]:
    """The theme's own page for addresses that lead nowhere."""
    return render_template("storefront/missing.html", page_type="404", error=error), 404


@blueprint.errorhandler(Refused)
def refused(refusal: Refused) -> tuple[str, int]:
    """A rule of the store said no."""
    return render_template("storefront/missing.html", page_type="404", refusal=refusal), 422


def local_path(target: str | None, otherwise: str = "/") -> str:
    """The target when it is a path of this store, else another; so that no redirect leaves the store."""
    safe = target and target.startswith("/") and not target.startswith(("//", "/\\"))
    return target if safe and target else otherwise

"""Who is looking at the storefront: the cart, the customer and the language, each remembered in a cookie of the store.

The application hands its world over as `app.extensions["world"]`. The signed proxy asks `signed_in()` too.
"""

from flask import Request, current_app, request
from werkzeug.wrappers import Response

from plugin.sandbox import carts
from plugin.sandbox.records import Cart, Customer
from plugin.sandbox.world import World

CART_COOKIE = "store_cart"
CUSTOMER_COOKIE = "store_customer"
LOCALE_COOKIE = "store_locale"
COOKIE_SECONDS = 14 * 86_400


def the_world() -> World:
    """The store this application plays."""
    world: World = current_app.extensions["world"]
    return world


def signed_in(of: Request = request) -> Customer | None:
    """The customer who signed in, or None."""
    chosen = of.cookies.get(CUSTOMER_COOKIE, "")
    return the_world().customers.get(int(chosen)) if chosen.isdecimal() else None


def cart() -> Cart | None:
    """The visitor's cart, or None while nothing was put into it."""
    return the_world().carts.get(request.cookies.get(CART_COOKIE))


def cart_or_new() -> Cart:
    """The visitor's cart, made when there is none; `remember_cart` has to put it on the response."""
    return cart() or carts.new_cart(the_world())


def locale() -> str:
    """The language the visitor chose, as a two-letter code; the shop's own otherwise."""
    return request.cookies.get(LOCALE_COOKIE) or the_world().shop.locale


def remember_cart(response: Response, token: str) -> Response:
    """Put the cart's token on the response."""
    return _remember(response, CART_COOKIE, token)


def remember_customer(response: Response, customer_id: int) -> Response:
    """Sign a customer in."""
    return _remember(response, CUSTOMER_COOKIE, str(customer_id))


def remember_locale(response: Response, code: str) -> Response:
    """Keep the chosen language."""
    return _remember(response, LOCALE_COOKIE, code)


def _remember(response: Response, name: str, value: str) -> Response:
    response.set_cookie(name, value, max_age=COOKIE_SECONDS, httponly=True, samesite="Lax")
    return response

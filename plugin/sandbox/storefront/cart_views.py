"""The cart: pages for people, `/cart.js` for scripts, and links that bring a discount code."""

from flask import Response, jsonify, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from plugin.sandbox import carts
from plugin.sandbox.records import Cart
from plugin.sandbox.storefront import visitor
from plugin.sandbox.storefront.cart_costs import priced
from plugin.sandbox.storefront.theme import blueprint, local_path

MOST_UNITS = 99


@blueprint.get("/cart")
def cart_page() -> str:
    """What is in the cart and what it costs."""
    return render_template("storefront/cart.html", page_type="cart", priced=priced(visitor.cart()), cart=visitor.cart())


@blueprint.post("/cart/add")
def add() -> AnyResponse:
    """Put units of the chosen variant into the cart; `return_to` leads on, otherwise the cart is shown."""
    cart = _add()
    return visitor.remember_cart(redirect(local_path(request.form.get("return_to"), "/cart")), cart.id)


@blueprint.post("/cart/add.js")
def add_by_script() -> AnyResponse:
    """The same for scripts; answers the whole cart."""
    cart = _add()
    return visitor.remember_cart(_cart_json(cart), cart.id)


def _add() -> Cart:
    source = request.get_json() if request.is_json else request.form
    variant_id, quantity = _whole(source.get("id")), _whole(source.get("quantity"))
    visitor.the_world().variant(variant_id)
    return carts.add_to_cart(
        visitor.the_world(), visitor.cart_or_new().id, variant_id, max(1, min(MOST_UNITS, quantity))
    )


def _whole(given: object) -> int:
    """A whole number of a form or of JSON; 0 for anything else."""
    return int(str(given)) if str(given).isdecimal() else 0


@blueprint.get("/cart.js")
def cart_json() -> Response:
    """The cart as themes fetch it; money in minor units."""
    return _cart_json(visitor.cart())


def _cart_json(cart: Cart | None) -> Response:
    cost = priced(cart)
    items = [
        {
            "variant_id": line.variant.id,
            "product_id": line.product.id,
            "title": line.product.title,
            "quantity": line.quantity,
            "price": line.variant.price_minor,
            "final_line_price": line.minor,
            "url": url_for("storefront.product_page", handle=line.product.handle),
        }
        for line in cost.lines
    ]
    count = sum(line.quantity for line in cost.lines)
    return jsonify(token=cart.id if cart else None, items=items, item_count=count, total_price=cost.subtotal_minor)


@blueprint.post("/cart/change")
def change() -> AnyResponse:
    """Set the units of one line (`line` counts from 1)."""
    cart = visitor.cart()
    line, quantity = _whole(request.form.get("line")) - 1, _whole(request.form.get("quantity"))
    if cart and 0 <= line < len(cart.lines):
        carts.set_quantity(visitor.the_world(), cart.id, line, min(MOST_UNITS, quantity))
    return redirect("/cart")


@blueprint.get("/discount/<code>")
def discount_link(code: str) -> AnyResponse:
    """Remember a code for the checkout and lead on to `redirect`, a path of this store."""
    cart = visitor.cart_or_new()
    carts.set_code(visitor.the_world(), cart.id, code)
    return visitor.remember_cart(redirect(local_path(request.args.get("redirect"))), cart.id)

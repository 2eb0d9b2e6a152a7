"""The checkout: contact and address, then payment, then thanks. Leaving it after the first step abandons it."""

import secrets
from typing import Any

from flask import abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from plugin.sandbox import carts, checkouts, customers, pricing, store_credit
from plugin.sandbox.errors import Refused
from plugin.sandbox.records import Address, Checkout
from plugin.sandbox.storefront import visitor
from plugin.sandbox.storefront.theme import blueprint

COUNTRIES = {"DE": "Germany", "AT": "Austria", "FR": "France", "PL": "Poland", "UA": "Ukraine", "GB": "United Kingdom"}


@blueprint.get("/checkout")
def begin() -> AnyResponse:
    """Begin a checkout with what is in the cart, or go on with the one that was begun."""
    cart, customer = visitor.cart(), visitor.signed_in()
    if cart is None or not cart.lines:
        return redirect("/cart")
    world = visitor.the_world()
    open_one = next((one for one in world.checkouts.by("cart_token", cart.id) if not one.completed_at), None)
    checkout = checkouts.save_checkout(
        world,
        open_one.id if open_one else None,
        lines=list(cart.lines),
        cart_token=cart.id,
        customer_id=customer.id if customer else None,
        email=customer.email if customer else None,
        code=cart.code,
        locale=visitor.locale(),
    )
    return redirect(url_for("storefront.information", token=checkout.id))


@blueprint.get("/checkouts/<token>")
def information(token: str) -> AnyResponse | str:
    """First step: who and where."""
    checkout = visitor.the_world().checkouts[token]
    return redirect(_thanks(token)) if checkout.completed_at else _page("information", checkout)


@blueprint.post("/checkouts/<token>")
def save_information(token: str) -> AnyResponse | tuple[str, int]:
    """Keep contact and address; from here on the store knows whom to remind."""
    checkout = visitor.the_world().checkouts[token]
    errors = _mistakes(request.form)
    if errors:
        return _page("information", checkout, errors=errors, typed=request.form), 422
    _save(checkout, request.form)
    return redirect(url_for("storefront.payment", token=token))


@blueprint.post("/checkouts/<token>/contact")
def save_contact(token: str) -> AnyResponse | tuple[str, int]:
    """Keep the address as soon as it was typed, as real checkouts do; the page's script calls it."""
    email = request.form.get("email", "").strip()
    if "@" in email:
        wanted = bool(request.form.get("accepts_marketing"))
        checkouts.save_checkout(visitor.the_world(), token, email=email, accepts_marketing=wanted)
    return "", 204


def _mistakes(form: Any) -> dict[str, str]:
    needed = {
        "last_name": "Enter a last name",
        "address1": "Enter an address",
        "city": "Enter a city",
        "zip": "Enter a postcode",
    }
    errors = {name: text for name, text in needed.items() if not form.get(name, "").strip()}
    local, _, host = form.get("email", "").strip().partition("@")
    if not local or "." not in host:
        errors["email"] = "Enter an e-mail address, such as ines@example.com"
    return errors


def _save(checkout: Checkout, form: Any) -> None:
    fields = ("first_name", "last_name", "address1", "city", "zip")
    code = form.get("country_code", "DE")
    address = Address(
        country_code=code, country=COUNTRIES.get(code, code), **{name: form.get(name, "").strip() for name in fields}
    )
    checkouts.save_checkout(
        visitor.the_world(),
        checkout.id,
        email=form["email"].strip(),
        accepts_marketing=bool(form.get("accepts_marketing")),
        shipping_address=address,
    )


@blueprint.post("/checkouts/<token>/discount")
def apply_code(token: str) -> AnyResponse | tuple[str, int]:
    """Try a code, or take it away when the field is empty; the page says why one cannot be used."""
    step = "payment" if request.form.get("step") == "payment" else "information"
    try:
        checkouts.save_checkout(visitor.the_world(), token, code=request.form.get("code", ""))
    except Refused as refusal:
        return _page(step, visitor.the_world().checkouts[token], errors={"code": str(refusal)}), 422
    return redirect(url_for(f"storefront.{step}", token=token))


@blueprint.get("/checkouts/<token>/payment")
def payment(token: str) -> AnyResponse | str:
    """Second step: look everything over and pay."""
    checkout = visitor.the_world().checkouts[token]
    if not (checkout.email or checkout.customer_id):
        return redirect(url_for("storefront.information", token=token))
    return redirect(_thanks(token)) if checkout.completed_at else _page("payment", checkout)


@blueprint.post("/checkouts/<token>/pay")
def pay(token: str) -> AnyResponse | tuple[str, int]:
    """Place the order. A code that cannot be used stops here with its reason, as in the real store."""
    world = visitor.the_world()
    checkout = world.checkouts[token]
    try:
        order = checkouts.complete_checkout(
            world,
            token,
            paid=request.form.get("method") != "invoice",
            store_credit=bool(request.form.get("store_credit")),
        )
    except Refused as refusal:
        return _page("payment", checkout, errors={"code": str(refusal)}), 422
    if checkout.accepts_marketing and order.customer_id and order.email:
        customers.set_email_consent(world, order.customer_id, "subscribed")
    carts.empty_cart(world, checkout.cart_token)
    return redirect(_thanks(token))


def _thanks(token: str) -> str:
    return url_for("storefront.thank_you", token=token)


@blueprint.get("/checkouts/<token>/thank-you")
def thank_you(token: str) -> AnyResponse | str:
    """The order has been placed."""
    world = visitor.the_world()
    checkout = world.checkouts[token]
    order = world.orders.get(checkout.order_id) or world.orders.first("checkout_token", token)
    if order is None:
        return redirect(url_for("storefront.information", token=token))
    return render_template("storefront/thanks.html", page_type="thank_you", order=order, checkout=checkout)


@blueprint.get("/checkouts/<token>/recover")
def recover(token: str) -> AnyResponse:
    """The link of a reminder: fill the cart again and go on where it was left. 404 with a wrong key."""
    world = visitor.the_world()
    checkout = world.checkouts[token]
    if not secrets.compare_digest(checkout.recovery_key.encode(), request.args.get("key", "").encode()):
        abort(404)
    if checkout.completed_at:
        return redirect(_thanks(token))
    code = request.args.get("discount")
    if code:
        checkouts.save_checkout(world, token, code=code)
    with world.change():
        cart = world.carts.get(checkout.cart_token) or _refill(checkout)
    return visitor.remember_cart(redirect(url_for("storefront.information", token=token)), cart.id)


def _refill(checkout: Checkout) -> Any:
    world = visitor.the_world()
    cart = carts.new_cart(world)
    for line in pricing.still_sold(world, checkout.lines):
        carts.add_to_cart(world, cart.id, line.variant_id, line.quantity, line.properties)
    checkout.cart_token = cart.id
    world.checkouts.keep(checkout)
    return cart


def _page(step: str, checkout: Checkout, *, errors: dict[str, str] | None = None, typed: Any = None) -> str:
    world = visitor.the_world()
    cost = pricing.price(
        world,
        pricing.still_sold(world, checkout.lines),
        code=checkout.code,
        customer_id=checkout.customer_id,
        email=checkout.email,
    )
    customer = visitor.signed_in()
    return render_template(
        f"storefront/checkout_{step}.html",
        page_type="checkout",
        gift_card=world.gift_cards.first("code", checkout.gift_card) if checkout.gift_card else None,
        credit_minor=store_credit.balance(world, customer.id) if customer else 0,
        step=step,
        checkout=checkout,
        priced=cost,
        errors=errors or {},
        typed=typed or _known(checkout),
        countries=COUNTRIES,
    )


def _known(checkout: Checkout) -> dict[str, str]:
    """What the form starts with."""
    address = checkout.shipping_address or Address()
    fields = ("first_name", "last_name", "address1", "city", "zip", "country_code")
    known = {name: getattr(address, name) or "" for name in fields}
    return known | {"email": checkout.email or "", "accepts_marketing": "1" if checkout.accepts_marketing else ""}

"""The store's customer accounts: sign in as anybody, see the orders, sign out. A pretend store has no passwords."""

from flask import redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from plugin.sandbox.errors import NotFound
from plugin.sandbox.order_records import Order
from plugin.sandbox.records import Customer
from plugin.sandbox.storefront import visitor
from plugin.sandbox.storefront.theme import blueprint, local_path
from plugin.sandbox.world import World

MOST_SHOWN = 40


@blueprint.get("/account")
def account() -> str:
    """The signed-in customer's orders, or the list of people to sign in as."""
    customer = visitor.signed_in()
    if customer is None:
        return _picker(request.args.get("return_to", ""))
    return render_template("storefront/account.html", page_type="customers/account", orders=_orders(customer))


@blueprint.get("/account/login")
def login() -> AnyResponse | str:
    """Where themes and apps send people to sign in; `return_to` or `return_url` brings them back."""
    target = request.args.get("return_to") or request.args.get("return_url") or ""
    return redirect(local_path(target, "/account")) if visitor.signed_in() else _picker(target)


def _picker(return_to: str) -> str:
    query = request.args.get("q", "").strip()
    found = find_people(visitor.the_world(), query)
    return render_template(
        "storefront/sign_in.html",
        page_type="customers/login",
        people=found[:MOST_SHOWN],
        more=max(0, len(found) - MOST_SHOWN),
        query=query,
        return_to=return_to,
        order_count=lambda person: len(visitor.the_world().orders.by("customer", person.id)),
    )


def find_people(world: World, query: str) -> list[Customer]:
    """Customers whose name, e-mail address or phone number contains every word of the query."""
    words = query.casefold().split()
    return [person for person in world.customers if all(word in _text(person) for word in words)]


def _text(person: Customer) -> str:
    return f"{person.name} {person.email or ''} {person.phone or ''} {person.id}".casefold()


def _orders(customer: Customer) -> list[Order]:
    return sorted(
        visitor.the_world().orders.by("customer", customer.id), key=lambda order: order.processed_at, reverse=True
    )


@blueprint.post("/account/login")
def sign_in() -> AnyResponse:
    """Become the chosen customer."""
    customer = visitor.the_world().customers[request.form.get("customer_id", 0, type=int)]
    answer = redirect(local_path(request.form.get("return_to"), "/account"))
    return visitor.remember_customer(answer, customer.id)


@blueprint.route("/account/logout", methods=["GET", "POST"])
def sign_out() -> AnyResponse:
    """Become nobody."""
    answer = redirect(local_path(request.args.get("return_to")))
    answer.delete_cookie(visitor.CUSTOMER_COOKIE)
    return answer


@blueprint.get("/account/orders/<token>")
def order_page(token: str) -> str:
    """One order of the signed-in customer; anybody else's does not exist."""
    customer = visitor.signed_in()
    order = next((order for order in _orders(customer) if order.token == token), None) if customer else None
    if order is None:
        raise NotFound("No such order in this account")
    return render_template("storefront/order.html", page_type="customers/order", order=order)

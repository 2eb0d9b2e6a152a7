"""Orders in the admin: the list, one order, refunds, cancelling, payment and parcels."""

from collections.abc import Callable

from flask import render_template, request
from werkzeug.wrappers import Response as AnyResponse

from plugin.sandbox import fulfillments, orders, refunds, totals
from plugin.sandbox.admin.frame import blueprint, done, page_of, the_world
from plugin.sandbox.order_records import Order

FILTERS: dict[str, Callable[[Order], bool]] = {
    "all": lambda _order: True,
    "unpaid": lambda order: totals.financial_status(order) in ("pending", "partially_paid"),
    "unfulfilled": lambda order: not order.cancelled_at and totals.fulfillment_status(order) is None,
    "refunded": lambda order: bool(order.refunds),
    "cancelled": lambda order: bool(order.cancelled_at),
}


@blueprint.get("/admin/orders")
def order_list() -> str:
    """All orders, newest first; `q` finds numbers, names and addresses, `show` is one of `FILTERS`."""
    query, show = request.args.get("q", "").strip(), request.args.get("show", "all")
    chosen = FILTERS.get(show, FILTERS["all"])
    newest = sorted(the_world().orders, key=lambda order: order.processed_at, reverse=True)
    found = [order for order in newest if chosen(order) and (not query or _matches(order, query))]
    rows, page, pages = page_of(found)
    return render_template(
        "admin/orders.html",
        rows=rows,
        count=len(found),
        page=page,
        pages=pages,
        query=query,
        show=show,
        filters=list(FILTERS),
        buyer=buyer,
    )


def _matches(order: Order, query: str) -> bool:
    text = f"{order.name} {order.email or ''} {buyer(order)}".casefold()
    return all(word in text for word in query.casefold().split())


def buyer(order: Order) -> str:
    """Who bought: the customer's name, else the address, else that nobody knows."""
    customer = the_world().customers.get(order.customer_id)
    return customer.name if customer else order.email or "No customer"


@blueprint.get("/admin/orders/<int:order_id>")
def order_page(order_id: int) -> str:
    """One order with everything that can be done to it."""
    order = the_world().orders[order_id]
    left = {line.id: totals.current_quantity(order, line) for line in order.lines}
    return render_template(
        "admin/order.html",
        order=order,
        left=left,
        customer=the_world().customers.get(order.customer_id),
        buyer=buyer,
        totals=totals,
    )


@blueprint.post("/admin/orders/<int:order_id>/refund")
def refund(order_id: int) -> AnyResponse:
    """Give back the chosen quantities (`line-<id>`), or with `all` everything that is left."""
    if request.form.get("all"):
        refunds.refund(the_world(), order_id, note=request.form.get("note") or None)
        return done("Order refunded")
    chosen = {
        int(name.removeprefix("line-")): int(value)
        for name, value in request.form.items()
        if name.startswith("line-") and value.isdecimal() and int(value) > 0
    }
    refunds.refund(the_world(), order_id, chosen, note=request.form.get("note") or None)
    return done(f"{sum(chosen.values())} items refunded")


@blueprint.post("/admin/orders/<int:order_id>/cancel")
def cancel(order_id: int) -> AnyResponse:
    """Cancel the order and give everything back."""
    refunds.cancel(the_world(), order_id, reason=request.form.get("reason", "customer"))
    return done("Order canceled")


@blueprint.post("/admin/orders/<int:order_id>/fulfil")
def fulfil(order_id: int) -> AnyResponse:
    """Send what has not been sent."""
    fulfillments.fulfil(the_world(), order_id)
    return done("Order fulfilled")


@blueprint.post("/admin/orders/<int:order_id>/pay")
def pay(order_id: int) -> AnyResponse:
    """Mark the order as paid."""
    orders.pay_order(the_world(), order_id)
    return done("Order marked as paid")

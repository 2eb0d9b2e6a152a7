"""Abandoned checkouts and discount codes in the admin: to look at, and to follow a recovery link."""

from flask import render_template, request

from plugin.sandbox import discounts, pricing
from plugin.sandbox.admin.frame import blueprint, page_of, the_world
from plugin.sandbox.records import Checkout, Discount


@blueprint.get("/admin/checkouts")
def checkout_list() -> str:
    """Checkouts that were begun, newest first; `show=open` leaves out those that became orders."""
    show = request.args.get("show", "open")
    newest = sorted(the_world().checkouts, key=lambda checkout: checkout.created_at, reverse=True)
    found = [checkout for checkout in newest if _reachable(checkout) and (show == "all" or not checkout.completed_at)]
    rows, page, pages = page_of(found)
    return render_template(
        "admin/checkouts.html",
        rows=rows,
        count=len(found),
        page=page,
        pages=pages,
        show=show,
        total=_total,
        person=the_world().customers.get,
    )


def _reachable(checkout: Checkout) -> bool:
    return bool(checkout.email or checkout.phone or checkout.customer_id)


def _total(checkout: Checkout) -> int:
    """What the checkout would cost now, in minor units; variants that are gone cost nothing."""
    lines = [line for line in checkout.lines if the_world().products.first("variant", line.variant_id)]
    return pricing.price(the_world(), lines, code=checkout.code, customer_id=checkout.customer_id).total_minor


@blueprint.get("/admin/discounts")
def discount_list() -> str:
    """All codes, newest first; `q` finds codes and titles."""
    query = request.args.get("q", "").strip()
    words = query.casefold().split()
    newest = sorted(the_world().discounts, key=lambda discount: (discount.created_at, discount.id), reverse=True)
    found = [one for one in newest if all(word in f"{one.code} {one.title}".casefold() for word in words)]
    rows, page, pages = page_of(found)
    return render_template(
        "admin/discounts.html",
        rows=rows,
        count=len(found),
        page=page,
        pages=pages,
        query=query,
        status=_status,
        person=the_world().customers.get,
    )


def _status(discount: Discount) -> str:
    return discounts.status(discount, the_world().now()).capitalize()

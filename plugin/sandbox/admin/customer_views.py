"""Customers in the admin: the list, one customer, consent, tags, and the requests the law gives them."""

from flask import render_template, request
from werkzeug.wrappers import Response as AnyResponse

from plugin.sandbox import customers, totals
from plugin.sandbox.admin.frame import blueprint, done, page_of, the_world
from plugin.sandbox.customer_merging import merge_customers
from plugin.sandbox.customers import find_by_email
from plugin.sandbox.documents import misc
from plugin.sandbox.order_records import Order
from plugin.sandbox.storefront.account_views import find_people


@blueprint.get("/admin/customers")
def customer_list() -> str:
    """All customers, newest first; `q` finds names, addresses and numbers."""
    query = request.args.get("q", "").strip()
    found = sorted(find_people(the_world(), query), key=lambda person: (person.created_at, person.id), reverse=True)
    rows, page, pages = page_of(found)
    spent = {person.id: _spent(person.id) for person in rows}
    return render_template(
        "admin/customers.html", rows=rows, count=len(found), page=page, pages=pages, query=query, spent=spent
    )


def _spent(customer_id: int) -> tuple[int, int]:
    found = the_world().orders.by("customer", customer_id)
    return len(found), sum(map(totals.current_total, found))


def _orders(customer_id: int) -> list[Order]:
    return sorted(the_world().orders.by("customer", customer_id), key=lambda order: order.processed_at, reverse=True)


@blueprint.get("/admin/customers/<int:customer_id>")
def customer_page(customer_id: int) -> str:
    """One customer."""
    person = the_world().customers[customer_id]
    count, spent = _spent(customer_id)
    return render_template("admin/customer.html", person=person, orders=_orders(customer_id), count=count, spent=spent)


@blueprint.post("/admin/customers/<int:customer_id>/consent")
def set_consent(customer_id: int) -> AnyResponse:
    """Permission to mail, or its end."""
    state = "subscribed" if request.form.get("state") == "subscribed" else "unsubscribed"
    customers.set_email_consent(the_world(), customer_id, state)
    return done("Subscribed to e-mail marketing" if state == "subscribed" else "Unsubscribed from e-mail marketing")


@blueprint.post("/admin/customers/<int:customer_id>/tags")
def set_tags(customer_id: int) -> AnyResponse:
    """Replace the tags by the comma-separated list."""
    tags = [tag.strip() for tag in request.form.get("tags", "").split(",") if tag.strip()]
    customers.set_tags(the_world(), customer_id, tags)
    return done("Tags saved")


@blueprint.post("/admin/customers/<int:customer_id>/merge")
def merge(customer_id: int) -> AnyResponse:
    """Put another customer, named by id or e-mail address, together with this one, who is kept."""
    named = request.form.get("other", "").strip()
    other = find_by_email(the_world(), named)
    gone_id = other.id if other else int(named) if named.isdecimal() else 0
    merge_customers(the_world(), customer_id, gone_id)
    return done("The two customers are one now")


@blueprint.post("/admin/customers/<int:customer_id>/data-request")
def request_data(customer_id: int) -> AnyResponse:
    """Pass on to the app that this person asked for his or her data."""
    _tell("customers/data_request", customer_id)
    return done("Data request sent to the app")


@blueprint.post("/admin/customers/<int:customer_id>/redact")
def redact(customer_id: int) -> AnyResponse:
    """Tell the app to erase this person (the real store waits ten days; here it is at once)."""
    _tell("customers/redact", customer_id)
    return done("Erasure request sent to the app")


def _tell(topic: str, customer_id: int) -> None:
    world = the_world()
    with world.change():
        world.queue(topic, misc.compliance(world, topic, world.customers[customer_id]))

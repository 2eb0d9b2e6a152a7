"""Two customers become one, as the real store does it: orders, carts, addresses and tags of both, one id is gone.

What the kept customer lacks (e-mail address with its permission, phone, names) comes from the other. Codes made for the
customer who is gone stay as they were: the real store promises nothing else.
"""

from plugin.sandbox import orders
from plugin.sandbox.documents import customers as documents
from plugin.sandbox.documents import orders as order_documents
from plugin.sandbox.errors import Refused
from plugin.sandbox.order_records import Order
from plugin.sandbox.records import Customer
from plugin.sandbox.world import World


def merge_customers(world: World, kept_id: int, gone_id: int) -> Customer:
    """Put everything of `gone_id` to `kept_id`; `NotFound` for an unknown one, `Refused` when it is the same."""
    with world.change():
        kept, gone = world.customers[kept_id], world.customers[gone_id]
        if kept is gone:
            raise Refused("Customers must be different", code="INVALID_CUSTOMER_ID", field=("customerTwoId",))
        world.customers.drop(gone_id)
        _take_over(kept, gone)
        kept.updated_at = world.now()
        world.customers.keep(kept)
        _readdress(world, kept_id, gone_id)
        job_id = world.next_token("job")
        world.emit("customers/merge", lambda: documents.merged_customers(kept, gone, job_id))
        world.emit("customers/delete", lambda: documents.deleted_customer(gone))
        world.emit("customers/update", lambda: documents.customer(world, kept))
        world.emit("customers/purchasing_summary", lambda: documents.purchasing_summary(world, kept_id))
        return kept


def _take_over(kept: Customer, gone: Customer) -> None:
    if not kept.email and gone.email:
        kept.email, kept.email_consent, kept.verified_email = gone.email, gone.email_consent, gone.verified_email
    if not kept.phone and gone.phone:
        kept.phone, kept.sms_consent = gone.phone, gone.sms_consent
    kept.first_name, kept.last_name = kept.first_name or gone.first_name, kept.last_name or gone.last_name
    kept.note = "\n".join(filter(None, (kept.note, gone.note))) or None
    kept.tags = sorted({*kept.tags, *gone.tags}, key=str.casefold)
    kept.addresses = [*kept.addresses, *gone.addresses]


def _readdress(world: World, kept_id: int, gone_id: int) -> None:
    for order in world.orders.by("customer", gone_id):
        order.customer_id = kept_id
        _tell(world, order)
    for checkout in world.checkouts.by("customer", gone_id):
        checkout.customer_id = kept_id
        world.checkouts.keep(checkout)


def _tell(world: World, order: Order) -> None:
    orders.touch(world, order)
    world.emit("orders/updated", lambda: order_documents.order(world, order))

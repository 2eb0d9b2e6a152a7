"""Parcels: orders sent, and what the carrier says about them."""

from plugin.sandbox import totals
from plugin.sandbox.documents import orders as documents
from plugin.sandbox.errors import NotFound, Refused
from plugin.sandbox.order_records import Fulfillment, Order
from plugin.sandbox.orders import order_changed, touch
from plugin.sandbox.world import World


def fulfil(
    world: World,
    order_id: int,
    quantities: dict[int, int] | None = None,
    *,
    tracking_company: str | None = "DHL",
    tracking_number: str | None = None,
) -> Fulfillment:
    """Send units by line id, or everything that is still to be sent. `Refused` when nothing is."""
    with world.change():
        order = world.orders[order_id]
        left = {line.id: totals.fulfillable_quantity(order, line) for line in order.lines}
        wanted = {key: count for key, count in (quantities or left).items() if count}
        if not wanted or any(count > left.get(line_id, 0) for line_id, count in wanted.items()):
            raise Refused("There is nothing left to send")
        now = world.now()
        parcel = Fulfillment(
            id=world.next_id("fulfillment"),
            created_at=now,
            updated_at=now,
            quantities=wanted,
            tracking_company=tracking_company,
            tracking_number=tracking_number or f"00340{world.next_number('parcel', 434_100_000):015d}",
        )
        order.fulfillments.append(parcel)
        touch(world, order)
        world.emit("fulfillments/create", lambda: documents.fulfillment(world, order, parcel))
        whole = totals.fulfillment_status(order) == "fulfilled"
        topic = "orders/fulfilled" if whole else "orders/partially_fulfilled"
        order.closed_at = now if whole and totals.outstanding(order) == 0 else order.closed_at
        world.emit(topic, lambda: documents.order(world, order))
        order_changed(world, order)
        return parcel


def save_shipment_status(world: World, order_id: int, fulfillment_id: int, status: str) -> Order:
    """Note where the parcel is: in_transit, out_for_delivery, delivered or failure."""
    with world.change():
        order = world.orders[order_id]
        parcel = next((parcel for parcel in order.fulfillments if parcel.id == fulfillment_id), None)
        if parcel is None:
            raise NotFound(f"No parcel {fulfillment_id} of order {order.name}")
        parcel.shipment_status, parcel.updated_at = status, world.now()
        world.emit("fulfillments/update", lambda: documents.fulfillment(world, order, parcel))
        order_changed(world, order)
        return order

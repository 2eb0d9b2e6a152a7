"""Money and goods given back, and orders cancelled."""

from plugin.sandbox import products, totals
from plugin.sandbox.documents import orders as documents
from plugin.sandbox.errors import Refused
from plugin.sandbox.order_records import Line, Order, Refund, RefundLine, Transaction
from plugin.sandbox.orders import order_changed, touch
from plugin.sandbox.world import World


def refund(
    world: World,
    order_id: int,
    lines: dict[int, int] | None = None,
    *,
    shipping_minor: int | None = None,
    extra_minor: int = 0,
    note: str | None = None,
    restock: bool = True,
) -> Refund:
    """Refund units by line id, shipping, or an amount without lines (`extra_minor`).

    `lines=None` with no amount gives back everything that is left, shipping too. `Refused` when more is asked for than
    is left. Money is paid back as far as money was taken.
    """
    with world.change():
        order = world.orders[order_id]
        everything = lines is None and not extra_minor and shipping_minor is None
        wanted = _all_left(order) if everything else dict(lines or {})
        shipping = totals.current_shipping(order) if everything else shipping_minor or 0
        if not (wanted or shipping or extra_minor):
            raise Refused("There is nothing left to refund")
        _check(order, wanted, shipping)
        record = Refund(
            id=world.next_id("refund"),
            created_at=world.now(),
            lines=_refund_lines(world, order, wanted, restock),
            note=note,
            shipping_minor=shipping,
            extra_minor=extra_minor,
            restock=restock,
        )
        _pay_back(world, order, record)
        order.refunds.append(record)
        touch(world, order)
        world.emit("refunds/create", lambda: documents.refund(world, order, record))
        order_changed(world, order)
        if restock:
            _restock(world, order, record)
        return record


def _all_left(order: Order) -> dict[int, int]:
    left = {line.id: totals.current_quantity(order, line) for line in order.lines}
    return {line_id: quantity for line_id, quantity in left.items() if quantity}


def _check(order: Order, wanted: dict[int, int], shipping_minor: int) -> None:
    by_id = {line.id: line for line in order.lines}
    for line_id, quantity in wanted.items():
        line = by_id.get(line_id)
        if line is None or not 0 < quantity <= totals.current_quantity(order, line):
            raise Refused("Refund quantity is larger than what is left of the line", field=("lines", str(line_id)))
    if not 0 <= shipping_minor <= totals.current_shipping(order):
        raise Refused("Refund of shipping is larger than what was paid for it", field=("shipping",))


def _refund_lines(world: World, order: Order, wanted: dict[int, int], restock: bool) -> list[RefundLine]:
    return [
        totals.refund_line_for(
            order, line, wanted[line.id], world.next_id("refund_line"), _restock_type(order, line, restock)
        )
        for line in order.lines
        if line.id in wanted
    ]


def _restock_type(order: Order, line: Line, restock: bool) -> str:
    if not restock:
        return "no_restock"
    return "return" if totals.fulfilled_units(order, line.id) else "cancel"


def _pay_back(world: World, order: Order, record: Refund) -> None:
    amount = sum(part.subtotal_minor for part in record.lines) + record.shipping_minor + record.extra_minor
    payable = min(amount, totals.received(order) - totals.given_back(order))
    sale = next((t for t in order.transactions if t.kind == "sale"), None)
    if payable > 0 and sale:
        record.transactions.append(
            Transaction(
                id=world.next_id("transaction"),
                kind="refund",
                amount_minor=payable,
                created_at=record.created_at,
                gateway=sale.gateway,
                parent_id=sale.id,
            )
        )


def _restock(world: World, order: Order, record: Refund) -> None:
    variants = {line.id: line.variant_id for line in order.lines}
    for part in record.lines:
        variant_id = variants[part.line_id]
        if variant_id and world.products.first("variant", variant_id):
            products.move_stock(world, variant_id, part.quantity)


def cancel(world: World, order_id: int, *, reason: str = "customer", refunded: bool = True) -> Order:
    """Cancel an order; with `refunded` everything left is given back first. Cancelling twice changes nothing."""
    with world.change():
        order = world.orders[order_id]
        if order.cancelled_at:
            return order
        if refunded and _all_left(order):
            refund(world, order_id, note="Order canceled")
        order.cancelled_at = order.closed_at = world.now()
        order.cancel_reason = reason
        touch(world, order)
        world.emit("orders/cancelled", lambda: documents.order(world, order))
        order_changed(world, order)
        return order

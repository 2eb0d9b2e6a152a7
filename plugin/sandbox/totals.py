"""What an order is worth, first and now: arithmetic over its lines, in integer minor units with tax included.

A line's discounted price is spread evenly over its units (the first k of n carry floor(price * k / n)), so that any
sequence of partial refunds gives back exactly the whole.
"""

from plugin.sandbox import money
from plugin.sandbox.order_records import Line, Order, RefundLine, ShippingLine


def refunded_units(order: Order, line_id: int) -> int:
    """Units of a line that refunds took back."""
    return sum(part.quantity for refund in order.refunds for part in refund.lines if part.line_id == line_id)


def fulfilled_units(order: Order, line_id: int) -> int:
    """Units of a line that left the house."""
    return sum(parcel.quantities.get(line_id, 0) for parcel in order.fulfillments if parcel.status == "success")


def current_quantity(order: Order, line: Line) -> int:
    """Units that the buyer still has or expects."""
    return line.quantity - line.removed - refunded_units(order, line.id)


def fulfillable_quantity(order: Order, line: Line) -> int:
    """Units still to be sent."""
    return max(0, current_quantity(order, line) - fulfilled_units(order, line.id)) if not order.cancelled_at else 0


def units_price(line: Line, first: int, count: int) -> int:
    """The discounted price of `count` units of a line, counted after its first `first` units."""
    before = money.share(line.discounted_minor, first, line.quantity)
    return money.share(line.discounted_minor, first + count, line.quantity) - before


def current_line(order: Order, line: Line) -> int:
    """The discounted price of a line's current units."""
    return units_price(line, 0, current_quantity(order, line))


def original_lines(order: Order) -> list[Line]:
    """The lines as bought, without what edits brought later."""
    return [line for line in order.lines if not line.added_later]


def subtotal(order: Order) -> int:
    """Lines as bought, after discounts."""
    return sum(line.discounted_minor for line in original_lines(order))


def shipping(order: Order) -> int:
    """Shipping as bought, after discounts."""
    return sum(line.discounted_minor for line in order.shipping_lines)


def total(order: Order) -> int:
    """The order as bought: lines and shipping, after discounts, tax included."""
    return subtotal(order) + shipping(order)


def discounts(order: Order) -> int:
    """All discounts as bought, on lines and shipping."""
    return sum(application.amount_minor for application in order.applications)


def line_tax(line: Line) -> int:
    """Tax inside the whole line."""
    return money.tax_inside(line.discounted_minor, line.tax_rate_bp)


def shipping_tax(line: ShippingLine) -> int:
    """Tax inside a shipping line."""
    return money.tax_inside(line.discounted_minor, line.tax_rate_bp)


def tax(order: Order) -> int:
    """Tax inside the order as bought."""
    return sum(map(line_tax, original_lines(order))) + sum(map(shipping_tax, order.shipping_lines))


def refunded_shipping(order: Order) -> int:
    """Shipping given back."""
    return sum(refund.shipping_minor for refund in order.refunds)


def extra_refunds(order: Order) -> int:
    """Money given back without naming a line or shipping."""
    return sum(refund.extra_minor for refund in order.refunds)


def current_subtotal(order: Order) -> int:
    """Lines as they are now, after discounts, refunds and edits."""
    return sum(current_line(order, line) for line in order.lines)


def current_shipping(order: Order) -> int:
    """Shipping that was not given back."""
    return shipping(order) - refunded_shipping(order)


def current_total(order: Order) -> int:
    """What the order is worth now; an amount given back without naming lines counts too."""
    return max(0, current_subtotal(order) + current_shipping(order) - extra_refunds(order))


def current_discounts(order: Order) -> int:
    """Discounts on what is still there."""
    return sum(line.price_minor * current_quantity(order, line) - current_line(order, line) for line in order.lines)


def current_tax(order: Order) -> int:
    """Tax inside what is still there."""
    lines = sum(money.tax_inside(current_line(order, line), line.tax_rate_bp) for line in order.lines)
    return lines + sum(map(shipping_tax, order.shipping_lines)) - money.tax_inside(refunded_shipping(order), 1900)


def received(order: Order) -> int:
    """Money taken, before anything was given back."""
    return sum(t.amount_minor for t in order.transactions if t.kind == "sale" and t.status == "success")


def given_back(order: Order) -> int:
    """Money paid back."""
    return sum(
        t.amount_minor
        for refund in order.refunds
        for t in refund.transactions
        if t.kind == "refund" and t.status == "success"
    )


def outstanding(order: Order) -> int:
    """What the buyer still owes."""
    return 0 if order.cancelled_at else max(0, current_total(order) - received(order) + given_back(order))


def financial_status(order: Order) -> str:
    """pending, partially_paid, paid, partially_refunded, refunded or voided."""
    taken, back = received(order), given_back(order)
    if back:
        return "refunded" if back >= taken else "partially_refunded"
    if taken:
        return "partially_paid" if outstanding(order) else "paid"
    if order.cancelled_at:
        return "voided"
    return "paid" if total(order) == 0 else "pending"


def fulfillment_status(order: Order) -> str | None:
    """None, partial or fulfilled; restocked when everything came back before it was sent."""
    sent = any(fulfilled_units(order, line.id) for line in order.lines)
    left = any(fulfillable_quantity(order, line) for line in order.lines)
    if sent:
        return "partial" if left else "fulfilled"
    return "restocked" if order.refunds and not left else None


def refund_line_for(order: Order, line: Line, quantity: int, refund_line_id: int, restock_type: str) -> RefundLine:
    """What giving back `quantity` more units of a line amounts to, counted from the last unit still there."""
    remaining = current_quantity(order, line)
    subtotal_minor = units_price(line, remaining - quantity, quantity)
    return RefundLine(
        id=refund_line_id,
        line_id=line.id,
        quantity=quantity,
        subtotal_minor=subtotal_minor,
        tax_minor=money.tax_inside(subtotal_minor, line.tax_rate_bp),
        restock_type=restock_type,
    )

"""Orders: placed, paid, edited, tagged, cancelled, deleted. Refunds and parcels have modules of their own."""

from plugin.sandbox import discounts, gift_cards, pricing, products, totals
from plugin.sandbox import store_credit as store_credits
from plugin.sandbox.documents import checkouts as checkout_documents
from plugin.sandbox.documents import customers as customer_documents
from plugin.sandbox.documents import orders as documents
from plugin.sandbox.errors import Refused
from plugin.sandbox.order_records import Line, Order, ShippingLine, Transaction
from plugin.sandbox.records import Address, CartLine
from plugin.sandbox.world import World

FIRST_NUMBER = 1001


def place_order(
    world: World,
    *,
    lines: list[CartLine],
    customer_id: int | None = None,
    email: str | None = None,
    phone: str | None = None,
    discount_code: str | None = None,
    checkout_token: str | None = None,
    accepts_marketing: bool = False,
    locale: str | None = None,
    note: str | None = None,
    tags: list[str] | None = None,
    source_name: str = "web",
    shipping_address: Address | None = None,
    billing_address: Address | None = None,
    paid: bool = True,
    test: bool = False,
    gift_card: str | None = None,
    store_credit: bool = False,
) -> Order:
    """Place an order now. `Refused` when the cart is empty or the code cannot be used; `NotFound` for unknown ids.

    With `checkout_token` the checkout is completed. Without `customer_id` it is a guest's order, whatever the address.
    A gift card's code and the buyer's store credit pay before money does.
    """
    with world.change():
        buyer = world.customers[customer_id] if customer_id else None
        email = email or (buyer.email if buyer else None)
        cost = pricing.price(
            world, lines, code=discount_code, customer_id=customer_id, email=email, shipping=source_name == "web"
        )
        _check(cost)
        home = buyer.addresses[0] if buyer and buyer.addresses else None
        checkout = world.checkouts.get(checkout_token)
        now = world.now()
        order = Order(
            id=world.next_id("order"),
            number=world.next_number("order", FIRST_NUMBER),
            token=world.next_token("order"),
            created_at=now,
            updated_at=now,
            processed_at=now,
            lines=[_line(world, item) for item in cost.lines],
            customer_id=customer_id,
            email=email,
            phone=phone or (buyer.phone if buyer else None),
            checkout_token=checkout_token or (world.next_token("checkout") if source_name == "web" else None),
            cart_token=checkout.cart_token if checkout else None,
            locale=locale or (buyer.locale if buyer else world.shop.locale),
            source_name=source_name,
            accepts_marketing=accepts_marketing,
            note=note,
            tags=list(tags or []),
            test=test,
            applications=cost.applications,
            shipping_lines=_shipping(world, cost),
            shipping_address=shipping_address or home,
            billing_address=billing_address or shipping_address or home,
        )
        world.orders.keep(order)
        _pay_without_money(world, order, gift_card, store_credit)
        _after_placing(world, order, paid)
        return order


def _check(cost: pricing.Priced) -> None:
    if not cost.lines:
        raise Refused("Your cart is empty", field=("lines",))
    if cost.problem:
        raise Refused(cost.problem, field=("discount_code",))


def _line(world: World, item: pricing.PricedLine, *, added_later: bool = False) -> Line:
    title = item.variant.title
    return Line(
        id=world.next_id("line"),
        product_id=item.product.id,
        variant_id=item.variant.id,
        title=item.product.title,
        variant_title=None if title == "Default Title" else title,
        sku=item.variant.sku,
        vendor=item.product.vendor,
        price_minor=item.variant.price_minor,
        quantity=item.quantity,
        tax_rate_bp=0 if item.product.gift_card else item.product.tax_rate_bp,
        grams=item.variant.grams,
        gift_card=item.product.gift_card,
        requires_shipping=item.variant.requires_shipping,
        allocations=item.allocations,
        properties=dict(item.properties),
        added_later=added_later,
    )


def _shipping(world: World, cost: pricing.Priced) -> list[ShippingLine]:
    if not any(item.variant.requires_shipping for item in cost.lines):
        return []
    given = cost.shipping_discount_minor
    return [
        ShippingLine(
            id=world.next_id("shipping_line"),
            title=pricing.SHIPPING_TITLE,
            price_minor=cost.shipping_minor + given,
            discount_minor=given,
        )
    ]


def _pay_without_money(world: World, order: Order, gift_card: str | None, use_credit: bool) -> None:
    if gift_card and totals.outstanding(order):
        _paid(world, order, "gift_card", gift_cards.spend(world, gift_card, totals.outstanding(order)))
    if use_credit and order.customer_id and totals.outstanding(order):
        spent = store_credits.spend(world, order.customer_id, totals.outstanding(order), order.id)
        _paid(world, order, "shopify_store_credit", spent)


def _paid(world: World, order: Order, gateway: str, amount_minor: int) -> None:
    if amount_minor:
        order.transactions.append(
            Transaction(
                id=world.next_id("transaction"),
                kind="sale",
                amount_minor=amount_minor,
                created_at=world.now(),
                gateway=gateway,
            )
        )


def _after_placing(world: World, order: Order, paid: bool) -> None:
    for application in order.applications:
        discounts.note_use(world, application.code, order.customer_id, order.email)
    world.emit("orders/create", lambda: documents.order(world, order))
    _complete_checkout(world, order)
    for line in order.lines:
        if line.variant_id:
            products.move_stock(world, line.variant_id, -line.quantity)
    if paid:
        pay_order(world, order.id)
    elif order.customer_id:
        _summarise(world, order)


def _complete_checkout(world: World, order: Order) -> None:
    checkout = world.checkouts.get(order.checkout_token)
    if checkout and not checkout.completed_at:
        checkout.completed_at = checkout.updated_at = world.now()
        checkout.order_id = order.id
        world.checkouts.keep(checkout)
        world.emit("checkouts/update", lambda: checkout_documents.checkout(world, checkout))


def pay_order(world: World, order_id: int) -> Order:
    """Take the money that is still owed. Paying twice takes nothing more."""
    with world.change():
        order = world.orders[order_id]
        owed = totals.outstanding(order)
        if owed:
            order.transactions.append(
                Transaction(id=world.next_id("transaction"), kind="sale", amount_minor=owed, created_at=world.now())
            )
        touch(world, order)
        if totals.financial_status(order) == "paid":
            world.emit("orders/paid", lambda: documents.order(world, order))
        world.emit("orders/updated", lambda: documents.order(world, order))
        _summarise(world, order)
        return order


def touch(world: World, order: Order) -> None:
    """Give the order a new `updated_at` and keep it."""
    order.updated_at = max(world.now(), order.updated_at)
    world.orders.keep(order)


def _summarise(world: World, order: Order) -> None:
    customer_id = order.customer_id
    if customer_id:
        world.emit("customers/purchasing_summary", lambda: customer_documents.purchasing_summary(world, customer_id))


def order_changed(world: World, order: Order) -> None:
    """Keep the order and tell the app; other modules end their verbs with it."""
    touch(world, order)
    world.emit("orders/updated", lambda: documents.order(world, order))
    _summarise(world, order)


def save_order(world: World, order_id: int, *, tags: list[str] | None = None, note: str | None = None) -> Order:
    """Change tags or note."""
    with world.change():
        order = world.orders[order_id]
        order.tags = order.tags if tags is None else list(tags)
        order.note = order.note if note is None else note
        order_changed(world, order)
        return order


def edit_order(
    world: World, order_id: int, *, quantities: dict[int, int] | None = None, add: list[CartLine] | None = None
) -> Order:
    """Edit an order: set the current quantity of lines (downwards only, by line id) and add variants.

    What a smaller order no longer costs stays as a credit until it is refunded; what is added is owed until it is paid.
    """
    with world.change():
        order = world.orders[order_id]
        removals = _removals(order, quantities or {})
        for line in order.lines:
            line.removed += removals.get(line.id, 0)
        added = [_line(world, item, added_later=True) for item in pricing.price(world, add or []).lines]
        order.lines += added
        additions = {line.id: line.quantity for line in added}
        edit_id = world.next_id("order_edit")
        touch(world, order)
        world.emit("orders/edited", lambda: documents.edit(world, order, edit_id, additions, removals))
        order_changed(world, order)
        return order


def _removals(order: Order, quantities: dict[int, int]) -> dict[int, int]:
    by_id = {line.id: line for line in order.lines}
    removals = {}
    for line_id, quantity in quantities.items():
        line = by_id.get(line_id)
        if line is None or not 0 <= quantity <= totals.current_quantity(order, line):
            raise Refused("The quantity is larger than what is left of the line", field=("quantities",))
        removals[line_id] = totals.current_quantity(order, line) - quantity
    return {line_id: removed for line_id, removed in removals.items() if removed}


def delete_order(world: World, order_id: int) -> None:
    """Remove an order altogether."""
    with world.change():
        order = world.orders[order_id]
        world.orders.drop(order_id)
        world.emit("orders/delete", lambda: {"id": order_id})
        _summarise(world, order)

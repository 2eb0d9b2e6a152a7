"""Orders of the seeded world: who bought what, with which code, how it was paid and sent."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random

from plugin.sandbox import money, totals
from plugin.sandbox.order_records import Allocation, Application, Fulfillment, Line, Order, ShippingLine, Transaction
from plugin.sandbox.records import Discount
from plugin.sandbox.seed.baskets import Pick, basket_of, guest_basket
from plugin.sandbox.seed.discounts import amount_off, open_at
from plugin.sandbox.seed.numbering import Numbering
from plugin.sandbox.seed.people import MAIL_HOSTS, Person
from plugin.sandbox.seed.shelf import Shelf

FIRST_NUMBER = 1001
GUEST_SHARE = 0.16
SHIPPING_MINOR = 490
FREE_SHIPPING_MINOR = 4500
GATEWAYS = ("card", "card", "card", "paypal", "paypal", "klarna")


@dataclass
class Counter:
    """What the orders are written with: the shelf, the codes, the dice and the numbers."""

    shelf: Shelf
    discounts: list[Discount]
    dice: Random
    numbering: Numbering
    number: int = FIRST_NUMBER - 1


def make_orders(people: list[Person], today: date, counter: Counter) -> list[Order]:
    """All orders in the order in which they were placed; their numbers rise with it."""
    visits: list[tuple[datetime, int, Person | None]] = [
        (moment, person.customer.id, person) for person in people for moment in person.moments
    ]
    visits += [(moment, 0, None) for moment in _guest_moments(round(len(people) * GUEST_SHARE), today, counter.dice)]
    visits.sort(key=lambda visit: visit[:2])
    return [_order(moment, person, counter) for moment, _, person in visits]


def _guest_moments(count: int, today: date, dice: Random) -> list[datetime]:
    noon = datetime.fromisoformat(f"{today.isoformat()}T12:00:00+00:00")
    return [noon - timedelta(minutes=dice.randint(1440, 729 * 1440)) for _ in range(count)]


def _order(moment: datetime, person: Person | None, counter: Counter) -> Order:
    dice, numbering = counter.dice, counter.numbering
    picks = basket_of(person, moment, counter.shelf, dice) if person else guest_basket(moment, counter.shelf, dice)
    counter.number += 1
    order = Order(
        id=numbering.next("order"),
        number=counter.number,
        token=numbering.token(),
        checkout_token=numbering.token(),
        cart_token=numbering.token(),
        created_at=moment,
        updated_at=moment,
        processed_at=moment,
        lines=[_line(pick, numbering) for pick in picks],
    )
    _sign(order, person, dice)
    _apply_code(order, person, counter)
    _ship(order, numbering)
    _pay(order, dice, numbering)
    return order


def _line(pick: Pick, numbering: Numbering) -> Line:
    product, variant, quantity = pick
    return Line(
        id=numbering.next("line"),
        product_id=product.id,
        variant_id=variant.id,
        title=product.title,
        variant_title=variant.title,
        sku=variant.sku,
        vendor=product.vendor,
        price_minor=variant.price_minor,
        quantity=quantity,
        tax_rate_bp=product.tax_rate_bp,
        grams=variant.grams,
        gift_card=product.gift_card,
        requires_shipping=variant.requires_shipping,
    )


def _sign(order: Order, person: Person | None, dice: Random) -> None:
    """Put the buyer on the order; every fifth guest buys at the roastery's counter and leaves no address at all."""
    if person is None:
        at_counter = dice.random() < 0.2
        order.source_name = "pos" if at_counter else "web"
        order.email = None if at_counter else f"guest.{order.number}@{dice.choice(MAIL_HOSTS)}"
        return
    customer = person.customer
    order.customer_id, order.email, order.phone = customer.id, customer.email, customer.phone
    order.locale = customer.locale
    order.accepts_marketing = customer.email_consent.state == "subscribed"
    order.billing_address = order.shipping_address = customer.addresses[0] if customer.addresses else None


def _apply_code(order: Order, person: Person | None, counter: Counter) -> None:
    if counter.dice.random() >= (person.habit.code if person else 0.05):
        return
    usable = [discount for discount in counter.discounts if _usable(discount, order)]
    if usable:
        _take_off(order, counter.dice.choice(usable))


def _usable(discount: Discount, order: Order) -> bool:
    used = discount.once_per_customer and _buyer(order) in discount.used_by
    return open_at(discount, order.processed_at) and not used and amount_off(discount, _goods(order)) > 0


def _buyer(order: Order) -> str:
    return str(order.customer_id or order.email or order.id)


def _goods(order: Order) -> int:
    """Gross cents of what a code may reduce: gift cards are money and stay at face value."""
    return sum(line.price_minor * line.quantity for line in order.lines if not line.gift_card)


def _take_off(order: Order, discount: Discount) -> None:
    off = amount_off(discount, _goods(order))
    goods = [line for line in order.lines if not line.gift_card]
    parts = money.split(off, [line.price_minor * line.quantity for line in goods])
    for line, part in zip(goods, parts, strict=True):
        line.allocations = [Allocation(amount_minor=part)]
    kind, value = (
        ("percentage", discount.percent_bp) if discount.percent_bp else ("fixed_amount", discount.amount_minor)
    )
    order.applications = [
        Application(code=discount.code, title=discount.title, value_type=kind, value=value or 0, amount_minor=off)
    ]
    discount.used_by.append(_buyer(order))
    discount.updated_at = order.processed_at


def _ship(order: Order, numbering: Numbering) -> None:
    if order.source_name == "pos" or not any(line.requires_shipping for line in order.lines):
        return
    price = 0 if sum(line.discounted_minor for line in order.lines) >= FREE_SHIPPING_MINOR else SHIPPING_MINOR
    order.shipping_lines = [ShippingLine(id=numbering.next("shipping_line"), title="Parcel", price_minor=price)]


def total_minor(order: Order) -> int:
    """What the order cost when it was placed, tax and shipping included."""
    return totals.total(order)


def _pay(order: Order, dice: Random, numbering: Numbering) -> None:
    """Most are paid at once; a few by bank transfer, of which the last days' are still open."""
    gateway = dice.choice(GATEWAYS) if order.source_name == "web" else "cash"
    order.transactions = [
        Transaction(
            id=numbering.next("transaction"),
            kind="sale",
            amount_minor=total_minor(order),
            created_at=order.processed_at,
            gateway=gateway,
        )
    ]


def send_parcels(orders: list[Order], today: date, counter: Counter) -> None:
    """Fulfil what is older than two days and was not cancelled, one or two days after it was placed."""
    latest = datetime.fromisoformat(f"{today.isoformat()}T00:00:00+00:00") - timedelta(days=2)
    for order in orders:
        if order.processed_at < latest and not order.cancelled_at:
            _send(order, counter)


def _send(order: Order, counter: Counter) -> None:
    moment = order.processed_at + timedelta(minutes=counter.dice.randint(200, 2600))
    if order.source_name == "pos":
        moment = order.processed_at
    order.fulfillments = [
        Fulfillment(
            id=counter.numbering.next("fulfillment"),
            created_at=moment,
            updated_at=moment,
            quantities={line.id: line.quantity for line in order.lines},
            shipment_status="delivered",
            tracking_company="DHL",
            tracking_number=f"JJD{order.id % 10**11:011d}",
        )
    ]
    order.closed_at = moment
    order.updated_at = max(order.updated_at, moment)

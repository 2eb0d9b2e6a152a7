"""Abandoned checkouts of the last months, some of which their owners came back to."""

from datetime import date, datetime, timedelta
from random import Random

from plugin.sandbox.order_records import Order
from plugin.sandbox.records import CartLine, Checkout
from plugin.sandbox.seed.baskets import guest_basket
from plugin.sandbox.seed.people import MAIL_HOSTS, Person
from plugin.sandbox.seed.purchases import Counter

SHARE_OF_PEOPLE = 0.16
RECOVERED = 0.18
DAYS_BACK = 150


def make_checkouts(people: list[Person], orders: list[Order], today: date, counter: Counter) -> list[Checkout]:
    """Checkouts in the order in which they were begun; a recovered one carries the id of the order it became."""
    count = max(3, round(len(people) * SHARE_OF_PEOPLE)) if people else 0
    recovered = [_recovered(order, counter) for order in _recent(orders, today, counter.dice, round(count * RECOVERED))]
    left = [_left_behind(people, today, counter) for _ in range(count - len(recovered))]
    checkouts = sorted(recovered + left, key=lambda checkout: checkout.created_at)
    for checkout in checkouts:
        checkout.number = counter.numbering.next("checkout")
    return checkouts


def _recent(orders: list[Order], today: date, dice: Random, count: int) -> list[Order]:
    """Orders of customers in the window, which began as a checkout that was left for a while."""
    since = _noon(today) - timedelta(days=DAYS_BACK)
    fit = [order for order in orders if order.customer_id and order.email and order.processed_at > since]
    return dice.sample(fit, min(count, len(fit)))


def _recovered(order: Order, counter: Counter) -> Checkout:
    begun = order.processed_at - timedelta(minutes=counter.dice.randint(50, 2500))
    return Checkout(
        id=order.checkout_token or counter.numbering.token(),
        number=0,
        cart_token=order.cart_token or counter.numbering.token(),
        recovery_key=counter.numbering.token(),
        created_at=begun,
        updated_at=order.processed_at,
        completed_at=order.processed_at,
        order_id=order.id,
        lines=[CartLine(variant_id=line.variant_id or 0, quantity=line.quantity) for line in order.lines],
        customer_id=order.customer_id,
        email=order.email,
        phone=order.phone,
        accepts_marketing=order.accepts_marketing,
        locale=order.locale,
        billing_address=order.billing_address,
        shipping_address=order.shipping_address,
    )


def _left_behind(people: list[Person], today: date, counter: Counter) -> Checkout:
    dice = counter.dice
    begun = _noon(today) - timedelta(minutes=dice.randint(1450, DAYS_BACK * 1440))
    picks = guest_basket(begun, counter.shelf, dice)
    checkout = Checkout(
        id=counter.numbering.token(),
        number=0,
        cart_token=counter.numbering.token(),
        recovery_key=counter.numbering.token(),
        created_at=begun,
        updated_at=begun + timedelta(minutes=dice.randint(1, 9)),
        lines=[CartLine(variant_id=pick.variant.id, quantity=pick.quantity) for pick in picks],
    )
    _sign(checkout, people, begun, dice)
    return checkout


def _sign(checkout: Checkout, people: list[Person], begun: datetime, dice: Random) -> None:
    """Two of three are known customers, the rest typed an address and went."""
    person = dice.choice(people)
    customer = person.customer
    if dice.random() < 0.66 and customer.email and customer.created_at < begun:
        checkout.customer_id, checkout.email, checkout.locale = customer.id, customer.email, customer.locale
        checkout.accepts_marketing = customer.email_consent.state == "subscribed"
        checkout.shipping_address = customer.addresses[0] if customer.addresses else None
        return
    checkout.email = f"visitor.{checkout.id[:6]}@{dice.choice(MAIL_HOSTS)}"
    checkout.accepts_marketing = dice.random() < 0.35


def _noon(today: date) -> datetime:
    return datetime.fromisoformat(f"{today.isoformat()}T12:00:00+00:00")

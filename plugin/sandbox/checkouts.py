"""Checkouts: begun with an address, changed, left behind or completed into an order."""

from typing import Any

from plugin.sandbox import customers, gift_cards, orders, pricing
from plugin.sandbox.documents import checkouts as documents
from plugin.sandbox.errors import Refused
from plugin.sandbox.order_records import Order
from plugin.sandbox.records import Address, CartLine, Checkout, Customer
from plugin.sandbox.world import World


def save_checkout(
    world: World,
    token: str | None = None,
    *,
    lines: list[CartLine] | None = None,
    cart_token: str | None = None,
    customer_id: int | None = None,
    email: str | None = None,
    phone: str | None = None,
    accepts_marketing: bool | None = None,
    code: str | None = None,
    locale: str | None = None,
    note: str | None = None,
    shipping_address: Address | None = None,
    billing_address: Address | None = None,
) -> Checkout:
    """Begin a checkout (no token) or change the fields that are given; an empty `code` takes the code away.

    As in the real store the app hears of a checkout once there is a way to reach the buyer: one without e-mail,
    phone and customer is silent.
    """
    with world.change():
        checkout = world.checkouts[token] if token else _new(world, cart_token)
        if checkout.completed_at:
            raise Refused("This checkout has been completed")
        known = _reachable(checkout)
        given: dict[str, Any] = {"lines": lines, "customer_id": customer_id, "email": email, "phone": phone}
        given |= {"accepts_marketing": accepts_marketing, "locale": locale, "note": note}
        given |= {"shipping_address": shipping_address, "billing_address": billing_address}
        for name, value in given.items():
            if value is not None:
                setattr(checkout, name, value)
        if code is not None:
            _take_code(world, checkout, code.strip())
        _fill_in_buyer(world, checkout)
        checkout.updated_at = world.now()
        world.checkouts.keep(checkout)
        if _reachable(checkout):
            topic = "checkouts/update" if known else "checkouts/create"
            world.emit(topic, lambda: documents.checkout(world, checkout))
        return checkout


def _take_code(world: World, checkout: Checkout, code: str) -> None:
    """A discount code or a gift card's: there is one field for both, as in the real checkout."""
    if world.gift_cards.first("code", code.casefold()):
        checkout.gift_card = gift_cards.usable(world, code).code
    else:
        checkout.code = code or None


def _new(world: World, cart_token: str | None) -> Checkout:
    now = world.now()
    return Checkout(
        id=world.next_token("checkout"),
        number=world.next_id("checkout"),
        cart_token=cart_token or world.next_token("cart"),
        recovery_key=world.next_token("recovery"),
        created_at=now,
        updated_at=now,
        lines=[],
    )


def _reachable(checkout: Checkout) -> bool:
    return bool(checkout.email or checkout.phone or checkout.customer_id)


def _fill_in_buyer(world: World, checkout: Checkout) -> None:
    buyer = world.customers.get(checkout.customer_id)
    if buyer is None and checkout.email:
        buyer = customers.find_by_email(world, checkout.email)
    if buyer is None:
        return
    checkout.customer_id = buyer.id
    checkout.email = checkout.email or buyer.email
    checkout.phone = checkout.phone or buyer.phone
    checkout.shipping_address = checkout.shipping_address or (buyer.addresses[0] if buyer.addresses else None)


def complete_checkout(world: World, token: str, *, paid: bool = True, store_credit: bool = False) -> Order:
    """Turn the checkout into an order; an unknown buyer becomes a customer. Twice gives the same order."""
    with world.change():
        checkout = world.checkouts[token]
        if checkout.order_id:
            return world.orders[checkout.order_id]
        lines = pricing.still_sold(world, checkout.lines)
        if not lines:
            raise Refused("Your cart is empty")
        if not _reachable(checkout):
            raise Refused("Enter an e-mail address", field=("email",))
        if not checkout.customer_id and checkout.email:
            checkout.customer_id = _new_customer(world, checkout).id
        if checkout.customer_id and checkout.accepts_marketing and checkout.email:
            customers.set_email_consent(world, checkout.customer_id, "subscribed")
        return orders.place_order(
            world,
            lines=lines,
            customer_id=checkout.customer_id,
            email=checkout.email,
            phone=checkout.phone,
            discount_code=checkout.code,
            checkout_token=token,
            accepts_marketing=checkout.accepts_marketing,
            locale=checkout.locale,
            note=checkout.note,
            shipping_address=checkout.shipping_address,
            billing_address=checkout.billing_address or checkout.shipping_address,
            paid=paid,
            gift_card=checkout.gift_card,
            store_credit=store_credit,
        )


def _new_customer(world: World, checkout: Checkout) -> Customer:
    address = checkout.shipping_address
    return customers.save_customer(
        world,
        email=checkout.email,
        first_name=address.first_name if address else None,
        last_name=address.last_name if address else None,
        locale=checkout.locale,
        state="disabled",
        addresses=[address] if address else None,
    )


def delete_checkout(world: World, token: str) -> None:
    """Remove a checkout, as the store does with old ones."""
    with world.change():
        checkout = world.checkouts[token]
        world.checkouts.drop(token)
        world.emit("checkouts/delete", lambda: documents.deleted_checkout(world, checkout))

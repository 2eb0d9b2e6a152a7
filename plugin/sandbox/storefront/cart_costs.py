"""What the visitor's cart costs."""

from plugin.sandbox import pricing
from plugin.sandbox.records import Cart
from plugin.sandbox.storefront import visitor


def priced(cart: Cart | None) -> pricing.Priced:
    """The cart's cost for this visitor; nothing for no cart."""
    customer = visitor.signed_in()
    return pricing.price(
        visitor.the_world(),
        cart.lines if cart else [],
        code=cart.code if cart else None,
        customer_id=customer.id if customer else None,
        email=customer.email if customer else None,
    )

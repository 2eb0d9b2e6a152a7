"""Abandoned checkouts as the Admin API shows them: reachable and not touched for ten minutes, or completed later."""

from datetime import timedelta
from typing import Any

from plugin.sandbox.admin_api import search
from plugin.sandbox.admin_api.goods import media
from plugin.sandbox.admin_api.node import Fields, Node, attributes, instant, money_bag, optional_instant, tax_line
from plugin.sandbox.admin_api.paging import connect
from plugin.sandbox.admin_api.request import Api
from plugin.sandbox.documents import checkouts as documents
from plugin.sandbox.documents.basics import gid
from plugin.sandbox.pricing import Priced, PricedLine
from plugin.sandbox.records import Checkout

QUIET = timedelta(minutes=10)
FIELDS: dict[str, Any] = {
    "id": lambda checkout: checkout.number,
    "created_at": lambda checkout: checkout.created_at,
    "updated_at": lambda checkout: checkout.updated_at,
    "status": lambda checkout: "closed" if checkout.completed_at else "open",
    "recovery_state": lambda checkout: "recovered" if checkout.completed_at else "not_recovered",
    "email_state": lambda checkout: "not_sent",
}
SORTS: dict[str, Any] = {
    "ID": lambda checkout: (checkout.number,),
    "CHECKOUT_ID": lambda checkout: (checkout.number,),
    "CREATED_AT": lambda checkout: (instant(checkout.created_at), checkout.number),
}


def abandoned(api: Api, query: str | None = None) -> list[Checkout]:
    """Checkouts that count as abandoned."""
    quiet_since = api.world.now() - QUIET
    reachable = [c for c in api.world.checkouts if c.email or c.phone or c.customer_id]
    return search.select([c for c in reachable if c.updated_at <= quiet_since or c.completed_at], query, FIELDS)


def checkout_page(api: Api, query: str | None = None, sort_key: str = "ID", **page: Any) -> Fields:
    """A connection of abandoned checkouts."""
    key = SORTS.get(sort_key, SORTS["ID"])
    return connect(api, abandoned(api, query), lambda checkout: CheckoutNode(api, checkout), key=key, **page)


class CheckoutNode(Node):
    """`AbandonedCheckout`: it has no e-mail address and no token of its own."""

    type_name = "AbandonedCheckout"
    record: Checkout

    def __init__(self, api: Api, record: Checkout) -> None:
        super().__init__(api, record)
        self._cost: Priced | None = None

    def cost(self) -> Priced:
        """What it costs now."""
        self._cost = self._cost or documents.priced(self.api.world, self.record)
        return self._cost

    def id(self) -> str:
        """The global id."""
        return gid("AbandonedCheckout", self.record.number)

    def name(self) -> str:
        """Such as `#5900274114782`."""
        return f"#{self.record.number}"

    def note(self) -> str:
        """What the buyer wrote."""
        return self.record.note or ""

    def abandoned_checkout_url(self) -> str:
        """The recovery link; its last part but one is the token."""
        return documents.recovery_url(self.api.world, self.record)

    def completed_at(self) -> str | None:
        """When it became an order."""
        return optional_instant(self.record.completed_at)

    def customer(self) -> Node | None:
        """The buyer, if known."""
        return self.make("Customer", self.api.world.customers.get(self.record.customer_id))

    def custom_attributes(self) -> list[Fields]:
        """None are kept."""
        return attributes({})

    def discount_codes(self) -> list[str]:
        """The code, while it counts."""
        return [application.code for application in self.cost().applications]

    def billing_address(self) -> Node | None:
        """Where the bill goes."""
        return self.make("MailingAddress", self.record.billing_address)

    def shipping_address(self) -> Node | None:
        """Where the parcel goes."""
        return self.make("MailingAddress", self.record.shipping_address)

    def taxes_included(self) -> bool:
        """Prices include tax."""
        return True

    def subtotal_price_set(self) -> Fields:
        """Lines after discounts."""
        return money_bag(self.cost().subtotal_minor)

    def total_price_set(self) -> Fields:
        """What is to be paid."""
        return money_bag(self.cost().total_minor)

    def total_line_items_price_set(self) -> Fields:
        """Lines before discounts."""
        return money_bag(self.cost().full_minor)

    def total_discount_set(self) -> Fields:
        """Discounts."""
        return money_bag(self.cost().discount_minor)

    def total_tax_set(self) -> Fields:
        """Tax inside."""
        return money_bag(self.cost().tax_minor)

    def tax_lines(self) -> list[Fields]:
        """Tax inside."""
        return [tax_line(self.cost().tax_minor, 1900)]

    def line_items(self, **page: Any) -> Fields:
        """What is in it."""
        return connect(self.api, self.cost().lines, self._line, **page)

    def _line(self, line: PricedLine) -> Fields:
        product, variant = line.product, line.variant
        return {
            "id": gid("AbandonedCheckoutLineItem", f"{variant.id}?checkout={self.record.number}"),
            "title": product.title,
            "variantTitle": variant.title,
            "quantity": line.quantity,
            "sku": variant.sku,
            "customAttributes": attributes(line.properties),
            "originalUnitPriceSet": money_bag(variant.price_minor),
            "originalTotalPriceSet": money_bag(line.full_minor),
            "discountedUnitPriceSet": money_bag(variant.price_minor),
            "discountedTotalPriceSet": money_bag(line.full_minor),
            "discountedTotalPriceWithCodeDiscount": money_bag(line.minor),
            "product": self.make("Product", product),
            "variant": self.make("ProductVariant", (product, variant)),
            "image": media(self.api, product.images[0])["image"] if product.images else None,
        }

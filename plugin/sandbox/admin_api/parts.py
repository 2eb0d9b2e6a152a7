"""What hangs on an order: lines, shipping, parcels. Their nodes wrap (order, part)."""

from typing import Any

from plugin.sandbox import money, totals
from plugin.sandbox.admin_api.node import Fields, Node, attributes, instant, money_bag, tax_line
from plugin.sandbox.admin_api.paging import connect
from plugin.sandbox.admin_api.sales import application_fields
from plugin.sandbox.documents.basics import gid
from plugin.sandbox.order_records import Order


class Part(Node):
    """A part of an order: fields that are no method come from the part."""

    def __init__(self, api: Any, record: Any) -> None:
        order, part = record
        super().__init__(api, part)
        self.whole: Order = order

    def order(self) -> Node | None:
        """The order."""
        return self.make("Order", self.whole)


class LineNode(Part):
    """`LineItem`."""

    type_name = "LineItem"

    def name(self) -> str:
        """Title with the variant's."""
        line = self.record
        return f"{line.title} - {line.variant_title}" if line.variant_title else str(line.title)

    def current_quantity(self) -> int:
        """Units now."""
        return totals.current_quantity(self.whole, self.record)

    def refundable_quantity(self) -> int:
        """Units that can be given back."""
        return totals.current_quantity(self.whole, self.record)

    def unfulfilled_quantity(self) -> int:
        """Units still to be sent."""
        return totals.fulfillable_quantity(self.whole, self.record)

    def is_gift_card(self) -> bool:
        """Whether it is a gift card."""
        return bool(self.record.gift_card)

    def taxable(self) -> bool:
        """Gift cards are not taxed."""
        return not self.record.gift_card

    def custom_attributes(self) -> list[Fields]:
        """Line properties."""
        return attributes(self.record.properties)

    def original_unit_price_set(self) -> Fields:
        """One unit, before discounts."""
        return money_bag(self.record.price_minor)

    def original_total_set(self) -> Fields:
        """All units, before discounts."""
        return money_bag(self.record.price_minor * self.record.quantity)

    def discounted_total_set(self, with_code_discounts: bool = False) -> Fields:
        """All units bought; the part of a code is only in it when asked for, as in the real store."""
        return money_bag(self.record.discounted_minor) if with_code_discounts else self.original_total_set()

    def discounted_unit_price_set(self) -> Fields:
        """One unit, after discounts of the line."""
        return money_bag(self.record.price_minor)

    def discounted_unit_price_after_all_discounts_set(self) -> Fields:
        """One unit, after all discounts."""
        return money_bag(money.share(self.record.discounted_minor, 1, self.record.quantity))

    def total_discount_set(self) -> Fields:
        """Discounts of the line itself: none here, codes are for the whole order."""
        return money_bag(0)

    def discount_allocations(self) -> list[Fields]:
        """The line's part of each code."""
        return [
            {
                "allocatedAmountSet": money_bag(part.amount_minor),
                "discountApplication": application_fields(part.application, self.whole.applications[part.application]),
            }
            for part in self.record.allocations
        ]

    def tax_lines(self, first: int | None = None) -> list[Fields]:
        """Tax inside the line."""
        return [tax_line(totals.line_tax(self.record), self.record.tax_rate_bp)][:first]

    def product(self) -> Node | None:
        """The product, while it exists."""
        return self.make("Product", self.api.world.products.get(self.record.product_id))

    def variant(self) -> Node | None:
        """The variant, while it exists."""
        product = self.api.world.products.first("variant", self.record.variant_id)
        variants = product.variants if product else []
        found = next(((product, one) for one in variants if one.id == self.record.variant_id), None)
        return self.make("ProductVariant", found)

    def selling_plan(self) -> None:
        """Nothing is sold by subscription here."""
        return

    def image(self) -> None:
        """Not kept with the line."""
        return


class ShippingLineNode(Part):
    """`ShippingLine`."""

    type_name = "ShippingLine"

    def custom(self) -> bool:
        """Always a rate of the store."""
        return False

    def is_removed(self) -> bool:
        """Never."""
        return False

    def source(self) -> str:
        """Who offered the rate."""
        return "shopify"

    def original_price_set(self) -> Fields:
        """Before discounts."""
        return money_bag(self.record.price_minor)

    def discounted_price_set(self) -> Fields:
        """After discounts."""
        return money_bag(self.record.discounted_minor)

    def current_discounted_price_set(self) -> Fields:
        """After refunds, too."""
        return money_bag(max(0, self.record.discounted_minor - totals.refunded_shipping(self.whole)))

    def tax_lines(self) -> list[Fields]:
        """Tax inside it."""
        return [tax_line(totals.shipping_tax(self.record), self.record.tax_rate_bp)]


class FulfillmentNode(Part):
    """`Fulfillment`."""

    type_name = "Fulfillment"

    def name(self) -> str:
        """Such as `#1042.1`."""
        return f"{self.whole.name}.{self.whole.fulfillments.index(self.record) + 1}"

    def status(self) -> str:
        """SUCCESS, mostly."""
        return str(self.record.status).upper()

    def display_status(self) -> str:
        """Where the parcel is."""
        return str(self.record.shipment_status or "fulfilled").upper()

    def delivered_at(self) -> str | None:
        """When it arrived."""
        return instant(self.record.updated_at) if self.record.shipment_status == "delivered" else None

    def total_quantity(self) -> int:
        """Units inside."""
        return sum(self.record.quantities.values())

    def tracking_info(self, first: int | None = None) -> list[Fields]:
        """Carrier and number."""
        number = self.record.tracking_number
        return [{"company": self.record.tracking_company, "number": number, "url": None}] if number else []

    def location(self) -> Node | None:
        """Where it was packed."""
        return self.make("Location", self.api.world.shop)

    def fulfillment_line_items(self, **page: Any) -> Fields:
        """What is inside."""
        inside = [line for line in self.whole.lines if self.record.quantities.get(line.id)]
        return connect(self.api, inside, self._line, **page)

    def _line(self, line: Any) -> Fields:
        quantity = self.record.quantities[line.id]
        return {
            "id": gid("FulfillmentLineItem", self.record.id + line.id % 1_000_000),
            "lineItem": LineNode(self.api, (self.whole, line)),
            "quantity": quantity,
            "originalTotalSet": money_bag(line.price_minor * quantity),
            "discountedTotalSet": money_bag(money.share(line.discounted_minor, quantity, line.quantity)),
        }

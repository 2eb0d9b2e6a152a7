"""What hangs on an order: lines, refunds, parcels, transactions. Their nodes wrap (order, part)."""

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

    def tax_lines(self) -> list[Fields]:
        """Tax inside the line."""
        return [tax_line(totals.line_tax(self.record), self.record.tax_rate_bp)]

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


class RefundNode(Part):
    """`Refund`."""

    type_name = "Refund"

    def processed_at(self) -> str:
        """When it was made."""
        return instant(self.record.created_at)

    def updated_at(self) -> str:
        """When it was made: refunds do not change."""
        return instant(self.record.created_at)

    def total_refunded_set(self) -> Fields:
        """Money paid back by it."""
        return money_bag(sum(item.amount_minor for item in self.record.transactions))

    def refund_line_items(self, **page: Any) -> Fields:
        """Units given back."""
        return connect(self.api, self.record.lines, lambda line: RefundLineNode(self.api, (self.whole, line)), **page)

    def refund_shipping_lines(self, **page: Any) -> Fields:
        """Shipping given back."""
        rows = [self.record] if self.record.shipping_minor else []
        return connect(self.api, rows, self._shipping, **page)

    def _shipping(self, refund: Any) -> Fields:
        tax = money.tax_inside(refund.shipping_minor, 1900)
        lines = self.whole.shipping_lines
        return {
            "id": gid("RefundShippingLine", refund.id + 1),
            "subtotalAmountSet": money_bag(refund.shipping_minor),
            "taxAmountSet": money_bag(tax),
            "shippingLine": self.make("ShippingLine", (self.whole, lines[0])) if lines else None,
        }

    def order_adjustments(self, **page: Any) -> Fields:
        """An amount given back without lines."""
        rows = [self.record] if self.record.extra_minor else []
        return connect(self.api, rows, self._adjustment, **page)

    def _adjustment(self, refund: Any) -> Fields:
        return {
            "id": gid("OrderAdjustment", refund.id + 2),
            "amountSet": money_bag(-refund.extra_minor),
            "taxAmountSet": money_bag(0),
            "reason": "REFUND_DISCREPANCY",
        }

    def transactions(self, **page: Any) -> Fields:
        """Money that went back."""
        return connect(
            self.api, self.record.transactions, lambda item: TransactionNode(self.api, (self.whole, item)), **page
        )


class RefundLineNode(Part):
    """`RefundLineItem`."""

    type_name = "RefundLineItem"

    def line_item(self) -> Node:
        """The order's line."""
        line = next(line for line in self.whole.lines if line.id == self.record.line_id)
        return LineNode(self.api, (self.whole, line))

    def restock_type(self) -> str:
        """RETURN, CANCEL or NO_RESTOCK."""
        return str(self.record.restock_type).upper()

    def restocked(self) -> bool:
        """Whether the units are on the shelf again."""
        return bool(self.record.restock_type != "no_restock")

    def price_set(self) -> Fields:
        """One unit."""
        return money_bag(money.share(self.record.subtotal_minor, 1, self.record.quantity))

    def subtotal_set(self) -> Fields:
        """All of them, after discounts, tax included."""
        return money_bag(self.record.subtotal_minor)

    def total_tax_set(self) -> Fields:
        """Tax inside."""
        return money_bag(self.record.tax_minor)

    def location(self) -> Node | None:
        """Where they were put."""
        return self.make("Location", self.api.world.shop) if self.restocked() else None


class TransactionNode(Part):
    """`OrderTransaction`."""

    type_name = "OrderTransaction"

    def amount_set(self) -> Fields:
        """How much."""
        return money_bag(self.record.amount_minor)

    def kind(self) -> str:
        """SALE, REFUND, VOID."""
        return str(self.record.kind).upper()

    def status(self) -> str:
        """SUCCESS, mostly."""
        return str(self.record.status).upper()

    def processed_at(self) -> str:
        """When."""
        return instant(self.record.created_at)

    def test(self) -> bool:
        """As the order."""
        return self.whole.test

    def error_code(self) -> None:
        """Payments do not fail here."""
        return

    def parent_transaction(self) -> Node | None:
        """The sale that a refund belongs to."""
        found = next((item for item in self.whole.transactions if item.id == self.record.parent_id), None)
        return self.make("OrderTransaction", (self.whole, found)) if found else None


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

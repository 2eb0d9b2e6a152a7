"""Refunds and the money that moved, as the Admin API shows them. These nodes wrap (order, part)."""

from typing import Any

from plugin.sandbox import money
from plugin.sandbox.admin_api.node import Fields, Node, instant, money_bag
from plugin.sandbox.admin_api.paging import connect
from plugin.sandbox.admin_api.parts import LineNode, Part
from plugin.sandbox.documents.basics import gid


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


class OrderAgreementNode(Node):
    """`OrderAgreement`: the order as it was placed."""

    type_name = "OrderAgreement"

    def id(self) -> str:
        """The global id."""
        return gid("SalesAgreement", self.record.id + 3)

    def happened_at(self) -> str:
        """When it was placed."""
        return instant(self.record.created_at)

    def reason(self) -> str:
        """Always the order itself."""
        return "ORDER"

    def order(self) -> Node | None:
        """The order."""
        return self.make("Order", self.record)


class RefundAgreementNode(Part):
    """`RefundAgreement`: that something was given back."""

    type_name = "RefundAgreement"

    def id(self) -> str:
        """The global id."""
        return gid("SalesAgreement", self.record.id + 3)

    def happened_at(self) -> str:
        """When it was given back."""
        return instant(self.record.created_at)

    def reason(self) -> str:
        """Always a refund."""
        return "REFUND"

    def refund(self) -> Node | None:
        """The refund."""
        return self.make("Refund", (self.whole, self.record))


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

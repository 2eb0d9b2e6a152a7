"""Orders and their pages as the Admin API shows them."""

from typing import Any

from plugin.sandbox import money, totals
from plugin.sandbox.admin_api import search
from plugin.sandbox.admin_api.metafields import HasMetafields
from plugin.sandbox.admin_api.node import Fields, Node, attributes, instant, money_bag, optional_instant, tax_line
from plugin.sandbox.admin_api.paging import connect
from plugin.sandbox.admin_api.request import Api
from plugin.sandbox.documents.basics import gid
from plugin.sandbox.order_records import Application, Order

FIELDS: dict[str, Any] = {
    "id": lambda order: order.id,
    "name": lambda order: [order.name, order.name.lstrip("#")],
    "created_at": lambda order: order.created_at,
    "updated_at": lambda order: order.updated_at,
    "processed_at": lambda order: order.processed_at,
    "checkout_token": lambda order: order.checkout_token,
    "cart_token": lambda order: order.cart_token,
    "customer_id": lambda order: order.customer_id,
    "email": lambda order: order.email,
    "tag": lambda order: order.tags,
    "test": lambda order: order.test,
    "source_name": lambda order: order.source_name,
    "discount_code": lambda order: [application.code for application in order.applications],
    "financial_status": lambda order: totals.financial_status(order),
    "fulfillment_status": lambda order: totals.fulfillment_status(order) or "unfulfilled",
    "status": lambda order: [
        "any",
        "cancelled" if order.cancelled_at else "closed" if order.closed_at else "open",
    ],
}
SORTS: dict[str, Any] = {
    "ID": lambda order: (order.id,),
    "CREATED_AT": lambda order: (instant(order.created_at), order.id),
    "UPDATED_AT": lambda order: (instant(order.updated_at), order.id),
    "PROCESSED_AT": lambda order: (instant(order.processed_at), order.id),
    "ORDER_NUMBER": lambda order: (order.number, order.id),
    "TOTAL_PRICE": lambda order: (totals.total(order), order.id),
    "CURRENT_TOTAL_PRICE": lambda order: (totals.current_total(order), order.id),
}
FULFILLMENT = {
    None: "UNFULFILLED",
    "partial": "PARTIALLY_FULFILLED",
    "fulfilled": "FULFILLED",
    "restocked": "RESTOCKED",
}


def order_page(
    api: Api, orders: list[Order], query: str | None = None, sort_key: str = "PROCESSED_AT", **page: Any
) -> Fields:
    """A connection of orders; sorts that are not played fall back to the id."""
    found = search.select(orders, query, FIELDS)
    return connect(api, found, lambda order: OrderNode(api, order), key=SORTS.get(sort_key, SORTS["ID"]), **page)


class OrderNode(HasMetafields):
    """`Order`."""

    type_name = "Order"
    record: Order

    def number(self) -> int:
        """The number in the name."""
        return self.record.number

    def confirmation_number(self) -> str:
        """What the buyer quotes."""
        return self.record.token[:9].upper()

    def processed_at(self) -> str:
        """The moment that counts."""
        return instant(self.record.processed_at)

    def cancelled_at(self) -> str | None:
        """When it was cancelled."""
        return optional_instant(self.record.cancelled_at)

    def cancel_reason(self) -> str | None:
        """Why."""
        return self.record.cancel_reason.upper() if self.record.cancel_reason else None

    def closed_at(self) -> str | None:
        """When nothing was left to do."""
        return optional_instant(self.record.closed_at)

    def closed(self) -> bool:
        """Whether nothing is left to do."""
        return self.record.closed_at is not None

    def confirmed(self) -> bool:
        """Always, here."""
        return True

    def edited(self) -> bool:
        """Whether lines were taken away or added later."""
        return any(line.removed or line.added_later for line in self.record.lines)

    def currency_code(self) -> str:
        """The shop's currency."""
        return money.CURRENCY

    def presentment_currency_code(self) -> str:
        """The buyer's currency, which is the shop's."""
        return money.CURRENCY

    def taxes_included(self) -> bool:
        """Prices include tax."""
        return True

    def display_financial_status(self) -> str:
        """PENDING, PAID, PARTIALLY_REFUNDED …"""
        return totals.financial_status(self.record).upper()

    def display_fulfillment_status(self) -> str:
        """UNFULFILLED, PARTIALLY_FULFILLED, FULFILLED, RESTOCKED."""
        return FULFILLMENT[totals.fulfillment_status(self.record)]

    def fully_paid(self) -> bool:
        """Whether nothing is owed."""
        return totals.outstanding(self.record) == 0

    def unpaid(self) -> bool:
        """Whether something is owed."""
        return totals.outstanding(self.record) > 0

    def refundable(self) -> bool:
        """Whether money is left to give back."""
        return totals.received(self.record) > totals.given_back(self.record)

    def return_status(self) -> str:
        """Returns are not played."""
        return "NO_RETURN"

    def app(self) -> Fields:
        """What made the order."""
        web = self.record.source_name == "web"
        return {"id": gid("App", 580_111 if web else 129_785), "name": "Online Store" if web else "Point of Sale"}

    def discount_codes(self) -> list[str]:
        """Codes used."""
        return [application.code for application in self.record.applications]

    def discount_code(self) -> str | None:
        """The first code used."""
        return next(iter(self.discount_codes()), None)

    def custom_attributes(self) -> list[Fields]:
        """Note attributes."""
        return attributes(self.record.note_attributes)

    def customer(self) -> Node | None:
        """The buyer; None for a guest."""
        return self.make("Customer", self.api.world.customers.get(self.record.customer_id))

    def customer_accepts_marketing(self) -> bool:
        """What the buyer ticked."""
        return self.record.accepts_marketing

    def customer_locale(self) -> str:
        """The buyer's language."""
        return self.record.locale

    def customer_journey_summary(self) -> Fields:
        """Not known here."""
        return {"ready": True, "firstVisit": None, "lastVisit": None}

    def billing_address(self) -> Node | None:
        """Where the bill goes."""
        return self.make("MailingAddress", self.record.billing_address)

    def shipping_address(self) -> Node | None:
        """Where the parcel goes."""
        return self.make("MailingAddress", self.record.shipping_address)

    def payment_gateway_names(self) -> list[str]:
        """How it was paid."""
        return sorted({transaction.gateway for transaction in self.record.transactions})

    def status_page_url(self) -> str:
        """The buyer's page."""
        return f"{self.api.world.store_url}/account/orders/{self.record.token}"

    def line_items(self, **page: Any) -> Fields:
        """Lines."""
        return connect(self.api, self.record.lines, self._line, key=lambda line: (line.id,), **page)

    def _line(self, line: Any) -> Node | None:
        return self.make("LineItem", (self.record, line))

    def discount_applications(self, **page: Any) -> Fields:
        """Codes applied."""
        numbered = list(enumerate(self.record.applications))
        return connect(self.api, numbered, lambda pair: application_fields(*pair), **page)

    def shipping_line(self) -> Node | None:
        """How it travels."""
        return next((self._shipping(line) for line in self.record.shipping_lines), None)

    def shipping_lines(self, **page: Any) -> Fields:
        """How it travels."""
        return connect(self.api, self.record.shipping_lines, self._shipping, **page)

    def _shipping(self, line: Any) -> Node | None:
        return self.make("ShippingLine", (self.record, line))

    def refunds(self, first: int | None = None) -> list[Node | None]:
        """What was given back."""
        return [self.make("Refund", (self.record, refund)) for refund in self.record.refunds[:first]]

    def agreements(self, query: str | None = None, **page: Any) -> Fields:
        """The order as it was placed, then each refund."""
        made = [self.make("OrderAgreement", self.record)]
        made += [self.make("RefundAgreement", (self.record, refund)) for refund in self.record.refunds]
        return connect(self.api, made, lambda node: node, **page)

    def fulfillments(self, first: int | None = None, query: str | None = None) -> list[Node | None]:
        """Parcels."""
        return [self.make("Fulfillment", (self.record, parcel)) for parcel in self.record.fulfillments[:first]]

    def transactions(self, first: int | None = None) -> list[Node | None]:
        """Money that moved, both ways."""
        record = self.record
        moved = [*record.transactions, *(item for refund in record.refunds for item in refund.transactions)]
        return [self.make("OrderTransaction", (record, item)) for item in moved[:first]]

    def tax_lines(self) -> list[Fields]:
        """Tax as bought."""
        return [tax_line(totals.tax(self.record), 1900)]

    def current_tax_lines(self) -> list[Fields]:
        """Tax now."""
        return [tax_line(totals.current_tax(self.record), 1900)]

    def subtotal_line_items_quantity(self) -> int:
        """Units bought."""
        return sum(line.quantity for line in totals.original_lines(self.record))

    def current_subtotal_line_items_quantity(self) -> int:
        """Units now."""
        return sum(totals.current_quantity(self.record, line) for line in self.record.lines)

    def total_weight(self) -> str:
        """Grams, as text."""
        return str(sum(line.grams * line.quantity for line in self.record.lines))

    def __getattr__(self, name: str) -> Any:
        """Sums of money have a table of their own."""
        if name in SUMS:
            return money_bag(SUMS[name](self.record))
        return super().__getattr__(name)


SUMS: dict[str, Any] = {
    "subtotal_price_set": totals.subtotal,
    "total_price_set": totals.total,
    "original_total_price_set": totals.total,
    "total_tax_set": totals.tax,
    "total_discounts_set": totals.discounts,
    "total_shipping_price_set": totals.shipping,
    "current_subtotal_price_set": totals.current_subtotal,
    "current_total_price_set": totals.current_total,
    "current_total_tax_set": totals.current_tax,
    "current_total_discounts_set": totals.current_discounts,
    "current_shipping_price_set": totals.current_shipping,
    "total_refunded_set": totals.given_back,
    "total_refunded_shipping_set": totals.refunded_shipping,
    "refund_discrepancy_set": lambda order: -totals.extra_refunds(order),
    "total_received_set": totals.received,
    "total_outstanding_set": totals.outstanding,
    "net_payment_set": lambda order: totals.received(order) - totals.given_back(order),
    "total_tip_received_set": lambda order: 0,
}


def application_fields(index: int, item: Application) -> Fields:
    """`DiscountCodeApplication`."""
    percentage = item.value_type == "percentage"
    value: Fields = {"__typename": "PricingPercentageValue", "percentage": item.value / 100}
    amount: Fields = {"__typename": "MoneyV2", "amount": money.short_text(item.value), "currencyCode": money.CURRENCY}
    return {
        "__typename": "DiscountCodeApplication",
        "index": index,
        "code": item.code,
        "allocationMethod": "ACROSS",
        "targetSelection": "ALL",
        "targetType": item.target_type.upper(),
        "value": value if percentage else amount,
    }

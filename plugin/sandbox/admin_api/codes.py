"""Discount codes as the Admin API shows them."""

from typing import Any

from plugin.sandbox import discounts
from plugin.sandbox.admin_api import search
from plugin.sandbox.admin_api.node import Fields, Node, instant, money_v2, optional_instant
from plugin.sandbox.admin_api.paging import connect
from plugin.sandbox.admin_api.request import Api
from plugin.sandbox.documents.basics import gid
from plugin.sandbox.money import short_text
from plugin.sandbox.records import Discount

FIELDS: dict[str, Any] = {
    "id": lambda discount: discount.id,
    "title": lambda discount: discount.title,
    "code": lambda discount: discount.code,
    "created_at": lambda discount: discount.created_at,
    "updated_at": lambda discount: discount.updated_at,
    "starts_at": lambda discount: discount.starts_at,
    "ends_at": lambda discount: discount.ends_at,
}
SORTS: dict[str, Any] = {
    "ID": lambda discount: (discount.id,),
    "TITLE": lambda discount: (discount.title.casefold(), discount.id),
    "CREATED_AT": lambda discount: (instant(discount.created_at), discount.id),
    "UPDATED_AT": lambda discount: (instant(discount.updated_at), discount.id),
}


def discount_page(api: Api, query: str | None = None, sort_key: str = "ID", **page: Any) -> Fields:
    """A connection of discount nodes."""
    found = select(api, query)
    return connect(api, found, lambda one: DiscountNode(api, one), key=SORTS.get(sort_key, SORTS["ID"]), **page)


def select(api: Api, query: str | None) -> list[Discount]:
    """Discounts for which a search holds."""
    status = {"status": lambda discount: discounts.status(discount, api.world.now())}
    return search.select(list(api.world.discounts), query, FIELDS | status)


class DiscountNode(Node):
    """`DiscountNode`."""

    type_name = "DiscountNode"
    record: Discount

    def discount(self) -> Node:
        """What it is."""
        return _kind(self.api, self.record)


class CodeNode(Node):
    """`DiscountCodeNode`."""

    type_name = "DiscountCodeNode"
    record: Discount

    def code_discount(self) -> Node:
        """What it is."""
        return _kind(self.api, self.record)


class BasicNode(Node):
    """`DiscountCodeBasic`: an amount or a percentage off."""

    type_name = "DiscountCodeBasic"
    record: Discount

    def status(self) -> str:
        """ACTIVE, SCHEDULED, EXPIRED."""
        return discounts.status(self.record, self.api.world.now())

    def starts_at(self) -> str:
        """From when."""
        return instant(self.record.starts_at)

    def ends_at(self) -> str | None:
        """Until when."""
        return optional_instant(self.record.ends_at)

    def applies_once_per_customer(self) -> bool:
        """Whether a second use is refused."""
        return self.record.once_per_customer

    def async_usage_count(self) -> int:
        """Uses so far."""
        return len(self.record.used_by)

    def tags(self) -> list[str]:
        """None are kept."""
        return []

    def summary(self) -> str:
        """In words."""
        return f"{self._value()} off {'some products' if self.record.limited else 'entire order'}"

    def short_summary(self) -> str:
        """In fewer words."""
        return f"{self._value()} off"

    def _value(self) -> str:
        if self.record.amount_minor is not None:
            return f"€{short_text(self.record.amount_minor)}"
        return f"{(self.record.percent_bp or 0) / 100:g}%"

    def codes(self, query: str | None = None, sort_key: str | None = None, **page: Any) -> Fields:
        """The one code."""
        code = {
            "id": gid("DiscountRedeemCode", self.record.code_id),
            "code": self.record.code,
            "asyncUsageCount": len(self.record.used_by),
        }
        return connect(self.api, [code], lambda row: row, **page)

    def codes_count(self) -> Fields:
        """One."""
        return {"count": 1, "precision": "EXACT"}

    def shareable_urls(self) -> list[Fields]:
        """The link that applies the code."""
        url = f"{self.api.world.store_url}/discount/{self.record.code}"
        return [{"url": url, "title": "Home page", "targetType": "HOME"}]

    def combines_with(self) -> Fields:
        """With which other discounts it may be used."""
        return {name: name in self.record.combines_with for name in COMBINES}

    def customer_gets(self) -> Fields:
        """What it gives."""
        if self.record.amount_minor is not None:
            amount = {"amount": money_v2(self.record.amount_minor), "appliesOnEachItem": False}
            value: Fields = {"__typename": "DiscountAmount"} | amount
        else:
            value = {"__typename": "DiscountPercentage", "percentage": (self.record.percent_bp or 0) / 10_000}
        return {
            "appliesOnOneTimePurchase": True,
            "appliesOnSubscription": False,
            "items": self._items(),
            "value": value,
        }

    def _items(self) -> Fields:
        if not self.record.limited:
            return {"__typename": "AllDiscountItems", "allItems": True}
        goods = [self.api.world.products.get(number) for number in self.record.product_ids]
        pairs = [self.api.world.variant(number) for number in self.record.variant_ids]
        return {
            "__typename": "DiscountProducts",
            "products": lambda **page: connect(self.api, goods, lambda one: self.make("Product", one), **page),
            "productVariants": lambda **page: connect(
                self.api, pairs, lambda pair: self.make("ProductVariant", pair), **page
            ),
        }

    def minimum_requirement(self) -> Fields | None:
        """The smallest order."""
        if not self.record.minimum_minor:
            return None
        least = money_v2(self.record.minimum_minor)
        return {"__typename": "DiscountMinimumSubtotal", "greaterThanOrEqualToSubtotal": least}

    def context(self) -> Fields:
        """Who may use it."""
        if not self.record.customer_ids:
            return {"__typename": "DiscountBuyerSelectionAll", "all": "ALL"}
        found = [self.api.world.customers.get(customer_id) for customer_id in self.record.customer_ids]
        return {"__typename": "DiscountCustomers", "customers": [self.make("Customer", one) for one in found if one]}


class FreeShippingNode(BasicNode):
    """`DiscountCodeFreeShipping`: what it costs to send."""

    type_name = "DiscountCodeFreeShipping"

    def summary(self) -> str:
        """In words."""
        return "Free shipping on entire order"

    def short_summary(self) -> str:
        """In fewer words."""
        return "Free shipping"

    def destination_selection(self) -> Fields:
        """To anywhere."""
        return {"__typename": "DiscountCountryAll", "allCountries": True}


def _kind(api: Api, record: Discount) -> Node:
    return (FreeShippingNode if record.free_shipping else BasicNode)(api, record)


COMBINES = ("orderDiscounts", "productDiscounts", "shippingDiscounts")

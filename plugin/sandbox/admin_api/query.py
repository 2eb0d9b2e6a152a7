"""`QueryRoot`: every query that is played."""

from typing import Any

from plugin.sandbox import customers
from plugin.sandbox.admin_api import carts, codes, given_back, giving, goods, house, parts, people, sales, search, stock
from plugin.sandbox.admin_api.metafields import MetafieldNode
from plugin.sandbox.admin_api.node import Fields, Node, kind_of, number_of
from plugin.sandbox.admin_api.paging import connect
from plugin.sandbox.admin_api.request import Api
from plugin.sandbox.errors import NotFound
from plugin.sandbox.storefront import shelves

# Their modules are imported so that `Node.kinds` knows them.
PARTS = (parts.LineNode, given_back.RefundNode, people.AddressNode, MetafieldNode)


class Query:
    """The root; a method for each field."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.world = api.world

    # -- shop and app

    def shop(self) -> Node:
        """The store."""
        return house.ShopNode(self.api, self.world.shop)

    def current_app_installation(self) -> Node:
        """The app in it."""
        return house.InstallationNode(self.api, self.world.installation)

    def public_api_versions(self) -> list[Fields]:
        """Supported versions."""
        return house.versions()

    def webhook_subscriptions(
        self, topics: list[str] | None = None, query: str | None = None, sort_key: str | None = None, **page: Any
    ) -> Fields:
        """What app.toml declares."""
        page.pop("uri", None)
        found = [one for one in house.subscriptions(self.api) if not topics or one["topic"] in topics]
        return connect(self.api, found, lambda row: row, **page)

    def webhook_subscriptions_count(self, **_arguments: Any) -> Fields:
        """How many."""
        return _count(house.subscriptions(self.api), None)

    def bulk_operation(self, id: str) -> Node | None:
        """One bulk operation."""
        return self._found("BulkOperation", self.world.bulk_operations.get(number_of(id, "BulkOperation")))

    def bulk_operations(self, query: str | None = None, sort_key: str = "CREATED_AT", **page: Any) -> Fields:
        """All of them."""
        found = search.select(list(self.world.bulk_operations), query, BULK_FIELDS)
        return connect(self.api, found, lambda one: house.BulkNode(self.api, one), key=lambda one: (one.id,), **page)

    # -- customers

    def customer(self, id: str) -> Node | None:
        """One customer."""
        return self._found("Customer", self.world.customers.get(number_of(id, "Customer")))

    def customer_by_identifier(self, identifier: dict[str, str]) -> Node | None:
        """By e-mail address, phone or id."""
        if "id" in identifier:
            return self.customer(identifier["id"])
        if "emailAddress" in identifier:
            return self._found("Customer", customers.find_by_email(self.world, identifier["emailAddress"]))
        phone = identifier["phoneNumber"]
        return self._found("Customer", next((one for one in self.world.customers if one.phone == phone), None))

    def customers(self, query: str | None = None, sort_key: str = "ID", **page: Any) -> Fields:
        """All of them."""
        found = search.select(list(self.world.customers), query, people.FIELDS)
        key = people.sort_key(sort_key)
        return connect(self.api, found, lambda one: people.CustomerNode(self.api, one), key=key, **page)

    def customers_count(self, query: str | None = None, limit: int | None = 10_000) -> Fields:
        """How many."""
        return _count(search.select(list(self.world.customers), query, people.FIELDS), limit)

    # -- orders

    def order(self, id: str) -> Node | None:
        """One order, if the app may see it."""
        order = self.world.orders.get(number_of(id, "Order"))
        return self._found("Order", order if order and self.api.sees(order) else None)

    def order_by_identifier(self, identifier: dict[str, str]) -> Node | None:
        """By id."""
        return self.order(identifier["id"])

    def orders(self, **page: Any) -> Fields:
        """All that the app may see."""
        return sales.order_page(self.api, self.api.orders(), **page)

    def orders_count(self, query: str | None = None, limit: int | None = 10_000) -> Fields:
        """How many."""
        return _count(search.select(self.api.orders(), query, sales.FIELDS), limit)

    def refund(self, id: str) -> Node | None:
        """One refund."""
        number = number_of(id, "Refund")
        order = self.world.orders.first("refund", number)
        found = next((refund for refund in order.refunds if refund.id == number), None) if order else None
        return self._found("Refund", (order, found) if found else None)

    def fulfillment(self, id: str) -> Node | None:
        """One parcel."""
        number = number_of(id, "Fulfillment")
        found = ((order, parcel) for order in self.api.orders() for parcel in order.fulfillments if parcel.id == number)
        return self._found("Fulfillment", next(found, None))

    def abandoned_checkouts(self, **page: Any) -> Fields:
        """Checkouts left behind."""
        return carts.checkout_page(self.api, **page)

    def abandoned_checkouts_count(self, query: str | None = None, limit: int | None = 10_000) -> Fields:
        """How many."""
        return _count(carts.abandoned(self.api, query), limit)

    # -- products

    def product(self, id: str) -> Node | None:
        """One product."""
        return self._found("Product", self.world.products.get(number_of(id, "Product")))

    def product_by_identifier(self, identifier: dict[str, str]) -> Node | None:
        """By id or handle."""
        if "id" in identifier:
            return self.product(identifier["id"])
        return self._found("Product", self.world.products.first("handle", identifier["handle"]))

    def products(self, **page: Any) -> Fields:
        """All of them."""
        return goods.product_page(self.api, **page)

    def products_count(self, query: str | None = None, limit: int | None = 10_000) -> Fields:
        """How many."""
        return _count(search.select(list(self.world.products), query, goods.FIELDS), limit)

    def collection(self, id: str) -> Node | None:
        """One collection."""
        number = number_of(id, "Collection")
        return self._found("Collection", next((one for one in shelves.COLLECTIONS if one.id == number), None))

    def collections(self, **page: Any) -> Fields:
        """All of them."""
        return goods.collection_page(self.api, **page)

    def product_variant(self, id: str) -> Node | None:
        """One variant."""
        return self._variant("ProductVariant", lambda pair: pair[1].id, number_of(id, "ProductVariant"))

    def product_variants(self, query: str | None = None, sort_key: str | None = None, **page: Any) -> Fields:
        """All of them."""
        found = search.select(self._variants(), query, VARIANT_FIELDS)
        return connect(
            self.api, found, lambda pair: stock.VariantNode(self.api, pair), key=lambda pair: (pair[1].id,), **page
        )

    def inventory_item(self, id: str) -> Node | None:
        """One shelf place."""
        return self._variant("InventoryItem", lambda pair: pair[1].inventory_item_id, number_of(id, "InventoryItem"))

    def inventory_level(self, id: str) -> Node | None:
        """Units of an item at the location."""
        number_of(id, "InventoryLevel")
        item = id.rpartition("inventory_item_id=")[2]
        return self._variant("InventoryLevel", lambda pair: str(pair[1].inventory_item_id), item)

    def location(self, id: str | None = None) -> Node | None:
        """The roastery."""
        return stock.LocationNode(self.api, self.world.shop)

    def locations(self, **page: Any) -> Fields:
        """The roastery."""
        paging = {name: page[name] for name in ("first", "last", "after", "before", "reverse") if name in page}
        return connect(self.api, [self.world.shop], lambda shop: stock.LocationNode(self.api, shop), **paging)

    def _variants(self) -> list[Any]:
        return [(product, variant) for product in self.world.products for variant in product.variants]

    def _variant(self, kind: str, value: Any, wanted: Any) -> Node | None:
        return self._found(kind, next((pair for pair in self._variants() if value(pair) == wanted), None))

    # -- discounts

    def code_discount_node_by_code(self, code: str) -> Node | None:
        """By code; capitals do not matter."""
        return self._found("DiscountCodeNode", self.world.discounts.first("code", code.strip().casefold()))

    def discount_node(self, id: str) -> Node | None:
        """One discount, by the id of either kind of node."""
        kind = kind_of(id)
        return self._found("DiscountNode", self.world.discounts.get(number_of(id, kind)))

    def discount_nodes(self, **page: Any) -> Fields:
        """All of them."""
        return codes.discount_page(self.api, **page)

    def discount_nodes_count(self, query: str | None = None, limit: int | None = 10_000) -> Fields:
        """How many."""
        return _count(codes.select(self.api, query), limit)

    # -- gift cards and store credit

    def gift_card(self, id: str) -> Node | None:
        """One card."""
        return self._found("GiftCard", self.world.gift_cards.get(number_of(id, "GiftCard")))

    def gift_cards(self, **page: Any) -> Fields:
        """All of them."""
        return giving.card_page(self.api, **page)

    # -- anything

    def node(self, id: str) -> Node | None:
        """Any one thing by its global id; None for what is not there or not played."""
        finder = BY_KIND.get(kind_of(id))
        try:
            found: Node | None = finder(self, id) if finder else None
        except NotFound:
            return None
        return found

    def nodes(self, ids: list[str]) -> list[Node | None]:
        """Several, in the order asked."""
        return [self.node(id) for id in ids]

    def _found(self, kind: str, record: Any) -> Node | None:
        return Node.kinds[kind](self.api, record) if record is not None else None


def _count(rows: list[Any], limit: int | None) -> Fields:
    if limit is not None and len(rows) > limit:
        return {"count": limit, "precision": "AT_LEAST"}
    return {"count": len(rows), "precision": "EXACT"}


BULK_FIELDS = {
    "id": lambda one: one.id,
    "status": lambda one: one.status,
    "operation_type": lambda one: "query",
    "created_at": lambda one: one.created_at,
}
VARIANT_FIELDS = {
    "id": lambda pair: pair[1].id,
    "sku": lambda pair: pair[1].sku,
    "product_id": lambda pair: pair[0].id,
    "updated_at": lambda pair: pair[1].updated_at,
}
BY_KIND: dict[str, Any] = {
    "BulkOperation": Query.bulk_operation,
    "Customer": Query.customer,
    "Order": Query.order,
    "Refund": Query.refund,
    "Fulfillment": Query.fulfillment,
    "Product": Query.product,
    "ProductVariant": Query.product_variant,
    "Collection": Query.collection,
    "InventoryItem": Query.inventory_item,
    "InventoryLevel": Query.inventory_level,
    "Location": Query.location,
    "DiscountNode": Query.discount_node,
    "GiftCard": Query.gift_card,
    "Shop": lambda query, id: query.shop(),
}

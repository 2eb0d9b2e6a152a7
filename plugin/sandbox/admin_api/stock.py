"""Variants and stock as the Admin API shows them. These nodes wrap (product, variant)."""

from typing import Any

from plugin.sandbox import money
from plugin.sandbox.admin_api.metafields import HasMetafields
from plugin.sandbox.admin_api.node import Fields, Node, instant
from plugin.sandbox.admin_api.paging import connect
from plugin.sandbox.admin_api.request import Api
from plugin.sandbox.documents.basics import gid
from plugin.sandbox.records import Product, Shop, Variant


class VariantNode(HasMetafields):
    """`ProductVariant`."""

    type_name = "ProductVariant"
    record: Variant

    def __init__(self, api: Api, record: Any) -> None:
        product, variant = record
        super().__init__(api, variant)
        self.owner: Product = product

    def product(self) -> Node:
        """Its product."""
        return Node.kinds["Product"](self.api, self.owner)

    def created_at(self) -> str:
        """With its product."""
        return instant(self.owner.created_at)

    def updated_at(self) -> str:
        """When it last changed."""
        return instant(self.record.updated_at or self.owner.updated_at)

    def display_name(self) -> str:
        """With the product's title."""
        return f"{self.owner.title} - {self.record.title}"

    def price(self) -> str:
        """In the shop's currency, tax included."""
        return money.text(self.record.price_minor)

    def compare_at_price(self) -> str | None:
        """The struck-out price."""
        return None if self.record.compare_at_minor is None else money.text(self.record.compare_at_minor)

    def available_for_sale(self) -> bool:
        """Whether it can be bought."""
        return self.owner.published_at is not None and self.owner.status == "active"

    def sellable_online_quantity(self) -> int:
        """Units on the shelf."""
        return self.record.inventory_quantity

    def inventory_policy(self) -> str:
        """Sold on when the shelf is empty."""
        return "CONTINUE"

    def taxable(self) -> bool:
        """Gift cards are not."""
        return not self.owner.gift_card

    def selected_options(self) -> list[Fields]:
        """What was chosen on each axis."""
        return [
            {"name": name, "value": value}
            for name, value in zip(self.owner.option_names, self.record.options, strict=False)
        ]

    def selling_plan_groups_count(self) -> Fields:
        """None."""
        return {"count": 0, "precision": "EXACT"}

    def inventory_item(self) -> Node:
        """Its place on the shelf."""
        return ItemNode(self.api, (self.owner, self.record))


class ItemNode(VariantNode):
    """`InventoryItem`, one for each variant."""

    type_name = "InventoryItem"

    def id(self) -> str:
        """The global id of the item."""
        return gid("InventoryItem", self.record.inventory_item_id)

    def legacy_resource_id(self) -> str:
        """The number in it."""
        return str(self.record.inventory_item_id)

    def tracked(self) -> bool:
        """Always."""
        return True

    def variants(self, **page: Any) -> Fields:
        """The one variant."""
        return connect(self.api, [self.record], lambda one: VariantNode(self.api, (self.owner, one)), **page)

    def inventory_level(self, **_arguments: Any) -> Node:
        """Units at the one location."""
        return LevelNode(self.api, (self.owner, self.record))

    def inventory_levels(self, query: str | None = None, **page: Any) -> Fields:
        """Units at the one location."""
        return connect(self.api, [self.record], lambda one: LevelNode(self.api, (self.owner, one)), **page)


class LevelNode(VariantNode):
    """`InventoryLevel`."""

    type_name = "InventoryLevel"

    def id(self) -> str:
        """Location and item in one."""
        item = self.record.inventory_item_id
        return gid("InventoryLevel", f"{self.api.world.shop.location_id}?inventory_item_id={item}")

    def is_active(self) -> bool:
        """Always."""
        return True

    def item(self) -> Node:
        """The item."""
        return ItemNode(self.api, (self.owner, self.record))

    def location(self) -> Node:
        """The one location."""
        return LocationNode(self.api, self.api.world.shop)

    def quantities(self, names: list[str]) -> list[Fields]:
        """Units by name; nothing is ever reserved here."""
        here = self.record.inventory_quantity
        known = {"available": here, "on_hand": here, "committed": 0, "reserved": 0, "incoming": 0}
        return [
            {
                "id": f"{self.id()}&name={name}",
                "name": name,
                "quantity": known.get(name, 0),
                "updatedAt": self.updated_at(),
            }
            for name in names
        ]


class LocationNode(Node):
    """`Location`: the roastery, drawn from the shop."""

    type_name = "Location"
    record: Shop

    def id(self) -> str:
        """The global id."""
        return gid("Location", self.record.location_id)

    def legacy_resource_id(self) -> str:
        """The number in it."""
        return str(self.record.location_id)

    def name(self) -> str:
        """Its name."""
        return "Roastery"

    def is_active(self) -> bool:
        """Always."""
        return True

    def fulfills_online_orders(self) -> bool:
        """Always."""
        return True

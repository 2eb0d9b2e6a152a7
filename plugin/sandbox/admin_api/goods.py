"""Products as the Admin API shows them."""

import re
from typing import Any

from plugin.sandbox.admin_api import search
from plugin.sandbox.admin_api.metafields import HasMetafields
from plugin.sandbox.admin_api.node import Fields, Node, instant, money_v2, number_of, optional_instant
from plugin.sandbox.admin_api.paging import connect
from plugin.sandbox.admin_api.request import Api
from plugin.sandbox.documents.basics import gid
from plugin.sandbox.documents.products import image_address
from plugin.sandbox.records import Image, Product, Variant
from plugin.sandbox.storefront import shelves

FIELDS: dict[str, Any] = {
    "id": lambda product: product.id,
    "title": lambda product: product.title,
    "handle": lambda product: product.handle,
    "status": lambda product: product.status,
    "tag": lambda product: product.tags,
    "vendor": lambda product: product.vendor,
    "product_type": lambda product: product.product_type,
    "created_at": lambda product: product.created_at,
    "updated_at": lambda product: product.updated_at,
    "published_at": lambda product: product.published_at,
    "sku": lambda product: [variant.sku for variant in product.variants if variant.sku],
}
SORTS: dict[str, Any] = {
    "ID": lambda product: (product.id,),
    "TITLE": lambda product: (product.title.casefold(), product.id),
    "VENDOR": lambda product: (product.vendor.casefold(), product.id),
    "PRODUCT_TYPE": lambda product: (product.product_type.casefold(), product.id),
    "CREATED_AT": lambda product: (instant(product.created_at), product.id),
    "UPDATED_AT": lambda product: (instant(product.updated_at), product.id),
    "PUBLISHED_AT": lambda product: (instant(product.published_at) if product.published_at else "", product.id),
}


def product_page(api: Api, query: str | None = None, sort_key: str = "ID", **page: Any) -> Fields:
    """A connection of products; sorts that are not played fall back to the id."""
    found = search.select(list(api.world.products), query, FIELDS)
    return connect(api, found, lambda product: ProductNode(api, product), key=SORTS.get(sort_key, SORTS["ID"]), **page)


class ProductNode(HasMetafields):
    """`Product`."""

    type_name = "Product"
    record: Product

    def description_html(self) -> str:
        """The text with its tags."""
        return self.record.body_html

    def description(self) -> str:
        """The text without tags."""
        return re.sub(r"<[^>]+>", "", self.record.body_html).strip()

    def status(self) -> str:
        """ACTIVE, ARCHIVED, DRAFT."""
        return self.record.status.upper()

    def published_at(self) -> str | None:
        """When it came into the storefront."""
        return optional_instant(self.record.published_at)

    def is_gift_card(self) -> bool:
        """Whether it is a gift card."""
        return self.record.gift_card

    def template_suffix(self) -> None:
        """One template fits all."""
        return

    def requires_selling_plan(self) -> bool:
        """Nothing is sold by subscription here."""
        return False

    def selling_plan_groups(self, **page: Any) -> Fields:
        """None."""
        return connect(self.api, [], lambda group: group, **page)

    def has_only_default_variant(self) -> bool:
        """Whether there is nothing to choose."""
        return len(self.record.variants) == 1 and self.record.variants[0].title == "Default Title"

    def total_inventory(self) -> int:
        """Units on the shelf."""
        return sum(variant.inventory_quantity for variant in self.record.variants)

    def tracks_inventory(self) -> bool:
        """Always."""
        return True

    def online_store_url(self) -> str | None:
        """Its page, once published."""
        return f"{self.api.world.store_url}/products/{self.record.handle}" if self.record.published_at else None

    def online_store_preview_url(self) -> str:
        """Its page."""
        return f"{self.api.world.store_url}/products/{self.record.handle}"

    def price_range_v2(self) -> Fields:
        """Cheapest and dearest variant."""
        prices = [variant.price_minor for variant in self.record.variants]
        return {"minVariantPrice": money_v2(min(prices)), "maxVariantPrice": money_v2(max(prices))}

    def options(self, first: int | None = None) -> list[Fields]:
        """The axes of choice."""
        return [self._option(position, name) for position, name in enumerate(self.record.option_names[:first], 1)]

    def _option(self, position: int, name: str) -> Fields:
        values = dict.fromkeys(v.options[position - 1] for v in self.record.variants if len(v.options) >= position)
        number = gid("ProductOption", self.record.id + position)
        return {"id": number, "name": name, "position": position, "values": list(values)}

    def featured_media(self) -> Fields | None:
        """The first picture."""
        return media(self.api, self.record.images[0]) if self.record.images else None

    def media(self, query: str | None = None, sort_key: str | None = None, **page: Any) -> Fields:
        """All pictures."""
        return connect(self.api, self.record.images, lambda image: media(self.api, image), **page)

    def variants(self, sort_key: str | None = None, **page: Any) -> Fields:
        """What can be bought."""
        return connect(self.api, self.record.variants, self._variant, key=lambda one: (one.position, one.id), **page)

    def _variant(self, variant: Variant) -> Node:
        return Node.kinds["ProductVariant"](self.api, (self.record, variant))

    def variants_count(self) -> Fields:
        """How many."""
        return {"count": len(self.record.variants), "precision": "EXACT"}


class CollectionNode(Node):
    """`Collection`."""

    type_name = "Collection"
    record: shelves.Collection

    def updated_at(self) -> str:
        """When something in it last changed."""
        return instant(max((one.updated_at for one in self._products()), default=self.api.world.now()))

    def has_product(self, id: str) -> bool:
        """Whether a product is in it."""
        return any(one.id == number_of(id, "Product") for one in self._products())

    def products(self, sort_key: str = "COLLECTION_DEFAULT", **page: Any) -> Fields:
        """What is in it, by id however it is asked for."""
        found = self._products()
        return connect(self.api, found, lambda one: ProductNode(self.api, one), key=SORTS["ID"], **page)

    def _products(self) -> list[Product]:
        return shelves.all_of(self.api.world, self.record)


def collection_page(api: Api, query: str | None = None, sort_key: str = "ID", **page: Any) -> Fields:
    """A connection of collections, by id however it is asked for."""
    fields: dict[str, Any] = {name: FIELDS[name] for name in ("id", "title", "handle")}
    found = search.select(list(shelves.COLLECTIONS), query, fields)
    return connect(api, found, lambda one: CollectionNode(api, one), key=SORTS["ID"], **page)


def media(api: Api, image: Image) -> Fields:
    """`MediaImage`."""
    picture = {
        "id": gid("ImageSource", image.id),
        "url": image_address(api.world, image.src),
        "altText": image.alt,
        "width": image.width,
        "height": image.height,
    }
    return {
        "__typename": "MediaImage",
        "id": gid("MediaImage", image.id),
        "alt": image.alt,
        "image": picture,
        "preview": {"image": picture, "status": "READY"},
        "status": "READY",
        "mediaContentType": "IMAGE",
    }

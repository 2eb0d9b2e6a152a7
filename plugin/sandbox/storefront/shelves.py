"""What the storefront shows where: collections, search, neighbours of a product. Only what is published."""

from dataclasses import dataclass

from plugin.sandbox.errors import NotFound
from plugin.sandbox.records import Product
from plugin.sandbox.world import World

SORTS = ("newest", "price-ascending", "price-descending", "title-ascending")
NEW_ARRIVALS = 8
FIRST_ID = 410_000_000_001


@dataclass(frozen=True)
class Collection:
    """Products by type or by tag; the first that fits wins. `in_menu` collections stand in the header."""

    handle: str
    title: str
    text: str
    product_type: str = ""
    tag: str = ""
    in_menu: bool = False

    @property
    def id(self) -> int:
        """Its number in the Admin API: by its place in the store."""
        return FIRST_ID + COLLECTIONS.index(self)


COLLECTIONS = (
    Collection("filter-coffee", "Filter", "Light roasts for slow water.", product_type="Filter coffee", in_menu=True),
    Collection("espresso", "Espresso", "Made for pressure, milk and mornings.", product_type="Espresso", in_menu=True),
    Collection("decaf", "Decaf", "All of the taste at nine in the evening.", product_type="Decaf", in_menu=True),
    Collection(
        "brewing-gear", "Brewing gear", "Tools we use at our own counter.", product_type="Brewing gear", in_menu=True
    ),
    Collection(
        "merchandise", "Gifts", "For people who like people who like coffee.", product_type="Merchandise", in_menu=True
    ),
    Collection("single-origins", "Single origins", "One farm or one valley at a time.", tag="single-origin"),
    Collection("blends", "Blends", "The same taste in every season.", tag="blend"),
    Collection("organic", "Organic", "Grown without shortcuts.", tag="organic"),
    Collection("all", "Everything", "The whole shelf."),
)


def collection(handle: str) -> Collection:
    """The collection with this handle, or `NotFound`."""
    found = next((one for one in COLLECTIONS if one.handle == handle), None)
    if found is None:
        raise NotFound(f"No collection {handle} in this store")
    return found


def on_sale(world: World) -> list[Product]:
    """Everything a shopper can see, newest first."""
    seen = [product for product in world.products if product.status == "active" and product.published_at]
    return sorted(seen, key=lambda product: (product.published_at or product.created_at, product.id), reverse=True)


def all_of(world: World, shelf: Collection) -> list[Product]:
    """Everything a collection holds, also what no shopper sees."""
    return [product for product in world.products if _belongs(product, shelf)]


def products_of(world: World, shelf: Collection, sort: str = "newest") -> list[Product]:
    """Products of a collection in one of `SORTS`."""
    found = [product for product in on_sale(world) if _belongs(product, shelf)]
    if sort == "title-ascending":
        return sorted(found, key=lambda product: product.title.casefold())
    if sort.startswith("price-"):
        return sorted(found, key=price_from, reverse=sort == "price-descending")
    return found


def _belongs(product: Product, shelf: Collection) -> bool:
    if shelf.product_type:
        return product.product_type == shelf.product_type
    return not shelf.tag or shelf.tag in product.tags


def price_from(product: Product) -> int:
    """The price of the cheapest variant, in minor units."""
    return min(variant.price_minor for variant in product.variants)


def search(world: World, query: str) -> list[Product]:
    """Products that contain every word of the query in title, type or tags."""
    words = query.casefold().split()
    return [product for product in on_sale(world) if words and all(word in _text(product) for word in words)]


def _text(product: Product) -> str:
    return " ".join((product.title, product.product_type, *product.tags)).casefold()


def by_handle(world: World, handle: str) -> Product:
    """The published product with this handle, or `NotFound`."""
    product = world.products.first("handle", handle)
    if product is None or product.status != "active" or not product.published_at:
        raise NotFound(f"No product {handle} in this store")
    return product


def neighbours(world: World, product: Product, limit: int = 4) -> list[Product]:
    """Other products of the same type, those with most tags in common first."""
    others = [other for other in on_sale(world) if other.product_type == product.product_type and other is not product]
    return sorted(others, key=lambda other: -len(set(other.tags) & set(product.tags)))[:limit]

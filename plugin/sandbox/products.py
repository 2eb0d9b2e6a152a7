"""Products and stock: added, changed, published, sold, counted, deleted."""

import re
import unicodedata
from datetime import datetime

from plugin.sandbox.documents import products as documents
from plugin.sandbox.errors import Refused
from plugin.sandbox.records import Image, Product, Variant
from plugin.sandbox.world import World


def add_product(
    world: World,
    *,
    title: str,
    price_minor: int = 0,
    variants: list[Variant] | None = None,
    product_type: str = "",
    tags: list[str] | None = None,
    vendor: str = "",
    body_html: str = "",
    handle: str | None = None,
    option_names: list[str] | None = None,
    images: list[Image] | None = None,
    tax_rate_bp: int = 1900,
    gift_card: bool = False,
    publish: bool = True,
) -> Product:
    """Add a product. Without `variants` it gets one, at `price_minor`; variants and images with id 0 get ids."""
    if not title.strip():
        raise Refused("Title can't be blank", code="BLANK", field=("product", "title"))
    with world.change():
        now = world.now()
        product = Product(
            id=world.next_id("product"),
            title=title.strip(),
            handle=_free_handle(world, handle or slug(title)),
            created_at=now,
            updated_at=now,
            published_at=now if publish else None,
            variants=_numbered(world, variants or [new_variant("Default Title", price_minor)]),
            product_type=product_type,
            tags=list(tags or []),
            vendor=vendor or world.shop.name,
            body_html=body_html,
            option_names=option_names or ["Title"],
            images=_numbered_images(world, images or []),
            status="active" if publish else "draft",
            tax_rate_bp=tax_rate_bp,
            gift_card=gift_card,
        )
        world.products.keep(product)
        world.emit("products/create", lambda: documents.product(world, product))
        return product


def new_variant(
    title: str,
    price_minor: int,
    *,
    sku: str | None = None,
    options: list[str] | None = None,
    grams: int = 250,
    inventory_quantity: int = 100,
    requires_shipping: bool = True,
    compare_at_minor: int | None = None,
) -> Variant:
    """A variant to hand to `add_product`, which gives it its ids and position."""
    return Variant(
        id=0,
        inventory_item_id=0,
        title=title,
        price_minor=price_minor,
        sku=sku,
        options=options or [title],
        grams=grams,
        inventory_quantity=inventory_quantity,
        requires_shipping=requires_shipping,
        compare_at_minor=compare_at_minor,
    )


def _numbered(world: World, variants: list[Variant]) -> list[Variant]:
    for position, variant in enumerate(variants, 1):
        variant.id = variant.id or world.next_id("variant")
        variant.inventory_item_id = variant.inventory_item_id or world.next_id("inventory_item")
        variant.position, variant.updated_at = position, world.now()
    return variants


def _numbered_images(world: World, images: list[Image]) -> list[Image]:
    for image in images:
        image.id = image.id or world.next_id("image")
    return images


def slug(title: str) -> str:
    """The title as an address part: lower-case ASCII letters, digits and hyphens."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-") or "product"


def _free_handle(world: World, handle: str) -> str:
    candidate, number = handle, 1
    while world.products.first("handle", candidate):
        candidate, number = f"{handle}-{number}", number + 1
    return candidate


def save_product(
    world: World,
    product_id: int,
    *,
    title: str | None = None,
    product_type: str | None = None,
    tags: list[str] | None = None,
    body_html: str | None = None,
    status: str | None = None,
    published_at: datetime | None = None,
) -> Product:
    """Change the fields that are given; an active product without a publishing date is published now."""
    with world.change():
        product = world.products[product_id]
        given = {"title": title, "product_type": product_type, "tags": tags, "body_html": body_html}
        for name, value in (given | {"status": status, "published_at": published_at}).items():
            if value is not None:
                setattr(product, name, value)
        if product.status == "active" and product.published_at is None:
            product.published_at = world.now()
        return _changed(world, product)


def save_price(world: World, variant_id: int, price_minor: int) -> Product:
    """Change a variant's price."""
    with world.change():
        product, variant = world.variant(variant_id)
        variant.price_minor, variant.updated_at = price_minor, world.now()
        return _changed(world, product)


def _changed(world: World, product: Product) -> Product:
    product.updated_at = world.now()
    world.products.keep(product)
    world.emit("products/update", lambda: documents.product(world, product))
    return product


def move_stock(world: World, variant_id: int, delta: int) -> None:
    """Add units to (or take them from) the shelf."""
    with world.change():
        product, variant = world.variant(variant_id)
        variant.inventory_quantity += delta
        variant.updated_at = world.now()
        world.emit("inventory_levels/update", lambda: documents.inventory_level(world, variant))
        _changed(world, product)


def set_stock(world: World, variant_id: int, available: int) -> None:
    """Count the shelf anew."""
    with world.change():
        move_stock(world, variant_id, available - world.variant(variant_id)[1].inventory_quantity)


def delete_product(world: World, product_id: int) -> None:
    """Remove a product, also from carts; orders keep their lines."""
    with world.change():
        gone = {variant.id for variant in world.products[product_id].variants}
        world.products.drop(product_id)
        for cart in world.carts:
            cart.lines = [line for line in cart.lines if line.variant_id not in gone]
            world.carts.keep(cart)
        world.emit("products/delete", lambda: {"id": product_id})

"""Bodies of the product and inventory topics."""

from plugin.sandbox import money
from plugin.sandbox.documents.basics import Body, gid, stamp, utc_stamp
from plugin.sandbox.records import Image, Product, Variant
from plugin.sandbox.world import World

FULL_VARIANTS = 100


def product(world: World, record: Product) -> Body:
    """products/create and products/update; the first hundred variants in full."""
    images = [_image(world, record, image, position) for position, image in enumerate(record.images, 1)]
    return {
        "id": record.id,
        "admin_graphql_api_id": gid("Product", record.id),
        "title": record.title,
        "body_html": record.body_html,
        "handle": record.handle,
        "vendor": record.vendor,
        "product_type": record.product_type,
        "status": record.status,
        "tags": ", ".join(record.tags),
        "created_at": stamp(world, record.created_at),
        "updated_at": stamp(world, record.updated_at),
        "published_at": stamp(world, record.published_at),
        "published_scope": "web",
        "template_suffix": None,
        "options": _options(record),
        "images": images,
        "image": images[0] if images else None,
        "media": [],
        "category": None,
        "variants": [_variant(world, record, variant) for variant in record.variants[:FULL_VARIANTS]],
        "variant_gids": [_variant_gid(record, variant) for variant in record.variants],
        "has_variants_that_requires_components": False,
    }


def _variant_gid(record: Product, variant: Variant) -> Body:
    return {
        "admin_graphql_api_id": gid("ProductVariant", variant.id),
        "updated_at": utc_stamp(variant.updated_at or record.updated_at),
    }


def _options(record: Product) -> list[Body]:
    return [
        {
            "id": record.id + position,
            "product_id": record.id,
            "name": name,
            "position": position,
            "values": list(
                dict.fromkeys(v.options[position - 1] for v in record.variants if len(v.options) >= position)
            ),
        }
        for position, name in enumerate(record.option_names, 1)
    ]


def _image(world: World, record: Product, image: Image, position: int) -> Body:
    return {
        "id": image.id,
        "product_id": record.id,
        "admin_graphql_api_id": gid("ProductImage", image.id),
        "alt": image.alt,
        "position": position,
        "src": image_address(world, image.src),
        "width": image.width,
        "height": image.height,
        "variant_ids": [],
        "created_at": stamp(world, record.created_at),
        "updated_at": stamp(world, record.updated_at),
    }


def image_address(world: World, src: str) -> str:
    """An absolute address of a picture."""
    return world.store_url + src if src.startswith("/") else src


def _variant(world: World, record: Product, variant: Variant) -> Body:
    options = [*variant.options, None, None, None]
    return {
        "id": variant.id,
        "admin_graphql_api_id": gid("ProductVariant", variant.id),
        "product_id": record.id,
        "title": variant.title,
        "sku": variant.sku,
        "barcode": variant.barcode,
        "price": money.text(variant.price_minor),
        "compare_at_price": None if variant.compare_at_minor is None else money.text(variant.compare_at_minor),
        "position": variant.position,
        "option1": options[0],
        "option2": options[1],
        "option3": options[2],
        "taxable": True,
        "inventory_policy": "continue",
        "inventory_item_id": variant.inventory_item_id,
        "inventory_quantity": variant.inventory_quantity,
        "old_inventory_quantity": variant.inventory_quantity,
        "image_id": None,
        "created_at": stamp(world, record.created_at),
        "updated_at": stamp(world, variant.updated_at or record.updated_at),
    }


def inventory_level(world: World, variant: Variant) -> Body:
    """inventory_levels/update."""
    location = world.shop.location_id
    return {
        "inventory_item_id": variant.inventory_item_id,
        "location_id": location,
        "available": variant.inventory_quantity,
        "updated_at": stamp(world, world.now()),
        "admin_graphql_api_id": gid("InventoryLevel", f"{location}?inventory_item_id={variant.inventory_item_id}"),
    }

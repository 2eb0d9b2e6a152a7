"""The store's own settings."""

from plugin.sandbox.documents import misc as documents
from plugin.sandbox.records import Shop
from plugin.sandbox.world import World


def save_shop(
    world: World,
    *,
    name: str | None = None,
    email: str | None = None,
    time_zone: str | None = None,
    plan: str | None = None,
) -> Shop:
    """Change the fields that are given."""
    with world.change():
        shop = world.shop
        for field, value in {"name": name, "email": email, "time_zone": time_zone, "plan": plan}.items():
            if value is not None:
                setattr(shop, field, value)
        shop.updated_at = world.now()
        world.shops.keep(shop)
        world.emit("shop/update", lambda: documents.shop(world))
        return shop

"""Carts of the storefront. The token lives in the shopper's cookie."""

from plugin.sandbox.documents import checkouts as documents
from plugin.sandbox.records import Cart, CartLine
from plugin.sandbox.world import World


def new_cart(world: World) -> Cart:
    """An empty cart with a token of its own."""
    with world.change():
        now = world.now()
        cart = world.carts.keep(Cart(id=world.next_token("cart"), created_at=now, updated_at=now))
        world.emit("carts/create", lambda: documents.cart(world, cart))
        return cart


def add_to_cart(
    world: World, token: str, variant_id: int, quantity: int = 1, properties: dict[str, str] | None = None
) -> Cart:
    """Put units of a variant into the cart; `NotFound` for an unknown cart or variant."""
    with world.change():
        world.variant(variant_id)
        cart = world.carts[token]
        line = next((line for line in cart.lines if _same(line, variant_id, properties)), None)
        if line is None:
            line = CartLine(variant_id=variant_id, quantity=0, properties=dict(properties or {}))
            cart.lines.append(line)
        return set_quantity(world, token, cart.lines.index(line), line.quantity + quantity)


def _same(line: CartLine, variant_id: int, properties: dict[str, str] | None) -> bool:
    return line.variant_id == variant_id and line.properties == (properties or {})


def set_quantity(world: World, token: str, index: int, quantity: int) -> Cart:
    """Set the units of the line at this index (from 0); 0 or less removes the line."""
    with world.change():
        cart = world.carts[token]
        cart.lines[index].quantity = quantity
        cart.lines = [line for line in cart.lines if line.quantity > 0]
        return _changed(world, cart)


def set_code(world: World, token: str, code: str | None) -> Cart:
    """Remember the discount code the shopper typed; whether it counts is told by `pricing.price`."""
    with world.change():
        cart = world.carts[token]
        cart.code = code.strip() if code and code.strip() else None
        return _changed(world, cart)


def empty_cart(world: World, token: str) -> None:
    """Forget the cart, as after a purchase."""
    with world.change():
        world.carts.drop(token)


def _changed(world: World, cart: Cart) -> Cart:
    cart.updated_at = world.now()
    world.carts.keep(cart)
    world.emit("carts/update", lambda: documents.cart(world, cart))
    return cart

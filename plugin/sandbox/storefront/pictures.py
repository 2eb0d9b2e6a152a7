"""Product pictures: one drawing a product, made from its attributes. A product added later gets one by its type."""

from hashlib import sha256

from flask import Response, abort, render_template

from plugin.sandbox.records import Product
from plugin.sandbox.seed.catalogue import COFFEES, Look, look_of
from plugin.sandbox.storefront.theme import blueprint
from plugin.sandbox.storefront.visitor import the_world

PALETTES = (
    ("#264653", "#e9c46a", "#e76f51"),
    ("#f1dca7", "#9b2226", "#005f73"),
    ("#3d405b", "#f2cc8f", "#81b29a"),
    ("#e8e8e4", "#6b705c", "#cb997e"),
    ("#5f0f40", "#fb8b24", "#e36414"),
    ("#d8e2dc", "#457b9d", "#f28482"),
)
WORDS_TO_KINDS = {
    "mug": "mug", "cup": "cup", "kettle": "kettle", "dripper": "dripper", "grinder": "grinder", "shirt": "shirt",
    "tote": "tote", "book": "book", "press": "press", "scale": "scale", "server": "server", "tumbler": "tumbler",
}  # fmt: skip


@blueprint.get("/images/<handle>.svg")
def picture(handle: str) -> Response:
    """The drawing of a product, cached for a day."""
    product = the_world().products.first("handle", handle)
    if product is None:
        abort(404)
    svg = draw(product)
    return Response(svg, mimetype="image/svg+xml", headers={"Cache-Control": "public, max-age=86400"})


def draw(product: Product) -> str:
    """The SVG text of a product's drawing."""
    look = look_of(product.handle) or _look_of_stranger(product)
    return render_template(f"pictures/{look.kind}.svg", **_colours(look), **_label(product))


def _look_of_stranger(product: Product) -> Look:
    words = f"{product.title} {' '.join(product.tags)}".casefold().split()
    kind = next((WORDS_TO_KINDS[word] for word in words if word in WORDS_TO_KINDS), "box")
    is_coffee = product.product_type in COFFEES or "coffee" in product.product_type.casefold()
    return Look("bag" if is_coffee else kind, *PALETTES[_digest(product)[0] % len(PALETTES)])


def _colours(look: Look) -> dict[str, str]:
    return {
        "body": look.body,
        "label": look.label,
        "accent": look.accent,
        "backdrop": mix(look.label, "#f6f0e7", 0.86),
        "floor": mix(look.body, "#e6dccd", 0.84),
        "paper": "#fffaf1",
        "ink": "#2b211b",
        "on_body": "#2b211b" if _lightness(look.body) > 140 else "#fffaf1",
    }


def _label(product: Product) -> dict[str, object]:
    digest = _digest(product)
    return {
        "title": product.title,
        "words": _two_lines(product.title),
        "pattern": digest[1] % 4,
        "spot": 150 + digest[2] % 100,
        "footnote": product.product_type.upper()[:24],
    }


def _two_lines(title: str) -> list[str]:
    if len(title) <= 20:
        return [title]
    words = title.split()
    half = next((i for i in range(1, len(words)) if len(" ".join(words[:i])) >= len(title) / 2 - 2), 1)
    return [" ".join(words[:half])[:30], " ".join(words[half:])[:30]]


def _digest(product: Product) -> bytes:
    return sha256(product.handle.encode()).digest()


def mix(one: str, other: str, share: float) -> str:
    """A colour between two `#rrggbb`; `share` is the part of the second."""
    pairs = zip(_channels(one), _channels(other), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _lightness(colour: str) -> float:
    red, green, blue = _channels(colour)
    return 0.299 * red + 0.587 * green + 0.114 * blue

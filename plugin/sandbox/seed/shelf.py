"""The catalogue as records of the store, and what could be bought on a given day."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from plugin.sandbox.records import Image, Product, Variant
from plugin.sandbox.seed.catalogue import GEAR, MERCH, Choice, Item, items
from plugin.sandbox.seed.numbering import Numbering

VENDOR = "Regulars Roasters"
REDUCED_TAX_BP = 700
FULL_TAX_BP = 1900


@dataclass
class Shelf:
    """Products in the order of the catalogue."""

    products: list[Product]

    def on(self, moment: datetime, product_type: str) -> list[Product]:
        """Products of a type that were published by that moment; never empty, since the first of each is the oldest."""
        return [
            p for p in self.products if p.product_type == product_type and p.published_at and p.published_at <= moment
        ]

    def extras(self, moment: datetime) -> list[Product]:
        """Gear and gifts that were published by that moment."""
        return self.on(moment, GEAR) + self.on(moment, MERCH)


def fill_shelf(today: date, numbering: Numbering) -> Shelf:
    """All products of the catalogue, published as many weeks before the anchor as it says."""
    return Shelf([_product(item, today, numbering) for item in items()])


def _product(item: Item, today: date, numbering: Numbering) -> Product:
    published = datetime.combine(today - timedelta(days=item.weeks * 7 + 10), time(9, 30), UTC)
    return Product(
        id=numbering.next("product"),
        title=item.title,
        handle=item.handle,
        created_at=published - timedelta(hours=20),
        updated_at=published,
        published_at=published,
        body_html=f"<p>{item.text}</p>",
        vendor=VENDOR,
        product_type=item.product_type,
        tags=list(item.tags),
        option_names=list(item.option_names),
        images=[Image(id=numbering.next("image"), src=f"/images/{item.handle}.svg", alt=item.title)],
        variants=[
            _variant(item, position, choice, published, numbering) for position, choice in enumerate(item.choices, 1)
        ],
        tax_rate_bp=_tax_rate(item),
        gift_card=item.gift_card,
    )


def _variant(item: Item, position: int, choice: Choice, published: datetime, numbering: Numbering) -> Variant:
    stem = "".join(word[0] for word in item.handle.split("-")).upper()
    return Variant(
        id=numbering.next("variant"),
        title=" / ".join(choice.options),
        price_minor=choice.price_minor,
        inventory_item_id=numbering.next("inventory_item"),
        sku=f"{stem}-{item.handle[:3].upper()}-{position:02d}",
        options=list(choice.options),
        position=position,
        inventory_quantity=choice.stock,
        grams=choice.grams,
        requires_shipping=not item.gift_card and item.look.kind != "ticket",
        updated_at=published,
    )


def _tax_rate(item: Item) -> int:
    if item.gift_card:
        return 0
    return FULL_TAX_BP if item.product_type in (GEAR, MERCH) else REDUCED_TAX_BP

"""What the pretend store sells, read from `catalogue.toml`: 46 products, 126 variants of coffee, gear and gifts.

Prices are gross integer cents in EUR, weights grams.
"""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

FILTER, ESPRESSO, DECAF = "Filter coffee", "Espresso", "Decaf"
GEAR, MERCH = "Brewing gear", "Merchandise"
COFFEES = (FILTER, ESPRESSO, DECAF)
COFFEE_STOCK, WARE_STOCK, WARE_GRAMS = 80, 25, 450


class Look(NamedTuple):
    """The illustration: what is drawn, and three CSS colours for the body, the label and the accent."""

    kind: str
    body: str
    label: str
    accent: str


@dataclass(frozen=True)
class Choice:
    """One variant: its option values, gross price in cents, grams and units on the shelf."""

    options: tuple[str, ...]
    price_minor: int
    grams: int
    stock: int


@dataclass(frozen=True)
class Item:
    """One product. `weeks` is how long before the anchor day it was published."""

    handle: str
    title: str
    product_type: str
    tags: tuple[str, ...]
    option_names: tuple[str, ...]
    choices: tuple[Choice, ...]
    text: str
    weeks: int
    look: Look
    gift_card: bool


@cache
def items() -> tuple[Item, ...]:
    """All products in the order of the file."""
    found = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
    return tuple(_item(row, found["coffee_sizes"]) for row in found["items"])


def look_of(handle: str) -> Look | None:
    """The illustration of a seeded product, or None for one that was added later."""
    return next((item.look for item in items() if item.handle == handle), None)


def _item(row: dict[str, Any], sizes: list[tuple[str, str, int]]) -> Item:
    is_coffee = row["type"] in COFFEES
    return Item(
        handle=row["handle"],
        title=row["title"],
        product_type=row["type"],
        tags=tuple(row["tags"].split()),
        option_names=("Size", "Grind") if is_coffee else (row["option"],),
        choices=tuple(_coffee(row, size) for size in sizes) if is_coffee else _wares(row),
        text=row["text"],
        weeks=row["weeks"],
        look=Look(*row["look"].split()),
        gift_card=row.get("gift_card", False),
    )


def _coffee(row: dict[str, Any], size: tuple[str, str, int]) -> Choice:
    name, grind, percent = size
    return Choice(
        (name, grind), round(row["price"] * percent / 1000) * 10, 1000 if name == "1 kg" else 250, COFFEE_STOCK
    )


def _wares(row: dict[str, Any]) -> tuple[Choice, ...]:
    grams = 0 if row.get("gift_card") else WARE_GRAMS
    return tuple(Choice((name,), price, grams, WARE_STOCK) for name, price in row["choices"].items())

"""What a cart's mail is filled with. The recovery link holds a secret key: it is never logged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.commerce.models import Checkout, Product
from plugin.shops.models import Shop

MOST_LINES: Final = 20
CAMPAIGN: Final = "abandoned-cart"


@dataclass(frozen=True)
class Picture:
    """Where a product is shown and how it looks."""

    image_url: str
    url: str


def pictures(session: Session, shop: Shop, carts: Sequence[Checkout]) -> dict[int, Picture]:
    """Picture and page of every product in these carts, by product id."""
    ids = {line.get("product_id") for cart in carts for line in cart.lines} - {None}
    if not ids:
        return {}
    rows = session.execute(
        select(Product.id, Product.image_url, Product.handle).where(Product.shop_id == shop.id, Product.id.in_(ids))
    )
    return {id: Picture(image or "", f"{_storefront(shop)}/products/{handle}") for id, image, handle in rows}


def context(shop: Shop, cart: Checkout, known: Mapping[int, Picture], step: int) -> dict[str, Any]:
    """The cart's lines, what they cost together (minor units of its currency, no shipping), and the way back to it."""
    return {
        "currency": cart.currency or shop.currency,
        "cart_url": recovery_link(shop, cart, step),
        "total_minor": cart.subtotal_minor or sum(line["total_minor"] for line in map(_priced, cart.lines)),
        "lines": [_line(line, known) for line in cart.lines[:MOST_LINES]],
        "more_lines": max(0, len(cart.lines) - MOST_LINES),
    }


def recovery_link(shop: Shop, cart: Checkout, step: int) -> str:
    """The checkout's own link, with the campaign's name for the store's analytics; else the store's cart page."""
    parts = urlsplit(cart.recovery_url or f"{_storefront(shop)}/cart")
    utm = {"utm_source": "regulars", "utm_medium": "email", "utm_campaign": CAMPAIGN, "utm_content": f"mail-{step}"}
    query = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name not in utm]
    return urlunsplit(parts._replace(query=urlencode([*query, *utm.items()])))


def _line(line: Mapping[str, Any], known: Mapping[int, Picture]) -> dict[str, Any]:
    picture = known.get(line.get("product_id") or 0, Picture("", ""))
    return {
        "title": line.get("title") or "",
        "variant": _variant(line.get("variant")),
        **_priced(line),
        "image_url": picture.image_url,
        "url": picture.url,
    }


def _priced(line: Mapping[str, Any]) -> dict[str, int]:
    """Quantity and money of one line, in minor units."""
    quantity, price_minor = int(line.get("quantity") or 1), int(line.get("price_minor") or 0)
    return {"quantity": quantity, "price_minor": price_minor, "total_minor": price_minor * quantity}


def _variant(name: Any) -> str:
    """The store calls the only variant of a product "Default Title"; nobody wants to read that."""
    return "" if name in (None, "Default Title") else str(name)


def _storefront(shop: Shop) -> str:
    return (shop.storefront_url or f"https://{shop.domain}").rstrip("/")

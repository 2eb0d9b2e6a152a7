"""Customers, carts, orders and products as the mirror holds them, for tests of what stands on it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from plugin import clock
from plugin.commerce.models import Checkout, Customer, Order, Product, Variant
from plugin.db import engine as db
from plugin.shops.models import Shop

LINES = [{"title": "Kochere", "variant": "250 g", "quantity": 2, "price_minor": 1450, "product_id": 11}]


def customer(
    session: Session, shop: Shop, id: int, email: str, consent: str | None = "subscribed", **more: Any
) -> Customer:
    row = Customer(shop_id=shop.id, id=id, email=email, email_consent=consent, version=b"1", **more)
    session.add(row)
    session.flush()
    return row


def cart(session: Session, shop: Shop, token: str, email: str, **more: Any) -> Checkout:
    """A checkout touched now, with one line."""
    now = clock.now(session)
    values: dict[str, Any] = {
        "cart_token": f"cart-{token}",
        "lines": LINES,
        "currency": "EUR",
        "total_minor": 2900,
        "created_at": now,
        "updated_at": now,
        "recovery_url": f"https://{shop.domain}/checkouts/{token}/recover?key=s3cret",
    }
    row = Checkout(shop_id=shop.id, token=token, email=email, version=b"1", **{**values, **more})
    session.add(row)
    session.flush()
    return row


def order(session: Session, shop: Shop, id: int, **more: Any) -> Order:
    """A paid order placed now."""
    now = clock.now(session)
    values: dict[str, Any] = {"processed_at": now, "currency": "EUR", "current_total_minor": 2900}
    row = Order(shop_id=shop.id, id=id, version=b"1", **{**values, **more})
    session.add(row)
    session.flush()
    return row


def product(session: Session, shop: Shop, id: int, published_at: datetime | None, **more: Any) -> Product:
    """An active product of type Filter coffee at 16.90."""
    values: dict[str, Any] = {"title": f"Coffee {id}", "handle": f"coffee-{id}", "product_type": "Filter coffee"}
    values |= {"status": "active", "tags": [], "created_at": published_at}
    row = Product(shop_id=shop.id, id=id, published_at=published_at, version=b"1", **{**values, **more})
    session.add(row)
    session.flush()
    session.add(Variant(shop_id=shop.id, product_id=id, id=id * 10, price_minor=1690))
    session.flush()
    return row


def pass_time(**amount: float) -> None:
    """Business time goes on for everybody; needs the `story_clock` fixture."""
    with db.system_transaction() as session:
        session.execute(
            text("UPDATE clock SET offset_seconds = offset_seconds + :seconds"),
            {"seconds": timedelta(**amount).total_seconds()},
        )

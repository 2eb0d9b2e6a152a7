"""The goods a reward's form offers to choose from, as the store has them."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from admin_ui.formats import money
from admin_ui.rewards.forms import RewardForm
from plugin.commerce.models import Collection, Product, Variant
from plugin.shops.models import Shop

MOST = 500


def offer_goods(session: Session, shop: Shop, form: RewardForm) -> None:
    """Fill the lists of a form whose kind has them."""
    kind = form.kind.data
    limited = kind in ("amount_off", "percent_off")
    form.offer_goods(
        _variants(session, shop) if kind == "free_product" else [],
        _titles(session, shop, Product) if limited else [],
        _titles(session, shop, Collection) if limited else [],
    )


def _variants(session: Session, shop: Shop) -> list[tuple[str, str]]:
    sold = (
        select(Product.id, Product.title, Variant.id, Variant.title, Variant.price_minor)
        .join(Variant, (Variant.shop_id == Product.shop_id) & (Variant.product_id == Product.id))
        .where(Product.shop_id == shop.id, Product.deleted_at.is_(None), Variant.price_minor > 0)
        .order_by(Product.title, Variant.position)
        .limit(MOST)
    )
    return [
        (f"{product_id}/{variant_id}", f"{_full(title, variant)}, {money(price, shop.currency)}")
        for product_id, title, variant_id, variant, price in session.execute(sold)
    ]


def _full(title: str, variant: str) -> str:
    return title if variant in ("", "Default Title") else f"{title} – {variant}"


def _titles(session: Session, shop: Shop, kind: type[Product] | type[Collection]) -> list[tuple[int, str]]:
    there = select(kind.id, kind.title).where(kind.shop_id == shop.id, kind.deleted_at.is_(None))
    found = session.execute(there.order_by(kind.title, kind.id).limit(MOST))
    return [(id, title) for id, title in found]

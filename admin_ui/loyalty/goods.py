"""The store's products, collections, tags and vendors: found by typing, and named where rules have chosen them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from flask_babel import gettext
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from admin_ui.loyalty.earn_forms import EarnForm
from plugin.commerce.models import Collection, Product
from plugin.errors import NotFound
from plugin.shops.models import Shop

MOST = 20
Rows = list[tuple[Any, str]]


def find(session: Session, shop: Shop, kind: str, typed: str) -> Rows:
    """At most 20 that contain what was typed, as value and title. Raises NotFound for an unknown kind."""
    if kind in _TITLED:
        of = _TITLED[kind]
        there = select(of.id, of.title).where(of.shop_id == shop.id, of.deleted_at.is_(None), of.title != "")
        found = there.where(of.title.icontains(typed, autoescape=True)).order_by(of.title, of.id)
        return [(id, title) for id, title in session.execute(found.limit(MOST))]
    if kind not in _WORDS:
        raise NotFound("There is nothing of this kind to choose from.")
    words = _WORDS[kind]
    return [] if words is None else [(word, word) for word in _words(session, shop, words, typed)]


def _words(session: Session, shop: Shop, column: Any, typed: str) -> Iterable[str]:
    said = select(column.label("word")).distinct().where(Product.shop_id == shop.id, Product.deleted_at.is_(None))
    words = said.subquery().c.word
    found = select(words).where(words.icontains(typed, autoescape=True), words != "")
    return session.scalars(found.order_by(func.lower(words), words).limit(MOST))


_TITLED: dict[str, type[Product] | type[Collection]] = {"products": Product, "collections": Collection}
_WORDS: dict[str, Any] = {"tags": func.unnest(Product.tags), "vendors": Product.vendor, "customer_tags": None}


def names(session: Session, shop: Shop, form: EarnForm) -> Callable[[str, Any], tuple[str, str]]:
    """A function that names what the form has chosen: its title, and a word when the store has it no more."""
    goods = [form.excluded.form, *(entry.form for entry in form.multipliers)]
    titles = {
        kind: _titles(session, shop, of, {id for some in goods for id in some[kind].data})
        for kind, of in _TITLED.items()
    }

    def name(kind: str, value: Any) -> tuple[str, str]:
        if kind not in titles:
            return str(value), ""
        title, gone = titles[kind].get(value, (f"#{value}", None))
        return title or f"#{value}", gettext("deleted") if gone else ""

    return name


def _titles(session: Session, shop: Shop, of: type[Product] | type[Collection], ids: set[int]) -> dict[int, Any]:
    if not ids:
        return {}
    rows = select(of.id, of.title, of.deleted_at.is_not(None)).where(of.shop_id == shop.id, of.id.in_(ids))
    return {id: (title, gone) for id, title, gone in session.execute(rows)}

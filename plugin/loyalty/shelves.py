"""Which of the store's collections the rules of earning name, so that their products are known when an order comes."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy.orm import Session

from plugin.commerce import catalogue
from plugin.loyalty import queries
from plugin.shops.models import Shop


def named(session: Session, shop: Shop) -> set[int]:
    """Ids of all collections that any version names: an old order may still be judged by an old one."""
    versions = queries.programs(session, shop)
    return {id for version in versions for goods in version.document.goods() for id in goods.collections}


def follow(session: Session, shop: Shop, collection_id: int) -> None:
    """A collection changed in the store."""
    if collection_id in named(session, shop):
        catalogue.ask(session, shop, [collection_id])


def follow_products(session: Session, shop: Shop, product_ids: Collection[int]) -> None:
    """Products changed: rules of the store may put them into other collections now."""
    if product_ids and (ids := named(session, shop)):
        catalogue.ask(session, shop, sorted(ids))


def are_awaited(session: Session, shop: Shop) -> bool:
    """Whether something that rules name is still being read, so that past orders would be judged without it."""
    return catalogue.awaits(session, shop, named(session, shop))


def ask_due(session: Session, shop: Shop) -> None:
    """What was not read within a day, and what a version has named since."""
    catalogue.ask_due(session, shop, sorted(named(session, shop)))

"""A programme with ways to earn, and people who do things."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.commerce.models import Customer
from plugin.loyalty.acting import sweeping
from plugin.loyalty.acting.deciding import settle_deeds
from plugin.loyalty.acting.models import Deed
from plugin.loyalty.acting.terms import Actions, Way
from plugin.loyalty.document import Document
from plugin.loyalty.models import Program
from plugin.shops.models import Shop
from tests.plugin.loyalty.ledgers import DRAFT, program

LAUNCH = datetime(2026, 3, 2, 12, tzinfo=UTC)


def launch(session: Session, shop: Shop, *ways: Way, **document: Any) -> Program:
    """A version with these ways from now on."""
    return program(session, shop, replace(DRAFT, document=Document(actions=Actions(ways), **document)))


def person(session: Session, shop: Shop, id: int, **columns: Any) -> int:
    known = {"known": True, "email": f"customer-{id}@example.com"} | columns
    session.merge(Customer(shop_id=shop.id, id=id, **known))
    session.flush()
    return id


def settle(session: Session, shop: Shop) -> None:
    """Sweep and decide until nothing waits."""
    while sweeping.sweep(session, shop):
        pass
    while settle_deeds(session, shop):
        pass


def decisions(session: Session, shop: Shop, customer_id: int) -> dict[str, tuple[int, str]]:
    """Key → points and reason."""
    mine = Deed.shop_id == shop.id, Deed.customer_id == customer_id
    deeds = session.scalars(select(Deed).where(*mine), execution_options={"populate_existing": True})
    return {deed.key: (deed.points, deed.reason) for deed in deeds}

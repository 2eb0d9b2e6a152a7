"""People who invite each other: a programme that rewards it, links, claims, and the friends' orders."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin import clock
from plugin.commerce.models import Customer
from plugin.loyalty.document import Document
from plugin.loyalty.models import PointEntry
from plugin.loyalty.referring import claiming, following, links, paying
from plugin.loyalty.referring.models import Referral
from plugin.loyalty.referring.terms import Referrals
from plugin.shops.models import Shop
from tests.plugin.loyalty.ledgers import DRAFT, at, customer, later, order, program, refund

TERMS = Referrals(enabled=True, points=500, friend_value=5_00, hold_days=14, monthly_cap=10, daily_claims=5)
ALICE, BOB = 7, 8  # she invites, he is invited
NAMES = {ALICE: "alice"}


def open_house(session: Session, shop: Shop, terms: Referrals = TERMS) -> str:
    """A programme with these terms, and Alice's link."""
    program(session, shop, replace(DRAFT, document=Document(referrals=terms)))
    return link(session, shop, ALICE)


def link(session: Session, shop: Shop, id: int) -> str:
    session.merge(Customer(shop_id=shop.id, id=id, email=f"{NAMES.get(id, id)}@example.com"))
    session.flush()
    made = links.link_of(session, shop, id)
    assert made is not None
    return made.code


def invite(session: Session, shop: Shop, code: str, email: str = "bob@example.com") -> Referral:
    """The friend takes up the invitation; the referral as it stands."""
    claiming.claim(session, shop, code, email)
    return find(session, shop, email)


def find(session: Session, shop: Shop, email: str) -> Referral:
    found = select(Referral).where(Referral.shop_id == shop.id, Referral.email == email)
    return session.scalars(found, execution_options={"populate_existing": True}).one()


def buys(
    session: Session, shop: Shop, id: int, customer_id: int | None, moment: datetime | None = None, **columns: Any
) -> int:
    """An order of 50.00 that comes in now."""
    order(session, shop, id, customer_id, moment or clock.now(session), **columns)
    following.follow_referrals(session, shop, {id})
    return id


def gives_back(session: Session, shop: Shop, order_id: int) -> None:
    """All of an order is refunded."""
    refund(session, shop, order_id * 10, order_id, clock.now(session), {0: 1})
    following.follow_referrals(session, shop, {order_id})


def settle(session: Session, shop: Shop) -> None:
    """What the sweep does, until nothing is due."""
    while paying.settle_referrals(session, shop):
        pass


def days_pass(session: Session, shop: Shop, days: float) -> None:
    later(session, days=days)
    settle(session, shop)


def points(session: Session, shop: Shop, id: int = ALICE) -> int:
    """What referrals brought somebody, by the ledger."""
    mine = PointEntry.shop_id == shop.id, PointEntry.customer_id == id, PointEntry.counter_account == "referrals"
    return sum(session.scalars(select(PointEntry.points).where(*mine)))


__all__ = ["at", "customer", "later", "order", "refund"]

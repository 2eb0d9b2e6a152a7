"""Personal links: one short code a customer, that cannot be guessed and repeats for the same customer."""

from __future__ import annotations

import base64

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from plugin import clock
from plugin.commerce.models import Customer
from plugin.crypto.secrets import keyed
from plugin.errors import NotFound
from plugin.loyalty.referring.models import ReferralLink
from plugin.shops.models import Shop

LETTERS = 10  # of base32: 50 bits; the page behind it is rate-limited besides
LONGEST = 40


def link_of(session: Session, shop: Shop, customer_id: int) -> ReferralLink | None:
    """The customer's link, made when there is none yet; None for somebody the store does not have (any more)."""
    mine = ReferralLink.shop_id == shop.id, ReferralLink.customer_id == customer_id
    own_first = (ReferralLink.made_for == customer_id).desc(), ReferralLink.created_at, ReferralLink.code
    there = session.scalar(select(ReferralLink).where(*mine).order_by(*own_first).limit(1))
    if there is not None:
        return there
    customer = session.get(Customer, (shop.id, customer_id))
    if customer is None or customer.deleted_at is not None:
        return None
    made = {"code": code_for(shop, customer_id), "customer_id": customer_id, "made_for": customer_id}
    row = insert(ReferralLink).values(shop_id=shop.id, created_at=clock.now(session), **made)
    session.execute(row.on_conflict_do_nothing())
    return session.scalar(select(ReferralLink).where(*mine).order_by(*own_first).limit(1))


def code_for(shop: Shop, customer_id: int) -> str:
    """Ten letters and digits of a keyed hash."""
    return base64.b32encode(keyed("referral link", shop.id, customer_id)).decode()[:LETTERS]


def by_code(session: Session, shop: Shop, code: str) -> ReferralLink:
    """The link with this code, in any case. Raises NotFound, also when its owner is gone."""
    there = session.get(ReferralLink, (shop.id, code.upper()[:LONGEST])) if code.isascii() and code.isalnum() else None
    owner = session.get(Customer, (shop.id, there.customer_id)) if there else None
    if there is None or owner is None or owner.deleted_at is not None:
        raise NotFound("This invitation is not valid any more. The link may have been cut off when it was copied.")
    return there


def opened(session: Session, shop: Shop, code: str) -> None:
    """Somebody looked at the page of a link."""
    one = update(ReferralLink).where(ReferralLink.shop_id == shop.id, ReferralLink.code == code)
    session.execute(one.values(opened=ReferralLink.opened + 1).execution_options(synchronize_session=False))

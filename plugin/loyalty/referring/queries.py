"""Reads of links and referrals: for their owner, and for the panel's list, figures and one referral."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Select, func, or_, select, text
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from plugin.commerce.models import Customer, CustomerTerm
from plugin.commerce.terms import fold, words
from plugin.db import keyset
from plugin.errors import NotFound
from plugin.loyalty.referring.models import Referral, ReferralLink
from plugin.loyalty.referring.rules import STATES
from plugin.shops.models import Shop

Advocate, Friend = aliased(Customer), aliased(Customer)
SORTS: dict[str, InstrumentedAttribute[Any]] = {"claimed": Referral.claimed_at}
MOST_SEARCHED = 500
OWN_SHOWN = 20

_SIGNALS = text("""
    SELECT signal->>'name', count(*) FROM referrals r CROSS JOIN LATERAL jsonb_array_elements(r.signals) AS signal
    WHERE r.shop_id = :shop AND r.state IN ('rejected', 'in_review') AND r.claimed_at >= :since
    GROUP BY 1 ORDER BY 2 DESC, 1
""")


class Figures(NamedTuple):
    """What came of links since a moment. Blocked by signal: how many rejected or waiting referrals each stopped."""

    shared: int  # links whose page was looked at
    opened: int
    claimed: int
    ordered: int
    rewarded: int
    points: int
    waiting: int  # for a person to look at, whenever claimed
    signals: dict[str, int]


class Found(NamedTuple):
    """A referral with both sides as far as the store has them."""

    referral: Referral
    advocate: Customer | None
    friend: Customer | None


def figures(session: Session, shop: Shop, since: datetime) -> Figures:
    """The figures of the panel's page."""
    links = select(func.count(), func.coalesce(func.sum(ReferralLink.opened), 0))
    shared, opened = session.execute(links.where(ReferralLink.shop_id == shop.id, ReferralLink.opened > 0)).one()
    lately = Referral.shop_id == shop.id, Referral.claimed_at >= since
    ordered, points = func.count(Referral.order_id), func.coalesce(func.sum(Referral.points), 0)
    rewarded = func.count().filter(Referral.state == "rewarded")
    came = session.execute(select(func.count(), ordered, rewarded, points).where(*lately)).one()
    waits = Referral.shop_id == shop.id, Referral.state == "in_review"
    waiting = session.scalar(select(func.count()).where(*waits)) or 0
    signals = {name: int(count) for name, count in session.execute(_SIGNALS, {"shop": shop.id, "since": since})}
    claimed, ordered_, rewarded_, points_ = (int(value) for value in came)
    return Figures(int(shared), int(opened), claimed, ordered_, rewarded_, points_, int(waiting), signals)


def listed(
    session: Session,
    shop: Shop,
    *,
    q: str = "",
    state: str = "",
    sort: str = "-claimed",
    after: keyset.Key | None = None,
    before: keyset.Key | None = None,
    size: int = 50,
) -> keyset.Page:
    """A page of referrals with advocate and friend. Raises NotFound for a key that is none of this list's."""
    order = keyset.Order(SORTS[sort.removeprefix("-")], Referral.id, sort.startswith("-"))
    statement = _narrowed(session, shop, _with_people(shop), q, state)
    return keyset.page(session, statement, order, after=after, before=before, size=size)


def count(session: Session, shop: Shop, q: str = "", state: str = "", most: int = 10_000) -> int:
    """How many there are, counted no further than `most`."""
    some = _narrowed(session, shop, select(Referral.id).where(Referral.shop_id == shop.id), q, state).limit(most)
    return session.scalar(select(func.count()).select_from(some.subquery())) or 0


def one(session: Session, shop: Shop, referral_id: int) -> Found:
    """One referral. Raises NotFound."""
    row = session.execute(_with_people(shop).where(Referral.id == referral_id)).first()
    if row is None:
        raise NotFound("This referral does not exist.")
    return Found(*row)


def of_advocate(session: Session, shop: Shop, customer_id: int) -> Sequence[Referral]:
    """The latest referrals of somebody, for themselves."""
    mine = Referral.shop_id == shop.id, Referral.advocate_id == customer_id
    latest = select(Referral).where(*mine).order_by(Referral.claimed_at.desc(), Referral.id.desc()).limit(OWN_SHOWN)
    return session.scalars(latest).all()


def _with_people(shop: Shop) -> Select[Any]:
    joined: Any = select(Referral, Advocate, Friend).where(Referral.shop_id == shop.id)
    joined = joined.outerjoin(Advocate, (Advocate.shop_id == shop.id) & (Advocate.id == Referral.advocate_id))
    return joined.outerjoin(Friend, (Friend.shop_id == shop.id) & (Friend.id == Referral.friend_id))


def _narrowed(session: Session, shop: Shop, statement: Select[Any], q: str, state: str) -> Select[Any]:
    if state in STATES:
        statement = statement.where(Referral.state == state)
    q = q.replace("\0", "").strip()
    if q:
        people = _people(session, shop, q)
        named = Referral.advocate_id.in_(people), Referral.friend_id.in_(people)
        statement = statement.where(or_(*named, Referral.email == q.lower(), Referral.code == q.upper()))
    return statement


def _people(session: Session, shop: Shop, q: str) -> list[int]:
    """Customers whose words begin with every searched word; at most MOST_SEARCHED."""
    found: set[int] | None = None
    for word in words(q) or [fold(q)]:
        prefix = CustomerTerm.shop_id == shop.id, CustomerTerm.term >= word, CustomerTerm.term < word + "\U0010ffff"
        ids = set(session.scalars(select(CustomerTerm.customer_id).where(*prefix).distinct().limit(MOST_SEARCHED)))
        found = ids if found is None else found & ids
    return sorted(found or ())

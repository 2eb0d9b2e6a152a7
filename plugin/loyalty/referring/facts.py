"""What the tables know about referrals: the friend's orders, and the evidence that signals are read from.

One referral at a time, because only a few orders of a batch have to do with any. Every read is bounded and by key.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import text
from sqlalchemy.orm import Session

from plugin.commerce.mailboxes import mailbox
from plugin.commerce.terms import LONGEST_TERM
from plugin.loyalty import mirror
from plugin.loyalty.counting import counted
from plugin.loyalty.referring import fraud
from plugin.loyalty.referring.fraud import Evidence, Person
from plugin.loyalty.referring.models import Referral
from plugin.loyalty.referring.rules import FriendOrder
from plugin.loyalty.rules import OrderState, days_later, in_zone
from plugin.shops.models import Shop

V = TypeVar("V")
ORDERS_READ = 50  # of a person, the latest: enough to know where they live, and whether they bought before

_BY_ADDRESS = text("""
    SELECT c.id, c.email FROM customer_terms t JOIN customers c ON c.shop_id = t.shop_id AND c.id = t.customer_id
    WHERE t.shop_id = :shop AND t.term = ANY (:terms) AND c.deleted_at IS NULL
    ORDER BY c.id LIMIT 20
""")
_PEOPLE = text("SELECT id, email, phone FROM customers WHERE shop_id = :shop AND id = ANY (:ids)")
_OF_CUSTOMERS = """
    SELECT id, processed_at, shipping_place, billing_place, test FROM orders
    WHERE shop_id = :shop AND customer_id = ANY (:ids) AND known AND processed_at IS NOT NULL
    ORDER BY processed_at {} LIMIT :most
"""
_LATEST, _EARLIEST = text(_OF_CUSTOMERS.format("DESC")), text(_OF_CUSTOMERS.format("ASC"))
_OF_GUESTS = text("""
    SELECT id, processed_at, shipping_place, billing_place, test FROM orders
    WHERE shop_id = :shop AND customer_id IS NULL AND email = ANY (:emails) AND known AND processed_at IS NOT NULL
    ORDER BY processed_at LIMIT :most
""")
_BY_ID = text("""
    SELECT id, processed_at, shipping_place, billing_place, test FROM orders
    WHERE shop_id = :shop AND id = ANY (:ids) AND known AND processed_at IS NOT NULL
""")
_BUYERS = text("SELECT DISTINCT customer_id FROM orders WHERE shop_id = :shop AND id = ANY (:ids) AND customer_id > 0")
_ABOVE = text("""
    SELECT advocate_id FROM referrals
    WHERE shop_id = :shop AND friend_id = :id AND id <> :not_this AND order_id IS NOT NULL AND state <> 'lapsed'
        AND verdict IS DISTINCT FROM 'rejected'
    ORDER BY claimed_at, id LIMIT 1
""")
_CLAIMED = text("""
    SELECT claimed_at FROM referrals
    WHERE shop_id = :shop AND advocate_id = :advocate AND id <> :not_this
        AND claimed_at > :since AND claimed_at < :until
    LIMIT 1000
""")
_HOUSEHOLD = text("""
    SELECT count(*) FROM referrals r JOIN orders o ON o.shop_id = r.shop_id AND o.id = r.order_id
    WHERE r.shop_id = :shop AND r.advocate_id = :advocate AND r.state IN ('held', 'rewarded')
        AND (r.ordered_at, r.id) < (:ordered_at, :not_this)
        AND (o.shipping_place = ANY (:places) OR o.billing_place = ANY (:places))
""")
_AHEAD = text("""
    SELECT count(*) FROM referrals
    WHERE shop_id = :shop AND advocate_id = :advocate AND id <> :not_this
        AND ordered_at >= :since AND ordered_at < :until
        AND (state = 'rewarded' OR (state = 'held' AND (ordered_at, id) < (:ordered_at, :not_this)))
""")


class Seen(NamedTuple):
    """An order as far as referrals ask, before its money is counted."""

    id: int
    moment: datetime
    shipping_place: int | None
    billing_place: int | None
    test: bool


class Friend(NamedTuple):
    """The friend as found: who they are in the store, and their orders, the earliest first."""

    person: Person
    orders: tuple[Seen, ...]


def friend(session: Session, shop: Shop, referral: Referral, order_ids: Collection[int] = ()) -> Friend:
    """The friend of a referral; `order_ids` are orders that carry the friend's code or address."""
    named = {*order_ids, *_given(referral.order_id)}
    ids = _same_mailbox(session, shop, referral.mailbox) | _given(referral.friend_id)
    ids |= set(session.scalars(_BUYERS, {"shop": shop.id, "ids": sorted(named)})) if named else set()
    person = _person(session, shop, ids, _given(referral.email))
    found = [*_seen(session, shop, _EARLIEST, ids=sorted(person.customer_ids))] if person.customer_ids else []
    found += _seen(session, shop, _OF_GUESTS, emails=sorted(person.emails | _given(referral.mailbox)))
    found += _seen(session, shop, _BY_ID, ids=sorted(named)) if named else []
    orders = sorted({order.id: order for order in found if not order.test}.values(), key=lambda o: (o.moment, o.id))
    return Friend(person._replace(places=_places(orders)), tuple(orders))


def first_order(session: Session, shop: Shop, referral: Referral, friend: Friend, tax_basis: str) -> FriendOrder | None:
    """The friend's first paid order since the claim, with what counts of it now; None while there is none.

    One that was seen and is gone, or belongs to somebody else by now, is void.
    """
    since = [o.id for o in friend.orders if referral.claimed_at <= o.moment < referral.code_ends_at]
    if since:
        states = sorted(mirror.orders_by_id(session, shop.id, since), key=lambda o: (o.moment, o.id))
        for order in states:
            if is_paid(order) and order.moment is not None:
                void = "deleted" if order.deleted_at else "cancelled" if order.cancelled_at else None
                return FriendOrder(order.id, order.moment, counted(order, tax_basis).minor, void)
    if referral.order_id is not None and referral.ordered_at is not None:
        return FriendOrder(referral.order_id, referral.ordered_at, 0, "deleted")
    return None


def is_paid(order: OrderState) -> bool:
    """Whether it was ever paid; a cancelled order that was, counts as the first one, and for nothing."""
    return (order.financial_status or "").lower() in ("paid", "partially_refunded", "refunded")


def evidence(session: Session, shop: Shop, referral: Referral, friend: Friend) -> Evidence:
    """Everything that could speak against this referral."""
    advocate = _advocate(session, shop, referral.advocate_id)
    mine = {"shop": shop.id, "advocate": referral.advocate_id, "not_this": referral.id}
    around = {"since": referral.claimed_at - fraud.DAY, "until": referral.claimed_at + fraud.DAY}
    others = session.scalars(_CLAIMED, mine | around)
    return Evidence(
        advocate,
        friend.person,
        sum(order.moment < referral.claimed_at for order in friend.orders),
        _ring(session, shop, referral, friend.person.customer_ids),
        fraud.busiest_day(referral.claimed_at, others),
        _household(session, mine, advocate, referral),
    )


def ahead(session: Session, shop: Shop, referral: Referral, order: FriendOrder) -> int:
    """How many referrals of the advocate in the order's calendar month come before this one."""
    day = in_zone(order.moment, shop.timezone)
    first = day.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    following = (first + timedelta(days=32)).replace(day=1)
    asked = {"shop": shop.id, "advocate": referral.advocate_id, "not_this": referral.id}
    month = {"since": first, "until": following, "ordered_at": order.moment}
    return int(session.scalar(_AHEAD, asked | month) or 0)


def code_ends(claimed_at: datetime, days: int, timezone: str) -> datetime:
    """Until when a claim and its code are good."""
    return days_later(claimed_at, days, timezone)


def _given(value: V | None) -> set[V]:
    return set() if value is None else {value}


def _same_mailbox(session: Session, shop: Shop, box: str | None) -> set[int]:
    """Customers of the store whose address ends in this mailbox, however it is spelt."""
    if box is None:
        return set()
    found = session.execute(_BY_ADDRESS, {"shop": shop.id, "terms": [box[:LONGEST_TERM]]})
    return {id for id, email in found if email and mailbox(email) == box}


def _person(session: Session, shop: Shop, ids: Collection[int], emails: Collection[str]) -> Person:
    rows = session.execute(_PEOPLE, {"shop": shop.id, "ids": sorted(ids)}).all() if ids else []
    return Person(
        frozenset(ids),
        frozenset(emails) | {row.email for row in rows if row.email},
        frozenset(row.phone for row in rows if row.phone),
    )


def _advocate(session: Session, shop: Shop, advocate_id: int) -> Person:
    person = _person(session, shop, {advocate_id}, ())
    return person._replace(places=_places(_seen(session, shop, _LATEST, ids=[advocate_id])))


def _seen(session: Session, shop: Shop, query: Any, **asked: Any) -> list[Seen]:
    if not any(asked.values()):
        return []
    return [Seen(*row) for row in session.execute(query, {"shop": shop.id, "most": ORDERS_READ} | asked)]


def _places(orders: Iterable[Seen]) -> frozenset[int]:
    return frozenset(place for o in orders for place in (o.shipping_place, o.billing_place) if place is not None)


def _ring(session: Session, shop: Shop, referral: Referral, friend_ids: Collection[int]) -> tuple[int, ...]:
    referred_by: dict[int, int] = {}
    at = referral.advocate_id
    for _ in range(fraud.LONGEST_RING):
        above = session.scalar(_ABOVE, {"shop": shop.id, "id": at, "not_this": referral.id})
        if above is None or above in referred_by:
            break
        referred_by[at] = at = above
    return next(
        (found for id in sorted(friend_ids) if (found := fraud.ring(referral.advocate_id, id, referred_by))), ()
    )


def _household(session: Session, mine: dict[str, Any], advocate: Person, referral: Referral) -> int:
    if not advocate.places or referral.ordered_at is None:
        return 0
    asked = mine | {"places": sorted(advocate.places), "ordered_at": referral.ordered_at}
    return int(session.scalar(_HOUSEHOLD, asked) or 0)

"""Joining the programme and leaving it, and who said what.

Who never said a word is in under an automatic programme and out under one that people opt into. Who leaves earns
nothing for orders from then on and keeps what they have; it can be spent and expires as before. Nobody's past is
judged anew: an order goes by the last word before its moment, in whatever order the news come in. What a merged
customer said counts for who is kept.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin import clock
from plugin.commerce import merges
from plugin.commerce.models import Customer
from plugin.errors import NotFound
from plugin.loyalty.joining.models import Membership
from plugin.loyalty.rules import OrderState, ProgramRules, is_member
from plugin.shops import operations as shops
from plugin.shops.models import Shop

_ANY: Final = "SELECT EXISTS (SELECT FROM memberships WHERE shop_id = %s)"
_SAID: Final = """
    SELECT i.id, m.joined
    FROM unnest(%(ids)b::bigint[], %(customers)b::bigint[], %(moments)b::timestamptz[]) AS i (id, customer_id, moment)
    CROSS JOIN LATERAL (
        SELECT joined FROM memberships
        WHERE shop_id = %(shop)s AND changed_at <= i.moment AND customer_id IN (
            SELECT i.customer_id UNION ALL
            SELECT from_id FROM customer_merges WHERE shop_id = %(shop)s AND kept_id = i.customer_id
        )
        ORDER BY changed_at DESC, id DESC LIMIT 1
    ) AS m
"""


def say(session: Session, shop: Shop, customer_id: int, joined: bool, source: str, actor: str) -> bool:
    """Somebody joins or leaves; False when that is what they said last. Raises NotFound."""
    kept = merges.kept_for(session, shop.id, customer_id)
    person = select(Customer).where(Customer.shop_id == shop.id, Customer.id == kept).with_for_update()
    if session.scalar(person) is None:
        raise NotFound("This customer does not exist.")
    if last(session, shop, kept) == joined:
        return False
    word = {"customer_id": kept, "joined": joined, "source": source, "actor": actor}
    session.add(Membership(shop_id=shop.id, changed_at=clock.now(session), **word))
    session.flush()
    shops.audit(session, shop, actor, "membership.say", f"customer:{kept}", {"joined": not joined}, {"joined": joined})
    return True


def last(session: Session, shop: Shop, customer_id: int) -> bool | None:
    """What somebody said last; None when they never said anything."""
    return said(session, shop, [customer_id]).get(customer_id)


def said(session: Session, shop: Shop, customer_ids: Collection[int]) -> dict[int, bool]:
    """What these people said last; without those who never said anything."""
    aliases = {alias: alias for alias in customer_ids}
    formers = merges.formers(session, shop.id, set(customer_ids))
    aliases |= {former: kept for former, kept in merges.kept(session, shop.id, formers).items() if kept in aliases}
    mine = Membership.shop_id == shop.id, Membership.customer_id.in_(aliases)
    words = select(Membership.customer_id, Membership.joined).where(*mine)
    found = session.execute(words.order_by(Membership.changed_at, Membership.id))
    return {aliases[customer_id]: joined for customer_id, joined in found}


def members(session: Session, shop: Shop, program: ProgramRules, customer_ids: Collection[int]) -> set[int]:
    """Who of these is in the programme now."""
    words = said(session, shop, customer_ids)
    return {each for each in customer_ids if is_member(program, words.get(each))}


def told(cursor: Any, shop_id: int, orders: Sequence[OrderState]) -> list[OrderState]:
    """The orders with what their customers had said by then."""
    if not orders or not cursor.execute(_ANY, [shop_id]).fetchone()[0]:
        return list(orders)
    dated = [order for order in orders if order.moment is not None and order.customer_id is not None]
    values = {
        "shop": shop_id,
        "ids": [order.id for order in dated],
        "customers": [order.customer_id for order in dated],
        "moments": [order.moment for order in dated],
    }
    words = dict(iter(cursor.execute(_SAID, values)))
    return [order._replace(joined=words[order.id]) if order.id in words else order for order in orders]

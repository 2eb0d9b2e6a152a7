"""Settling: for every order post the difference between what its present state is worth and what was posted.

Duplicates, gaps and disorder of news do no harm, because nothing is added "because of an event".
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from sqlalchemy.orm import Session

from plugin import clock
from plugin.commerce import merges
from plugin.loyalty import facts, ledger, mirror, queries
from plugin.loyalty.counting import Counted, counted, explained, points_of
from plugin.loyalty.expiry import activity
from plugin.loyalty.lots import Book, Entry, Lot
from plugin.loyalty.rules import (
    WHEN_FULFILLED,
    OrderState,
    ProgramRules,
    TierRules,
    available_at,
    expires_at,
    program_at,
    why_not,
)
from plugin.loyalty.standing import Histories, reach
from plugin.loyalty.tiers import facts as tier_facts
from plugin.loyalty.tiers import following
from plugin.shops.models import Shop

_MOMENTS = """
    SELECT o.* FROM unnest(%(ids)b::bigint[]) AS i (id) CROSS JOIN LATERAL (
        SELECT id, customer_id, processed_at FROM orders WHERE shop_id = %(shop)s AND id = i.id AND known OFFSET 0
    ) AS o
"""
_POSTED = """
    SELECT e.* FROM unnest(%(ids)b::bigint[]) AS i (id) CROSS JOIN LATERAL (
        SELECT order_id, customer_id, sum(points)::bigint, count(*), min(occurred_at) FROM point_entries
        WHERE shop_id = %(shop)s AND order_id = i.id AND kind IN ('earn', 'claw') GROUP BY order_id, customer_id
    ) AS e
"""


class Pair(NamedTuple):
    """Whom an order's points belong to, or belonged to."""

    order_id: int
    customer_id: int


class Posted(NamedTuple):
    points: int
    times: int
    first_at: datetime | None = None  # business time of the first of them


NEVER = Posted(0, 0)


class Due(NamedTuple):
    """A difference to be posted."""

    pair: Pair
    order: OrderState
    posted: Posted
    target: int
    program: ProgramRules | None
    tier: TierRules | None = None
    spend_minor: int = 0
    money: Counted | None = None


def settle_orders(session: Session, shop: Shop, order_ids: Collection[int]) -> None:
    """Bring the ledger to what these orders, and later ones of the same customers, are worth now."""
    programs = queries.programs(session, shop) if order_ids else ()
    if not programs:
        return
    changed = changed_from(session, shop, order_ids)
    books = ledger.lock(session, shop.id, changed) if changed else {}
    if not books:
        return
    now = clock.now(session)
    since = reach(programs, min(*changed.values(), now), shop.timezone)
    asked = facts.asked(programs)
    orders = {order.id: order for order in mirror.orders_since(session, shop.id, books, since, asked)}
    if missing := set(order_ids) - orders.keys():
        orders |= {order.id: order for order in mirror.orders_by_id(session, shop.id, missing, asked)}
    dated = tier_facts.dated(session, shop.id, books, programs)
    histories = Histories(orders.values(), shop.timezone, programs, dated)
    settled = _widened(orders, set(order_ids), changed, programs)
    facts.pin(ledger.raw(session), shop.id, settled, asked)
    _move(session, shop, books, list(_differences(session, shop, settled, programs, histories)), now)
    _follow_fulfillments(session, shop, books, settled, programs, now)
    following.stand(session, shop, books, programs, histories, now)
    ledger.write(session, shop.id, books.values(), now)
    activity.follow(session, shop, program_at(programs, now), books)


def changed_from(session: Session, shop: Shop, order_ids: Collection[int]) -> dict[int, datetime]:
    """Everybody these orders belong or belonged to, and the earliest moment that may have changed for them."""
    asked = {"shop": shop.id, "ids": sorted(order_ids)}
    known = ledger.raw(session).execute(_MOMENTS, asked).fetchall()
    moments = {order_id: moment for order_id, _, moment in known}
    owners = [(customer_id, moment) for _, customer_id, moment in known]
    named = {order_id: customer_id for order_id, customer_id, _ in known}
    for pair, posted in posted_for(session, shop, order_ids, named).items():
        # A deleted order has no moment any more.
        owners.append((pair.customer_id, moments.get(pair.order_id) or posted.first_at))
    changed: dict[int, datetime] = {}
    for customer_id, moment in owners:
        if customer_id is not None and moment is not None:
            changed[customer_id] = min(moment, changed.get(customer_id, moment))
    return changed


def posted_for(
    session: Session, shop: Shop, order_ids: Collection[int], named: Mapping[int, int | None]
) -> dict[Pair, Posted]:
    """What was posted for these orders; `named` is whom they name.

    What a merged customer was given counts as the kept one's: a merge moves the points, and the entries stay.
    """
    asked = {"shop": shop.id, "ids": sorted(order_ids)}
    rows = ledger.raw(session).execute(_POSTED, asked).fetchall()
    strangers = {customer_id for order_id, customer_id, *_ in rows if named.get(order_id) != customer_id}
    kept = merges.kept(session, shop.id, strangers)
    posted: dict[Pair, Posted] = {}
    for order_id, customer_id, points, times, first_at in rows:
        pair = Pair(order_id, kept.get(customer_id, customer_id))
        before = posted.get(pair, NEVER)
        earliest = min(first_at, before.first_at or first_at)
        posted[pair] = Posted(before.points + points, before.times + times, earliest)
    return posted


def _widened(
    orders: dict[int, OrderState], ids: set[int], changed: dict[int, datetime], programs: tuple[ProgramRules, ...]
) -> list[OrderState]:
    """The orders asked for, and those later ones whose tier may have moved with them."""
    tiers = any(program.tiers for program in programs)
    return [
        order
        for order in orders.values()
        if order.id in ids
        or (tiers and order.moment and order.customer_id in changed and order.moment >= changed[order.customer_id])
    ]


def _differences(
    session: Session, shop: Shop, orders: list[OrderState], programs: tuple[ProgramRules, ...], histories: Histories
) -> Iterable[Due]:
    named = {order.id: order.customer_id for order in orders}
    posted = posted_for(session, shop, named.keys(), named)
    former: dict[int, list[Pair]] = defaultdict(list)
    for pair in posted:
        former[pair.order_id].append(pair)
    for order in orders:
        pairs = former.get(order.id, [])
        if order.customer_id is not None and not any(pair.customer_id == order.customer_id for pair in pairs):
            pairs = [Pair(order.id, order.customer_id), *pairs]
        for pair in pairs:
            found = due(pair, order, posted.get(pair, NEVER), programs, histories)
            if found.target != found.posted.points:
                yield found


def due(pair: Pair, order: OrderState, posted: Posted, programs: tuple[ProgramRules, ...], histories: Histories) -> Due:
    """What an order is worth to somebody under these versions, beside what was posted."""
    program = program_at(programs, order.moment)
    if order.customer_id != pair.customer_id or program is None or why_not(order, program) or not order.moment:
        return Due(pair, order, posted, 0, program)
    tier, spend = histories.tier(pair.customer_id, program, (order.moment, order.id))
    money = counted(order, program.tax_basis, None, program.document, tier, histories.timezone)
    return Due(pair, order, posted, points_of(money, order.currency, program, tier), program, tier, spend, money)


def _move(session: Session, shop: Shop, books: dict[int, Book], dues: list[Due], now: datetime) -> None:
    dues = [due for due in dues if due.pair.customer_id in books]
    clawed = {due.pair.customer_id for due in dues if due.target < due.posted.points}
    ledger.load_order_lots(session, shop.id, books, {due.pair.order_id for due in dues if due.posted.times})
    ledger.load_open_lots(session, shop.id, [books[customer_id] for customer_id in clawed])
    for customer_id in clawed:
        books[customer_id].bring_up_to(now)
    for due in sorted(dues, key=lambda due: (due.order.moment or now, due.order.id)):
        _move_one(books[due.pair.customer_id], due, shop.timezone, now)


def _move_one(book: Book, due: Due, timezone: str, now: datetime) -> None:
    lot = next((lot for lot in book.lots if lot.order_id == due.order.id), None)
    entry = _entry(due, lot, timezone, now)
    if entry.points < 0:
        book.claw(lot, entry, now, forgive=due.program is not None and due.program.document.earn.shortfall == "floor")
        return
    book.earn(lot or _lot_for(entry, now), entry, now)


def _entry(due: Due, lot: Lot | None, timezone: str, now: datetime) -> Entry:
    order, program, points = due.order, due.program, due.target - due.posted.points
    told = explained(order, program, due.tier, due.spend_minor, due.money, due.posted.points, due.target)
    available = expires = None
    if lot is not None:
        available, expires = lot.available_at, lot.expires_at
    elif program is not None and order.moment is not None:
        available = available_at(order, program, timezone)
        expires = expires_at(available, program, timezone)
    return Entry(
        customer_id=due.pair.customer_id,
        kind="earn" if points > 0 else "claw",
        points=points,
        counter_account="sales",
        key=f"order:{order.id}:{due.pair.customer_id}:{due.posted.times + 1}",
        occurred_at=(order.moment if not due.posted.times else None) or now,
        explanation=told,
        order_id=order.id,
        program_id=program.id if program else None,
        available_at=available if points > 0 else None,
        expires_at=expires if points > 0 else None,
    )


def _follow_fulfillments(
    session: Session,
    shop: Shop,
    books: dict[int, Book],
    orders: list[OrderState],
    programs: tuple[ProgramRules, ...],
    now: datetime,
) -> None:
    """Points that waited for their order to be fulfilled get their day."""
    due = {order.id: order for order in orders if order.fulfilled_at and order.customer_id in books}
    ledger.load_order_lots(session, shop.id, books, due.keys())
    for book in books.values():
        for lot in book.lots:
            order = due.get(lot.order_id or 0)
            program = program_at(programs, order.moment) if order else None
            if order is None or program is None or not lot.pending or lot.available_at != WHEN_FULFILLED:
                continue
            available = available_at(order, program, shop.timezone)
            book.date(lot, available, expires_at(available, program, shop.timezone), now)


def _lot_for(entry: Entry, now: datetime) -> Lot:
    assert entry.available_at is not None
    pending = entry.available_at > now
    dates = (entry.available_at, entry.expires_at)
    return Lot(None, entry.customer_id, entry.order_id, None, 0, 0, 0, 0, pending, *dates, changed=True)


def settle_due(session: Session, shop: Shop, limit: int = 500) -> int:
    """Mature and expire what is due, for up to `limit` customers; how many there were."""
    now = clock.now(session)
    due = queries.customers_with_due_lots(session, shop, now, limit)
    if not due:
        return 0
    books = ledger.lock(session, shop.id, due)
    ledger.load_open_lots(session, shop.id, books.values())
    for book in books.values():
        book.bring_up_to(now)
    ledger.write(session, shop.id, books.values(), now)
    return len(due)

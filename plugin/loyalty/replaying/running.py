"""A draft programme over the shop's own history, beside today's, before anybody is told; nothing in the ledger moves.

A replay goes through the customers in steps: each its own transaction that remembers its place.

Each side is worked out by the rules that settle orders (plugin.loyalty.settling.due), from the same orders of the
mirror. A step reads, and writes nothing but its own row.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin import clock
from plugin.loyalty import facts, ledger, mirror
from plugin.loyalty.counting import counted
from plugin.loyalty.replaying import saving, tally
from plugin.loyalty.replaying.models import Replay
from plugin.loyalty.replaying.tally import NO_TIER, Difference, Tally, Worth
from plugin.loyalty.rules import OrderState, ProgramRules, in_zone, not_counted, program_at
from plugin.loyalty.settling import NEVER, Pair, Posted, due, posted_for
from plugin.loyalty.standing import LAST, Histories, reach
from plugin.loyalty.tiers import facts as tier_facts
from plugin.shops.models import Shop

CUSTOMERS = 2_000  # a step
_NEXT = """
    WITH RECURSIVE buyers AS (
        (SELECT customer_id FROM orders WHERE shop_id = %(shop)s AND customer_id > %(after)s
            ORDER BY customer_id LIMIT 1)
        UNION ALL
        SELECT (SELECT o.customer_id FROM orders o WHERE o.shop_id = %(shop)s AND o.customer_id > b.customer_id
            ORDER BY o.customer_id LIMIT 1)
        FROM buyers b WHERE b.customer_id IS NOT NULL
    )
    SELECT customer_id FROM buyers WHERE customer_id IS NOT NULL LIMIT %(most)s
"""


class Sides(NamedTuple):
    """The programmes a replay compares; a check has today's versions as they were, and no draft."""

    today: tuple[ProgramRules, ...]
    draft: tuple[ProgramRules, ...]


def step(session: Session, shop: Shop) -> bool:
    """One step of the shop's oldest running replay; False when none is running."""
    running = select(Replay).where(Replay.shop_id == shop.id, Replay.state == "running").order_by(Replay.id).limit(1)
    replay = session.scalar(running.with_for_update(skip_locked=True), execution_options={"populate_existing": True})
    if replay is None:
        return False
    customers = _next_customers(session, shop, replay.after_customer)
    if customers:
        found = tally.read(replay.tally)
        found.join(_part(session, shop, replay, customers))
        replay.tally = tally.written(found)
        replay.after_customer = customers[-1]
        replay.customers_done += len(customers)
    if len(customers) < CUSTOMERS:
        replay.state, replay.finished_at = "done", clock.now(session)
    session.flush()
    return True


def _next_customers(session: Session, shop: Shop, after: int) -> list[int]:
    asked = {"shop": shop.id, "after": after, "most": CUSTOMERS}
    return [customer_id for (customer_id,) in ledger.raw(session).execute(_NEXT, asked)]


def _part(session: Session, shop: Shop, replay: Replay, customers: Sequence[int]) -> Tally:
    sides = Sides(*saving.programmes(session, shop, replay))
    asked = facts.asked(sides.today, sides.draft[0].document) if sides.draft else facts.asked(sides.today)
    versions = (*sides.today, *sides.draft)
    since = reach(versions, replay.since, shop.timezone)
    orders = mirror.orders_since(session, shop.id, customers, since, asked)
    dated = tier_facts.dated(session, shop.id, customers, versions)
    histories = Histories(orders, shop.timezone, sides.today, dated)
    within = [order for order in orders if order.moment and replay.since <= order.moment < replay.until]
    if not sides.draft:
        return _checked(session, shop, sides, within, histories)
    return _compared(sides, customers, within, histories, replay.until)


def _compared(
    sides: Sides, customers: Iterable[int], orders: Iterable[OrderState], histories: Histories, until: datetime
) -> Tally:
    found = Tally()
    by_customer: dict[int, list[OrderState]] = {customer_id: [] for customer_id in customers}
    for order in orders:
        if order.customer_id in by_customer:
            by_customer[order.customer_id].append(order)
    for customer_id, placed in by_customer.items():
        if not placed:
            continue
        tiers = _tier(sides.today, customer_id, histories, until), _tier(sides.draft, customer_id, histories, until)
        today = found.today.add(_worths(sides.today, placed, histories), tiers[0])
        draft = found.draft.add(_worths(sides.draft, placed, histories), tiers[1])
        found.revenue_minor += sum(_revenue(order, sides.draft[0]) for order in placed)
        found.compare(customer_id, today, draft, tiers)
    return found


def _worths(programs: tuple[ProgramRules, ...], orders: Iterable[OrderState], histories: Histories) -> Iterable[Worth]:
    for order in orders:
        assert order.customer_id is not None and order.moment is not None
        found = due(Pair(order.id, order.customer_id), order, NEVER, programs, histories)
        if found.money is not None:
            month = in_zone(order.moment, histories.timezone).strftime("%Y-%m")
            yield Worth(month, found.money.minor, found.target)


def _revenue(order: OrderState, program: ProgramRules) -> int:
    if not_counted(order, program._replace(paused=False)) is not None:
        return 0
    return counted(order, program.tax_basis).minor


def _tier(programs: tuple[ProgramRules, ...], customer_id: int, histories: Histories, until: datetime) -> str:
    program = program_at(programs, until) or (programs[-1] if programs else None)
    if program is None:
        return NO_TIER
    tier, _ = histories.tier(customer_id, program, (until, LAST))
    return tier.name if tier else NO_TIER


def _checked(session: Session, shop: Shop, sides: Sides, orders: Collection[OrderState], histories: Histories) -> Tally:
    """Every order's points by the rules beside what the ledger has for it."""
    found = Tally()
    by_id = {order.id: order for order in orders}
    posted = posted_for(session, shop, by_id.keys(), {order.id: order.customer_id for order in orders})
    pairs = set(posted) | {Pair(order.id, order.customer_id) for order in orders if order.customer_id is not None}
    for pair in sorted(pairs):
        there = posted.get(pair, Posted(0, 0))
        wanted = due(pair, by_id[pair.order_id], NEVER, sides.today, histories).target
        found.checked += 1
        if wanted != there.points:
            found.differ(Difference(pair.order_id, pair.customer_id, there.points, wanted))
    return found

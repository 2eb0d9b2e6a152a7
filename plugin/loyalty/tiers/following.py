"""Today's tier on the accounts, and a line of history for everybody who moved or is about to.

What follows from a move (points for entering, mails, the tag in the store) is done later, by telling.py: here accounts
are locked, and a batch of orders waits.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy.orm import Session

from plugin import clock
from plugin.loyalty import ledger, mirror, queries
from plugin.loyalty.lots import Book
from plugin.loyalty.rules import OrderState, ProgramRules, TierRules, is_held_out, program_at
from plugin.loyalty.standing import LAST, Histories, Stand, reach
from plugin.loyalty.tiers import facts
from plugin.shops.models import Shop

NOBODY: Final[Mapping[int, Stand]] = MappingProxyType({})
_CHANGES = """
    INSERT INTO tier_changes (shop_id, created_at, program_id, kind, customer_id, from_origin, from_name, to_origin,
        to_name, occurred_at, falls_at, why)
    SELECT %s, %s, %s, c.kind, c.customer_id, c.from_origin, c.from_name, c.to_origin, c.to_name, c.occurred_at,
        c.falls_at, c.why::jsonb
    FROM unnest(%b::text[], %b::bigint[], %b::bigint[], %b::text[], %b::bigint[], %b::text[], %b::timestamptz[],
        %b::timestamptz[], %b::text[])
        AS c (kind, customer_id, from_origin, from_name, to_origin, to_name, occurred_at, falls_at, why)
    ON CONFLICT (shop_id, customer_id, falls_at) WHERE falls_at IS NOT NULL DO NOTHING
"""


class Change(NamedTuple):
    """A row of history; columns in the order of `_CHANGES`."""

    kind: str
    customer_id: int
    from_origin: int | None
    from_name: str | None
    to_origin: int | None
    to_name: str | None
    occurred_at: datetime
    falls_at: datetime | None
    why: str


def follow_tiers(session: Session, shop: Shop, customer_ids: Collection[int]) -> None:
    """Tell these accounts the tier their customers have today."""
    if not customer_ids:
        return
    programs = queries.programs(session, shop)
    now = clock.now(session)
    books = ledger.lock(session, shop.id, customer_ids)
    if books:
        stand(session, shop, books, programs, histories(session, shop, books, programs, now), now)
    ledger.write(session, shop.id, books.values(), now)


def histories(
    session: Session, shop: Shop, customer_ids: Collection[int], programs: tuple[ProgramRules, ...], now: datetime
) -> Histories:
    """What tells the tiers of these customers at `now`."""
    orders = mirror.orders_since(session, shop.id, customer_ids, reach(programs, now, shop.timezone))
    return Histories(orders, shop.timezone, programs, facts.dated(session, shop.id, customer_ids, programs))


def stand(
    session: Session,
    shop: Shop,
    books: Mapping[int, Book],
    programs: tuple[ProgramRules, ...],
    histories: Histories,
    now: datetime,
    known: Mapping[int, Stand] = NOBODY,
) -> None:
    """Today's tier into the locked books, and what changed into the history; `known` are worked out already."""
    program = program_at(programs, now)
    if program is None or not any(version.tiers for version in programs):
        return
    tiers = {tier.id: tier for version in programs for tier in version.tiers}
    changes: list[Change] = []
    for customer_id, book in books.items():
        found = known.get(customer_id) or stand_of(histories, customer_id, program, now)
        before = tiers.get(book.tier_id or 0)
        if ((found.tier and found.tier.id), found.spend_minor) != (book.tier_id, book.tier_spend_minor):
            grew = found.spend_minor > book.tier_spend_minor
            since = _latest(histories.of[customer_id], now) if grew else now
            if _origin(before) != _origin(found.tier):
                changes.append(_moved(program, customer_id, before, found, since))
            elif before is not None and book.tier_since is not None:
                since = book.tier_since  # the same tier under a newer version
            book.stand(found.tier and found.tier.id, found.tier and found.tier.name, found.spend_minor, since)
        if found.state is not None and found.state.falls_at is not None and found.grant is None:
            changes.append(_at_risk(program, customer_id, found, found.state.falls_at, now))
    write(session, shop.id, program.id, changes, now)


def write(session: Session, shop_id: int, program_id: int, changes: Collection[Change], now: datetime) -> None:
    """Keep lines of history; a risk that was noted before stays as it is."""
    if changes:
        columns = [list(column) for column in zip(*changes, strict=True)]
        ledger.raw(session).execute(_CHANGES, (shop_id, now, program_id, *columns))


def stand_of(histories: Histories, customer_id: int, program: ProgramRules, now: datetime) -> Stand:
    """Where a customer stands at `now`; nowhere when held out."""
    if not program.tiers:
        return Stand(None, 0, (), None, None, None)
    found = histories.history(customer_id, program).stand((now, LAST), histories.timezone)
    if is_held_out(program, customer_id):
        return found._replace(tier=None, earned=None, grant=None, state=None)
    return found


def _origin(tier: TierRules | None) -> int | None:
    return tier.origin if tier else None


def _moved(program: ProgramRules, customer_id: int, before: TierRules | None, found: Stand, since: datetime) -> Change:
    ranks = {tier.origin: rank for rank, tier in enumerate(program.tiers, start=1)}
    is_older = before is not None and all(before.id != tier.id for tier in program.tiers)
    rises = ranks.get(_origin(found.tier) or 0, 0) > ranks.get(_origin(before) or 0, 0)
    cause = "grant" if found.grant else "rules" if is_older else "grew" if rises else "fell"
    why = told(program, found) | {"cause": cause} | ({"grant": found.grant.id} if found.grant else {})
    names = (before and before.name, _origin(found.tier), found.tier and found.tier.name)
    return Change("tier", customer_id, _origin(before), *names, since, None, _json(why))


def _at_risk(program: ProgramRules, customer_id: int, found: Stand, falls_at: datetime, now: datetime) -> Change:
    tier = found.earned
    names = (_origin(tier), tier and tier.name)
    return Change("risk", customer_id, *names, *names, now, falls_at, _json(told(program, found)))


def told(program: ProgramRules, found: Stand) -> dict[str, Any]:
    """The numbers behind a tier as data: ids and amounts alone."""
    numbers = dict(zip(program.document.tiers.metrics, found.measures, strict=False))
    return {"version": program.version, "currency": program.currency, "numbers": numbers}


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _latest(orders: list[OrderState], now: datetime) -> datetime:
    """A tier is reached with the latest order; it is lost when that is noticed."""
    return max((order.moment for order in orders if order.moment and order.moment <= now), default=now)

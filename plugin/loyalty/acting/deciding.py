"""Deciding what recorded deeds give, some hundred a transaction, and moving the points.

Deeds are locked first, then the accounts, and only then it is read what was given before: two workers cannot both give
the last of a cap. Points go by the version of the deed's own moment; who gets none is judged by what is known now.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin import clock
from plugin.commerce import merges
from plugin.commerce.models import Customer
from plugin.loyalty import ledger, queries
from plugin.loyalty.acting import recording, rules
from plugin.loyalty.acting.models import Deed
from plugin.loyalty.acting.rules import Decision, Gain, Who
from plugin.loyalty.awarding import Award, award_all
from plugin.loyalty.joining import saying
from plugin.loyalty.lots import Book
from plugin.loyalty.rules import ProgramRules, is_held_out, is_member, program_at
from plugin.shops.models import Shop

ACCOUNT = "actions"
STEP = 200


class Person(NamedTuple):
    """What is known of a customer now."""

    id: int
    there: bool
    tags: frozenset[str]
    tier: str | None
    joined: bool | None


def settle_deeds(session: Session, shop: Shop) -> bool:
    """Decide some of what waits; False when nothing did."""
    deeds = recording.locked(session, Deed.shop_id == shop.id, Deed.decided_at.is_(None), most=STEP)
    if not deeds:
        return False
    _hand_over(session, shop, deeds)
    people = {deed.customer_id for deed in deeds}
    books = ledger.lock(session, shop.id, people)
    persons = _persons(session, shop, people, books)
    gains = _gains(session, shop, people, deeds)
    programs, now = queries.programs(session, shop), clock.now(session)
    awards = []
    for deed in sorted(deeds, key=lambda each: (each.occurred_at, each.key)):
        program, mine = program_at(programs, deed.occurred_at), gains[deed.customer_id, deed.thing]
        decision = _decide(shop, deed, program, program_at(programs, now), persons[deed.customer_id], mine)
        if decision.points or deed.points:
            awards.append(_award(deed, decision, program, mine))
        if decision.points:
            mine.append(Gain(deed.occurred_at, decision.points))
        _note(deed, decision, program, now)
    session.flush()
    award_all(session, shop, awards)
    return True


def _hand_over(session: Session, shop: Shop, deeds: Collection[Deed]) -> None:
    """A deed that came in for somebody who was merged is the deed of who is kept."""
    kept = merges.kept(session, shop.id, {deed.customer_id for deed in deeds})
    for deed in deeds:
        deed.customer_id = kept.get(deed.customer_id, deed.customer_id)


def _persons(session: Session, shop: Shop, ids: Collection[int], books: dict[int, Book]) -> dict[int, Person]:
    words = saying.said(session, shop, ids)
    there = Customer.shop_id == shop.id, Customer.id.in_(ids), Customer.known, Customer.deleted_at.is_(None)
    tags = {row.id: row.tags for row in session.execute(select(Customer.id, Customer.tags).where(*there))}
    return {
        id: Person(
            id, id in tags, _folded(tags.get(id, ())), books[id].tier_name if id in books else None, words.get(id)
        )
        for id in ids
    }


def _gains(
    session: Session, shop: Shop, ids: Collection[int], deeds: Collection[Deed]
) -> defaultdict[tuple[int, str], list[Gain]]:
    """What others of their deeds gave, by customer and thing."""
    open_ones = {deed.key for deed in deeds}
    columns = Deed.key, Deed.customer_id, Deed.thing, Deed.occurred_at, Deed.points
    given = Deed.shop_id == shop.id, Deed.customer_id.in_(ids), Deed.points > 0
    found: defaultdict[tuple[int, str], list[Gain]] = defaultdict(list)
    for key, customer_id, thing, moment, points in session.execute(select(*columns).where(*given)):
        if key not in open_ones:
            found[customer_id, thing].append(Gain(moment, points))
    return found


def _decide(
    shop: Shop, deed: Deed, program: ProgramRules | None, current: ProgramRules | None, person: Person, mine: list[Gain]
) -> Decision:
    asked = rules.Deed(deed.thing, deed.occurred_at, deed.withdrawn_at is not None, deed.known_since)
    if program is None:
        return rules.decide(asked, None, False, Who(known=person.there), mine, shop.timezone)
    who = Who(
        known=person.there,
        tags=person.tags,
        tier=person.tier,
        excluded=bool(person.tags & _folded(program.document.earn.excluded.customer_tags)),
        held_out=is_held_out(program, person.id) or bool(current and is_held_out(current, person.id)),
        member=is_member(program, person.joined),
    )
    return rules.decide(asked, program.document.actions, program.paused, who, mine, shop.timezone)


def _award(deed: Deed, decision: Decision, program: ProgramRules | None, mine: list[Gain]) -> Award:
    told: dict[str, Any] = {"deed": deed.thing, "decision": decision.reason}
    if decision.way is not None and program is not None:
        told |= {"way": decision.way.id, "version": program.version, "rule_points": decision.way.points}
        told |= {"earlier": len(mine), "most_times": decision.way.most_times, "period": decision.way.period}
    if deed.thing == "birthday" or deed.thing.startswith("anniversary."):
        told["year"] = int(deed.key.rpartition(":")[2])
    return Award(deed.customer_id, decision.points, deed.key, ACCOUNT, told, deed.occurred_at)


def _note(deed: Deed, decision: Decision, program: ProgramRules | None, now: datetime) -> None:
    deed.decided_at, deed.points, deed.reason = now, decision.points, decision.reason
    deed.program_id, deed.way_id = program.id if program else None, decision.way.id if decision.way else None


def _folded(tags: Collection[str]) -> frozenset[str]:
    return frozenset(tag.strip().lower() for tag in tags)

"""Signing up and subscribing to the newsletter, derived from the mirror: asked again, nothing changes.

Who leaves the newsletter within the days that the way says gives its points back; who comes back gets them again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from plugin import clock
from plugin.commerce.models import Customer
from plugin.jobs.doorbell import ring_after_commit
from plugin.loyalty import queries
from plugin.loyalty.acting import recording
from plugin.loyalty.acting.models import Deed
from plugin.loyalty.acting.terms import Kind
from plugin.loyalty.rules import ProgramRules, program_at
from plugin.shops.models import Shop

LEFT = ("unsubscribed", "not_subscribed")
_ANY = text("SELECT EXISTS (SELECT FROM programs WHERE shop_id = :shop AND rules ? 'actions')")


class Person(NamedTuple):
    """What the mirror has."""

    id: int
    created_at: datetime | None
    consent: str | None
    consent_at: datetime | None


class Rules(NamedTuple):
    """All versions, and when the first was saved."""

    programs: tuple[ProgramRules, ...]
    began: datetime

    def are_on(self, kind: Kind, moment: datetime | None) -> bool:
        """Whether a kind could be earned with at a moment."""
        program = program_at(self.programs, moment) if moment is not None and moment >= self.began else None
        return program is not None and program.document.actions.are_on(kind)


def follow_customers(session: Session, shop: Shop, customer_ids: Collection[int]) -> None:
    """Bring the deeds of changed customers up to date. Call it before loyalty settles."""
    if not customer_ids or not session.scalar(_ANY, {"shop": shop.id}):
        return
    began = recording.began(session, shop)
    if began is None:
        return
    rules = Rules(queries.programs(session, shop), began)
    people = _people(session, shop, customer_ids)
    known = {deed.customer_id: deed for deed in recording.of(session, shop, [p.id for p in people], "newsletter")}
    for person in people:
        if (deed := known.get(person.id)) is not None:
            _follow_consent(session, shop, rules, person, deed)
    session.flush()
    recording.record(session, shop, _new(rules, people, known))


def _people(session: Session, shop: Shop, customer_ids: Collection[int]) -> list[Person]:
    columns = Customer.id, Customer.created_at, Customer.email_consent, Customer.email_consent_at
    mine = Customer.shop_id == shop.id, Customer.id.in_(customer_ids), Customer.known, Customer.deleted_at.is_(None)
    return [Person(*row) for row in session.execute(select(*columns).where(*mine).order_by(Customer.id))]


def _new(rules: Rules, people: list[Person], known: Collection[int]) -> Iterator[dict[str, Any]]:
    for person in people:
        if rules.are_on("signup", person.created_at):
            yield _deed("signup", person.id, person.created_at)
        subscribed = person.id not in known and person.consent == "subscribed"
        if subscribed and rules.are_on("newsletter", person.consent_at):
            yield _deed("newsletter", person.id, person.consent_at)


def _deed(thing: str, customer_id: int, moment: datetime | None) -> dict[str, Any]:
    return {"key": f"{thing}:{customer_id}", "customer_id": customer_id, "thing": thing, "occurred_at": moment}


def _follow_consent(session: Session, shop: Shop, rules: Rules, person: Person, deed: Deed) -> None:
    if deed.withdrawn_at is None and person.consent in LEFT:
        left_at = person.consent_at or clock.now(session)
        if left_at <= deed.occurred_at + timedelta(days=_keep_days(rules, deed)):
            deed.withdrawn_at, deed.decided_at = left_at, None
    elif _came_back(rules, person, deed):
        deed.occurred_at, deed.withdrawn_at, deed.decided_at = person.consent_at or deed.occurred_at, None, None
    if deed.decided_at is None:
        ring_after_commit(session, "loyalty.settle_due")


def _came_back(rules: Rules, person: Person, deed: Deed) -> bool:
    is_back = deed.withdrawn_at is not None and person.consent == "subscribed"
    return is_back and rules.are_on("newsletter", person.consent_at)


def _keep_days(rules: Rules, deed: Deed) -> int:
    program = program_at(rules.programs, deed.occurred_at)
    ways = [way for way in program.document.actions.ways if way.thing == "newsletter"] if program else []
    mine = [way for way in ways if way.id == deed.way_id] or ways
    return mine[0].keep_days if mine else 0

"""Erasing a person everywhere: the tables in one transaction, then the inbox in stretches, each committed.

Every step may be repeated, and a process that dies is followed by another. The tombstones are written under the shop's
lock, in the transaction that empties the tables: whatever comes in later meets them (plugin.sync.shielding).
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from plugin import clock
from plugin.campaigns import erasing as campaigns
from plugin.commerce import erasing as commerce
from plugin.crypto import secrets
from plugin.db import engine as db
from plugin.effects import erasing as effects
from plugin.loyalty import erasing as loyalty
from plugin.messages import erasing as messages
from plugin.privacy import finding, proofs, tombstones
from plugin.privacy.bodies import bodies
from plugin.privacy.models import PrivacyRequest
from plugin.shops import queries as shops
from plugin.shops import veils
from plugin.shops.models import Shop
from plugin.shops.people import Person
from plugin.subscriptions import erasing as subscriptions

# Enrollments are locked before their messages, as everywhere (plugin.campaigns.operations).
FEATURES = (campaigns, messages, subscriptions, loyalty, commerce)


def erase(shop_id: int, request_id: int) -> bool:
    """Do what is left of one customers/redact; False when something that names the person is not applied yet."""
    _empty_tables(shop_id, request_id)
    going = True
    while going:
        going, waits = _empty_bodies(shop_id, request_id)
    return not waits


def _empty_tables(shop_id: int, request_id: int) -> None:
    with db.transaction(shop_id) as session:
        bodies().wait_for_turn(session, shop_id)
        request = locked(session, shop_id, request_id)
        if request.state != "open":
            return
        shop = shops.shop(session)
        person = person_of(session, shop, request)
        counts = erase_person(session, shop, person)
        _forget_other_requests(session, shop, request, person)
        request.counts = proofs.added({}, counts)
        request.contact = secrets.encrypt(shop_id, person.dumped())
        request.order_ids = sorted(person.order_ids)
        request.state, request.read_to = "reading", None


def erase_person(session: Session, shop: Shop, person: Person) -> dict[str, int]:
    """Tombstones, then every feature's tables; how many rows of each."""
    veil = veils.ensure_veil(session, shop.id)
    tombstones.put(session, shop.id, tombstones.keys(person, veil), clock.now(session))
    counts = effects.erase_customer(session, shop.id, person.customer_ids, person.order_ids)
    for feature in FEATURES:
        counts |= feature.erase_customer(session, shop, person)
    return counts


def _empty_bodies(shop_id: int, request_id: int) -> tuple[bool, bool]:
    """One stretch of the inbox: whether there is more to read now, and whether something waits."""
    with db.transaction(shop_id) as session:
        request = locked(session, shop_id, request_id)
        if request.state != "reading":
            return False, False
        shop = shops.shop(session)
        person = person_of(session, shop, request)
        chunk = bodies().erase_bodies(session, shop, person, request.read_to or "")
        request.counts = proofs.added(request.counts, {"inbox": chunk.emptied})
        if chunk.waits:
            return False, True
        if chunk.read_to is None:
            _finish(session, request)
            return False, False
        request.read_to = chunk.read_to
        return True, False


def _finish(session: Session, request: PrivacyRequest) -> None:
    request.state, request.completed_at, request.contact, request.read_to = "done", clock.now(session), None, None
    request.manifest_sha256 = proofs.manifest(facts(request))


def facts(request: PrivacyRequest) -> dict[str, object]:
    """What the digest of an erasure is made over."""
    return {
        "kind": request.kind,
        "customer_id": request.customer_id,
        "order_ids": request.order_ids,
        "received_at": request.received_at.isoformat(),
        "completed_at": request.completed_at.isoformat() if request.completed_at else None,
        "counts": request.counts,
    }


def person_of(session: Session, shop: Shop, request: PrivacyRequest) -> Person:
    """Whom the request is about: as found before, or found now from what it says."""
    told = json.loads(secrets.decrypt(shop.id, request.contact)) if request.contact else {}
    known = Person.loaded(json.dumps(told)) if "customer_ids" in told else _subject(request, told)
    return known if request.state == "reading" else finding.find(session, shop, known)


def _subject(request: PrivacyRequest, told: dict[str, str]) -> Person:
    return Person(
        customer_ids=frozenset(() if request.customer_id is None else {request.customer_id}),
        emails=frozenset({told["email"].strip().lower()} if "email" in told else ()),
        phones=frozenset({told["phone"]} if "phone" in told else ()),
        order_ids=frozenset(request.order_ids),
    )


def locked(session: Session, shop_id: int, request_id: int) -> PrivacyRequest:
    """The request, for whoever works on it."""
    mine = PrivacyRequest.shop_id == shop_id, PrivacyRequest.id == request_id
    return session.scalars(select(PrivacyRequest).where(*mine).with_for_update()).one()


def _forget_other_requests(session: Session, shop: Shop, this: PrivacyRequest, person: Person) -> None:
    """Earlier requests of the same person forget contact and export; what they had not done, nobody can do now."""
    about = PrivacyRequest.shop_id == shop.id, PrivacyRequest.id != this.id, PrivacyRequest.kind != "shop/redact"
    others = session.scalars(select(PrivacyRequest).where(*about).with_for_update()).all()
    ids = [other.id for other in others if _same(shop, other, person)]
    emptied = update(PrivacyRequest).where(PrivacyRequest.shop_id == shop.id, PrivacyRequest.id.in_(ids))
    session.execute(emptied.values(contact=None, export=None, export_until=None))
    undone = PrivacyRequest.kind == "customers/data_request", PrivacyRequest.state.in_(("open", "ready"))
    session.execute(emptied.where(*undone).values(state="erased", completed_at=clock.now(session)))


def _same(shop: Shop, request: PrivacyRequest, person: Person) -> bool:
    if request.customer_id is not None:
        return request.customer_id in person.customer_ids
    if request.contact is None:
        return False
    told = json.loads(secrets.decrypt(shop.id, request.contact))
    return bool(_words(told) & (person.emails | person.phones))


def _words(told: dict[str, object]) -> set[object]:
    one = [told.get("email"), told.get("phone")]
    many: Iterable[object] = told.get("emails", [])  # type: ignore[assignment]
    return {*one, *many} - {None}

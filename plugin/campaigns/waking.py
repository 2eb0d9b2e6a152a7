"""Waking carts that are due: judge each, queue its mail or write down why not, and go on or finish.

The sweep claims rows by the partial index on `wake_at` with SKIP LOCKED, so several workers share the work and a killed
one loses nothing: the claim is the transaction. `wake_at` is business time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Any, Final

import structlog
from sqlalchemy import or_, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from plugin import clock
from plugin.campaigns import evidence, filling, rules
from plugin.campaigns.models import Automation, AutomationVersion, Enrollment
from plugin.campaigns.operations import decide, stop
from plugin.commerce.models import Checkout, Order
from plugin.db import engine as db
from plugin.errors import RegularsError
from plugin.messages import operations as messages
from plugin.messages import standing
from plugin.messages.models import Message
from plugin.messages.rules import ALL, FREQUENCY_MAX, Stop, refusal
from plugin.shops import queries as shops
from plugin.shops.models import Shop

BATCH: Final = 200
SHOPS: Final = 200
PASSING: Final = frozenset({"frequency"})  # such a no skips one mail; every other ends the enrollment

log = structlog.get_logger()


@dataclass(frozen=True)
class Case:
    """One enrollment and everything it is judged by."""

    enrollment: Enrollment
    cart: Checkout | None
    version: AutomationVersion
    stop: Stop | None


def wake_due(seconds: float = 20.0) -> int:
    """Wake what is due in any shop for about `seconds`; how many were woken."""
    ends, woken = monotonic() + seconds, 0
    for shop_id in _shops_with_due():
        while monotonic() < ends and (batch := _try_batch(shop_id)):
            woken += batch
    return woken


def _try_batch(shop_id: int) -> int:
    """One shop's trouble must not hold up the others: it is logged and looked at again with the next sweep."""
    try:
        return wake_batch(shop_id)
    except (SQLAlchemyError, RegularsError) as error:
        log.error("carts were not woken", shop_id=shop_id, error=type(error).__name__, words=str(error)[:300])
        return 0


def wake_batch(shop_id: int) -> int:
    """Wake one batch of a shop in one transaction; how many were claimed."""
    with db.transaction(shop_id) as session:
        return wake(session, shops.shop(session))


def wake(session: Session, shop: Shop, most: int = BATCH) -> int:
    """Claim up to `most` due enrollments and act on each; how many were claimed."""
    due = _claim(session, shop, most)
    cases = judge(session, shop, due)
    stopped = {case.enrollment: case.stop for case in cases if case.stop and case.stop.rule not in PASSING}
    going = [case for case in cases if case.enrollment not in stopped]
    stop(session, shop, stopped)
    decide(session, shop, [(case.enrollment, case.stop) for case in going if case.stop])
    pictures = filling.pictures(session, shop, [case.cart for case in going if case.cart])
    messages.queue_rows(session, [_mail(shop, case, pictures) for case in going if not case.stop])
    for case in going:
        _advance(case, clock.now(session))
    session.flush()
    return len(due)


def judge(session: Session, shop: Shop, enrollments: Sequence[Enrollment]) -> list[Case]:
    """Each enrollment with the first rule that says no, or none."""
    if not enrollments:
        return []
    facts = evidence.entered(session, shop, enrollments)
    carts = evidence.checkouts(session, shop, [e.checkout_token for e in enrollments if e.checkout_token])
    orders = evidence.orders_for(session, shop, facts.values())
    states = _states(session, shop)
    drafts = {e.id: Message(id=e.id, email=e.email, customer_id=e.customer_id, scope=ALL) for e in enrollments}
    customers = standing.people(session, shop, list(drafts.values()))
    known = standing.standings(session, shop, list(drafts.values()), customers)
    newer = _newer(session, shop, enrollments)
    most = int((shop.settings or {}).get("marketing_per_week") or FREQUENCY_MAX)
    now = clock.now(session)

    def why_not(e: Enrollment) -> Stop | None:
        cart = carts.get(e.checkout_token or "")
        consent = customers[e.id].email_consent if e.id in customers else None
        return (
            _off(shop, states.get(e.automation_id))
            or _ordered(facts[e.id], orders)
            or (Stop("closed") if cart is None else rules.quiet_cart(cart))
            or (rules.is_stale(e.wake_at, now) if e.wake_at else None)
            or newer.get(e.id)
            or refusal(True, ALL, known[e.id], most)
            or rules.consent_missing(consent, cart is not None and cart.accepts_marketing)
        )

    return [Case(e, carts.get(e.checkout_token or ""), _version(session, shop, e), why_not(e)) for e in enrollments]


def recheck(session: Session, shop: Shop, waiting: Sequence[Message]) -> dict[int, Stop]:
    """Asked by sending, just before a cart's mail goes out: the same rules again, by message id.

    Nothing is locked here: enrollments are locked before messages everywhere, and messages are locked now.
    """
    ids = [message.subject_id for message in waiting]
    found = session.scalars(
        select(Enrollment)
        .where(Enrollment.shop_id == shop.id, Enrollment.id.in_(ids))
        .execution_options(populate_existing=True)
    ).all()
    noes = {case.enrollment.id: case for case in judge(session, shop, found)}
    stops = {message: _late_no(noes.get(message.subject_id or 0)) for message in waiting}
    late = {message: why for message, why in stops.items() if why}
    decided = [(noes[m.subject_id].enrollment, why) for m, why in late.items() if m.subject_id in noes]
    decide(session, shop, decided)
    return {message.id: why for message, why in late.items()}


def _late_no(case: Case | None) -> Stop | None:
    if case is None:
        return Stop("closed")
    if case.enrollment.state == "stopped":
        return case.stop or Stop(case.enrollment.stop_reason or "closed")
    return case.stop if case.stop and case.stop.rule not in ("superseded", "too_late", *PASSING) else None


def _claim(session: Session, shop: Shop, most: int) -> list[Enrollment]:
    due = (
        select(Enrollment)
        .where(Enrollment.shop_id == shop.id, Enrollment.state == "waiting", Enrollment.wake_at <= clock.now(session))
        .order_by(Enrollment.wake_at)
        .limit(most)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    return list(session.scalars(due))


def _shops_with_due() -> list[int]:
    with db.system_transaction() as session:
        due = (
            select(Enrollment.shop_id)
            .where(Enrollment.state == "waiting", Enrollment.wake_at <= clock.now(session))
            .order_by(Enrollment.wake_at)
            .limit(5_000)
            .subquery()
        )
        return list(session.scalars(select(due.c.shop_id).distinct().limit(SHOPS)))


def _advance(case: Case, now: datetime) -> None:
    """To the next mail, or done."""
    enrollment = case.enrollment
    enrollment.wake_at = rules.next_wake(case.version.steps, enrollment.step, now)
    enrollment.step += 1
    if enrollment.wake_at is None:
        enrollment.state, enrollment.ended_at = "done", now


def _mail(shop: Shop, case: Case, pictures: Mapping[int, filling.Picture]) -> dict[str, Any]:
    """The row of this step's mail; its key says which, so that asking twice is asking once."""
    e, cart = case.enrollment, case.cart
    assert cart is not None  # a cart that is gone was stopped
    template = {"automation_id": e.automation_id, "version": e.version, "step": e.step + 1}
    return {
        "shop_id": shop.id,
        "kind": "cart",
        "key": f"cart:{e.id}:{e.step + 1}",
        "marketing": True,
        "scope": ALL,
        "email": e.email,
        "customer_id": e.customer_id,
        "locale": cart.locale or shop.locale or "en",
        "subject_kind": "enrollment",
        "subject_id": e.id,
        "template": {"digest": case.version.steps[e.step]["digest"], **template},
        "context": filling.context(shop, cart, pictures, e.step + 1),
    }


def _off(shop: Shop, state: str | None) -> Stop | None:
    if shop.uninstalled_at is not None:
        return Stop("uninstalled")
    return None if state == "on" else Stop("turned_off")


def _ordered(entered: rules.Entered, orders: Sequence[Order]) -> Stop | None:
    bought = next((order for order in orders if rules.is_purchase(entered, order)), None)
    return Stop("ordered", {"order_id": bought.id}) if bought else None


def _states(session: Session, shop: Shop) -> dict[int, str]:
    return dict(iter(session.execute(select(Automation.id, Automation.state).where(Automation.shop_id == shop.id))))


def _version(session: Session, shop: Shop, enrollment: Enrollment) -> AutomationVersion:
    return session.get_one(AutomationVersion, (shop.id, enrollment.automation_id, enrollment.version))


def _newer(session: Session, shop: Shop, enrollments: Sequence[Enrollment]) -> dict[int, Stop]:
    """A person with a newer cart is written to about that one only, also when it was left under another address."""
    emails = {e.email for e in enrollments}
    people = {e.customer_id for e in enrollments if e.customer_id}
    theirs = or_(Enrollment.email.in_(emails), Enrollment.customer_id.in_(people))
    waiting = session.scalars(
        select(Enrollment).where(Enrollment.shop_id == shop.id, theirs, Enrollment.state == "waiting")
    ).all()
    return {
        e.id: Stop("superseded", {"enrollment_id": other.id})
        for e in enrollments
        for other in waiting
        if _is_same_person(e, other)
        and other.automation_id == e.automation_id
        and (other.entered_at, other.id) > (e.entered_at, e.id)
    }


def _is_same_person(one: Enrollment, other: Enrollment) -> bool:
    return one.email == other.email or (one.customer_id is not None and one.customer_id == other.customer_id)

"""The verbs of campaigns: set an automation up, let carts in, and stop them.

Everything asks "what should be true now?", so the same checkout or order may come twice, late or in any order. Locks
are taken in one order everywhere: enrollments, then their messages.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import exists, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from plugin import clock
from plugin.campaigns import evidence, rules
from plugin.campaigns.models import Automation, AutomationVersion, Decision, Enrollment
from plugin.campaigns.steps import SAMPLE, Step, checked, default_steps
from plugin.commerce.models import Checkout, Order
from plugin.errors import Invalid, NotFound, Refused
from plugin.messages import template_store
from plugin.messages.letters import common_context
from plugin.messages.rules import Stop, address
from plugin.messages.suppressing import stop_subject
from plugin.shops import operations as shops
from plugin.shops.models import Shop

ABANDONED_CART = "abandoned_cart"


def ensure_default(session: Session, shop: Shop) -> Automation:
    """The shop's abandoned-cart automation: made once, off, with two mails after 1 h and 24 h."""
    new = insert(Automation).values(
        shop_id=shop.id, kind=ABANDONED_CART, name="Abandoned cart", created_at=clock.now(session)
    )
    session.execute(new.on_conflict_do_nothing(index_elements=["shop_id", "kind"]))
    automation = session.scalars(
        select(Automation).where(Automation.shop_id == shop.id, Automation.kind == ABANDONED_CART).with_for_update()
    ).one()
    if session.get(AutomationVersion, (shop.id, automation.id, automation.version)) is None:
        _add_version(session, shop, automation, automation.version, default_steps())
    return automation


def save_version(
    session: Session, shop: Shop, automation_id: int, steps: Sequence[dict[str, Any]], *, actor: str = "panel"
) -> AutomationVersion:
    """A new version with these steps; carts under way finish on theirs. Raises NotFound, Invalid(field).

    A step: {"delay_minutes", "subject", "preheader", "mjml", "text"}; an empty mjml or text means the built-in one.
    """
    automation = _locked(session, shop, automation_id)
    current = session.get_one(AutomationVersion, (shop.id, automation.id, automation.version))
    version = _add_version(session, shop, automation, automation.version + 1, checked(steps))
    if version.steps == current.steps:
        session.delete(version)
        session.flush()
        return current
    automation.version = version.version
    session.flush()
    _audit(session, shop, actor, "automation.version", automation, {"version": current.version})
    return version


def turn_on(session: Session, shop: Shop, automation_id: int, *, actor: str = "panel") -> None:
    """From now on carts enter; those left before this moment never do. Raises NotFound, Refused (uninstalled)."""
    automation = _locked(session, shop, automation_id)
    if shop.uninstalled_at is not None:
        raise Refused("The plugin is not installed in this store.")
    if automation.state != "on":
        automation.state, automation.started_at = "on", clock.now(session)
        session.flush()
        _audit(session, shop, actor, "automation.on", automation, {"state": "off"})


def turn_off(session: Session, shop: Shop, automation_id: int, *, actor: str = "panel") -> None:
    """Nothing enters and nothing more is sent: carts under way stop. Raises NotFound."""
    automation = _locked(session, shop, automation_id)
    if automation.state == "off":
        return
    automation.state = "off"
    session.flush()
    waiting = _waiting(session, shop, Enrollment.automation_id == automation.id)
    stop(session, shop, {enrollment: Stop("turned_off") for enrollment in waiting})
    _audit(session, shop, actor, "automation.off", automation, {"state": "on"})


def follow_checkouts(session: Session, shop: Shop, tokens: set[str]) -> None:
    """These checkouts changed: let the abandoned in, move those touched again, stop the paid and the emptied."""
    automation = _running(session, shop) if tokens else None
    if automation is None:
        return
    carts = evidence.checkouts(session, shop, tokens)
    enrolled = {
        enrollment.checkout_token: enrollment
        for enrollment in session.scalars(
            select(Enrollment)
            .where(Enrollment.shop_id == shop.id, Enrollment.checkout_token.in_(tokens))
            .order_by(Enrollment.id)
            .with_for_update()
        )
    }
    known = [(enrollment, carts[token]) for token, enrollment in enrolled.items() if token in carts]
    _move(session, shop, known)
    _enroll(session, shop, automation, [cart for token, cart in carts.items() if token not in enrolled])


def stop_for_orders(session: Session, shop: Shop, order_ids: set[int]) -> None:
    """These orders changed: stop the carts they answer, and count what a mail brought back (rules.is_recovered)."""
    if not order_ids or not _has_enrollments(session, shop):
        return
    orders = session.scalars(select(Order).where(Order.shop_id == shop.id, Order.id.in_(order_ids), Order.known)).all()
    touched = _answered_by(session, shop, orders) if orders else []
    facts = evidence.entered(session, shop, touched)
    ordered = {
        enrollment: Stop("ordered", {"order_id": order.id})
        for enrollment in touched
        for order in orders
        if enrollment.state == "waiting" and rules.is_purchase(facts[enrollment.id], order)
    }
    stop(session, shop, ordered)
    _attribute(session, shop, touched, orders, facts)


def stop(session: Session, shop: Shop, stops: dict[Enrollment, Stop]) -> None:
    """End these enrollments, each with its reason; skip their waiting mails; write the decisions."""
    if not stops:
        return
    now = clock.now(session)
    for enrollment, reason in stops.items():
        enrollment.state, enrollment.stop_reason = "stopped", reason.rule
        enrollment.ended_at, enrollment.wake_at = now, None
    session.flush()
    for rule in {reason.rule for reason in stops.values()}:
        ids = [enrollment.id for enrollment, reason in stops.items() if reason.rule == rule]
        stop_subject(session, shop, "enrollment", ids, rule)
    decide(session, shop, stops.items())


def decide(session: Session, shop: Shop, noes: Iterable[tuple[Enrollment, Stop]]) -> None:
    """Write why not, once per enrollment, step and rule."""
    now = clock.now(session)
    rows = [
        {
            "shop_id": shop.id,
            "key": f"{enrollment.id}:{enrollment.step}:{reason.rule}",
            "automation_id": enrollment.automation_id,
            "enrollment_id": enrollment.id,
            "customer_id": enrollment.customer_id,
            "rule": reason.rule,
            "value": reason.value,
            "decided_at": now,
        }
        for enrollment, reason in noes
    ]
    if rows:
        session.execute(insert(Decision).values(rows).on_conflict_do_nothing())


def _running(session: Session, shop: Shop) -> Automation | None:
    return session.scalars(
        select(Automation).where(
            Automation.shop_id == shop.id, Automation.kind == ABANDONED_CART, Automation.state == "on"
        )
    ).first()


def _move(session: Session, shop: Shop, known: list[tuple[Enrollment, Checkout]]) -> None:
    """Carts that are in already: stopped when paid or emptied, their first mail later when touched again."""
    quiet = {enrollment: rules.quiet_cart(cart) for enrollment, cart in known}
    stop(session, shop, {e: why for e, why in quiet.items() if why is not None and e.state == "waiting"})
    for enrollment, cart in known:
        if quiet[enrollment] is None and enrollment.step == 0 and _is_open(enrollment):
            _wait_anew(session, shop, enrollment, cart)


def _is_open(enrollment: Enrollment) -> bool:
    return enrollment.state == "waiting" or (enrollment.state == "stopped" and enrollment.stop_reason in rules.REOPENS)


def _wait_anew(session: Session, shop: Shop, enrollment: Enrollment, cart: Checkout) -> None:
    version = session.get_one(AutomationVersion, (shop.id, enrollment.automation_id, enrollment.version))
    enrollment.state, enrollment.stop_reason, enrollment.ended_at = "waiting", None, None
    enrollment.wake_at = rules.first_wake(version.steps, cart.updated_at or enrollment.entered_at)
    enrollment.customer_id = cart.customer_id or enrollment.customer_id
    enrollment.email = address(cart.email or enrollment.email)


def _enroll(session: Session, shop: Shop, automation: Automation, carts: list[Checkout]) -> None:
    now = clock.now(session)
    abandoned = [cart for cart in carts if rules.is_abandoned(cart, automation.started_at or now, now)]
    bought = evidence.tokens_with_orders(session, shop, abandoned)
    version = session.get_one(AutomationVersion, (shop.id, automation.id, automation.version))
    rows = [_enrollment(shop, automation, version, cart, now) for cart in abandoned if cart.token not in bought]
    if rows:
        session.execute(insert(Enrollment).values(rows).on_conflict_do_nothing())


def _enrollment(
    shop: Shop, automation: Automation, version: AutomationVersion, cart: Checkout, now: datetime
) -> dict[str, Any]:
    touched = cart.updated_at or now
    return {
        "shop_id": shop.id,
        "automation_id": automation.id,
        "version": automation.version,
        "subject_key": f"checkout:{cart.token}",
        "checkout_token": cart.token,
        "customer_id": cart.customer_id,
        "email": address(cart.email or ""),
        "wake_at": rules.first_wake(version.steps, touched),
        "entered_at": min(touched, now),
        "currency": cart.currency,
    }


def _has_enrollments(session: Session, shop: Shop) -> bool:
    """An import comes before any cart was let in: then there is nothing to look for."""
    return bool(session.scalar(select(exists().where(Enrollment.shop_id == shop.id))))


def _answered_by(session: Session, shop: Shop, orders: Sequence[Order]) -> list[Enrollment]:
    """Every enrollment these orders could concern, locked: by checkout, by cart, by person."""
    tokens = {order.checkout_token for order in orders if order.checkout_token}
    carts = {order.cart_token for order in orders if order.cart_token}
    of_cart = select(Checkout.token).where(Checkout.shop_id == shop.id, Checkout.cart_token.in_(carts))
    people = [order.customer_id for order in orders if order.customer_id]
    emails = [address(order.email) for order in orders if order.email]
    concerned = or_(
        Enrollment.checkout_token.in_(tokens),
        Enrollment.checkout_token.in_(of_cart),
        (Enrollment.state == "waiting") & Enrollment.customer_id.in_(people),
        (Enrollment.state == "waiting") & Enrollment.email.in_(emails),
    )
    wanted = select(Enrollment).where(Enrollment.shop_id == shop.id, concerned)
    return list(session.scalars(wanted.order_by(Enrollment.id).with_for_update()))


def _attribute(
    session: Session,
    shop: Shop,
    touched: list[Enrollment],
    orders: Sequence[Order],
    facts: dict[int, rules.Entered],
) -> None:
    sent = evidence.sent_moments(session, shop, touched)
    for enrollment in touched:
        for order in orders:
            mails = sent.get(enrollment.id, [])
            if rules.is_recovered(facts[enrollment.id], order, mails):
                enrollment.order_id, enrollment.recovered_minor = order.id, order.current_total_minor
                enrollment.currency = order.currency or enrollment.currency
            elif enrollment.order_id == order.id:
                enrollment.order_id, enrollment.recovered_minor = None, 0
    session.flush()


def _waiting(session: Session, shop: Shop, *where: Any) -> list[Enrollment]:
    waiting = select(Enrollment).where(Enrollment.shop_id == shop.id, Enrollment.state == "waiting", *where)
    return list(session.scalars(waiting.order_by(Enrollment.id).with_for_update()))


def _locked(session: Session, shop: Shop, automation_id: int) -> Automation:
    found = session.get(Automation, (shop.id, automation_id), with_for_update=True)
    if found is None:
        raise NotFound("This automation does not exist.")
    return found


def _add_version(
    session: Session, shop: Shop, automation: Automation, version: int, steps: Sequence[Step]
) -> AutomationVersion:
    """Each step's template is compiled and kept, so that sending needs only its digest. Raises Invalid(field)."""
    kept = [{**step, "digest": _kept(session, shop, number, step)} for number, step in enumerate(steps)]
    row = AutomationVersion(
        shop_id=shop.id, automation_id=automation.id, version=version, steps=kept, created_at=clock.now(session)
    )
    session.add(row)
    session.flush()
    return row


def _kept(session: Session, shop: Shop, number: int, step: Step) -> str:
    source = template_store.Source(step["subject"], step["preheader"], step["mjml"], step["text"])
    try:
        return template_store.keep(session, shop, source, {**common_context(shop), **SAMPLE})
    except Invalid as error:
        raise Invalid.at(f"steps-{number}-{error.field}", error) from error


def _audit(
    session: Session, shop: Shop, actor: str, action: str, automation: Automation, before: dict[str, Any]
) -> None:
    after = {"state": automation.state, "version": automation.version}
    shops.audit(session, shop, actor, action, f"automation:{automation.id}", before, after)

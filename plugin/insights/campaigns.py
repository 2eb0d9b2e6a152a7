"""How an automation does: who entered, what was sent, what stopped it, what came back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from plugin.campaigns.models import Automation, AutomationVersion, Decision, Enrollment
from plugin.db import keyset
from plugin.errors import NotFound
from plugin.messages.models import Message
from plugin.shops.models import Shop


@dataclass(frozen=True)
class FlowReport:
    """Counts since the automation was first turned on. Recovered money in minor units, by currency."""

    entered: int
    waiting: int
    finished: int
    stopped: int
    sent: int
    held_back: int
    recovered_orders: int
    recovered: dict[str, int]
    reasons: Sequence[tuple[str, int]]


def automation(session: Session, shop: Shop, automation_id: int) -> Automation:
    """One automation. Raises NotFound."""
    found = session.get(Automation, (shop.id, automation_id))
    if found is None:
        raise NotFound("This campaign does not exist.")
    return found


def version(session: Session, shop: Shop, found: Automation) -> AutomationVersion:
    """The version that carts enter now."""
    return session.get_one(AutomationVersion, (shop.id, found.id, found.version))


def flow(session: Session, shop: Shop, automation_id: int) -> FlowReport:
    """The report of one automation, over all its versions."""
    states = _states(session, shop, automation_id)
    reasons = _reasons(session, shop, automation_id)
    mails = _mails(session, shop)
    recovered = _recovered(session, shop, automation_id)
    return FlowReport(
        entered=sum(states.values()),
        waiting=states.get("waiting", 0),
        finished=states.get("done", 0),
        stopped=states.get("stopped", 0),
        sent=mails.get("sent", 0),
        held_back=mails.get("skipped", 0) + mails.get("failed", 0),
        recovered_orders=sum(orders for orders, _ in recovered.values()),
        recovered={currency: minor for currency, (_, minor) in recovered.items()},
        reasons=reasons,
    )


def _states(session: Session, shop: Shop, automation_id: int) -> dict[str, int]:
    mine = Enrollment.shop_id == shop.id, Enrollment.automation_id == automation_id
    counted = select(Enrollment.state, func.count()).where(*mine).group_by(Enrollment.state)
    return dict(session.execute(counted).tuples().all())


def _reasons(session: Session, shop: Shop, automation_id: int) -> list[tuple[str, int]]:
    """Every "no" by its rule, the most frequent first."""
    mine = Decision.shop_id == shop.id, Decision.automation_id == automation_id
    counted = select(Decision.rule, func.count()).where(*mine).group_by(Decision.rule)
    return [(rule, count) for rule, count in session.execute(counted.order_by(func.count().desc(), Decision.rule))]


def _mails(session: Session, shop: Shop) -> dict[str, int]:
    mine = Message.shop_id == shop.id, Message.kind == "cart", Message.subject_kind == "enrollment"
    counted = select(Message.state, func.count()).where(*mine).group_by(Message.state)
    return dict(session.execute(counted).tuples().all())


def _recovered(session: Session, shop: Shop, automation_id: int) -> dict[str, tuple[int, int]]:
    mine = Enrollment.shop_id == shop.id, Enrollment.automation_id == automation_id, Enrollment.recovered_minor > 0
    counted = select(Enrollment.currency, func.count(), func.sum(Enrollment.recovered_minor)).where(*mine)
    return {row[0]: (row[1], int(row[2])) for row in session.execute(counted.group_by(Enrollment.currency))}


def enrollments(
    session: Session,
    shop: Shop,
    automation_id: int,
    state: str = "",
    *,
    after: keyset.Key | None = None,
    before: keyset.Key | None = None,
    size: int = 25,
) -> keyset.Page:
    """Carts in an automation, the latest first. `state` narrows: waiting, done, stopped, recovered."""
    statement = select(Enrollment).where(Enrollment.shop_id == shop.id, Enrollment.automation_id == automation_id)
    if state == "recovered":
        statement = statement.where(Enrollment.recovered_minor > 0)
    elif state:
        statement = statement.where(Enrollment.state == state)
    order = keyset.Order(Enrollment.entered_at, Enrollment.id)
    return keyset.page(session, statement, order, after=after, before=before, size=size)


@dataclass(frozen=True)
class Story:
    """What happened to one cart: its mails and every "no"."""

    enrollment: Enrollment
    messages: Sequence[Message]
    decisions: Sequence[Decision]


def story(session: Session, shop: Shop, enrollment_id: int) -> Story:
    """One cart's way through. Raises NotFound."""
    found = session.get(Enrollment, (shop.id, enrollment_id))
    if found is None:
        raise NotFound("This cart is not in a campaign.")
    mails = select(Message).where(
        Message.shop_id == shop.id, Message.subject_kind == "enrollment", Message.subject_id == enrollment_id
    )
    noes = select(Decision).where(Decision.shop_id == shop.id, Decision.enrollment_id == enrollment_id)
    return Story(
        found,
        session.scalars(mails.order_by(Message.id)).all(),
        session.scalars(noes.order_by(Decision.id)).all(),
    )

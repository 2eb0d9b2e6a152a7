"""Reads of campaigns: the flow report, who is in, and why nothing was sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from plugin.campaigns.models import Automation, AutomationVersion, Decision, Enrollment
from plugin.errors import NotFound
from plugin.messages.models import Message
from plugin.shops.models import Shop


@dataclass(frozen=True)
class StepReport:
    """One mail of the flow; counts of messages by their state, and what was recovered after it was the last sent."""

    number: int
    delay_minutes: int
    subject: str
    sent: int
    waiting: int
    skipped: int
    failed: int
    unknown: int


@dataclass(frozen=True)
class FlowReport:
    """What an automation did. Money in minor units of `currency`, orders in another currency are not summed."""

    entered: int
    waiting: int
    done: int
    stopped: dict[str, int]  # reason → enrollments, the most frequent first
    sent: int
    recovered_orders: int
    recovered_minor: int
    currency: str
    steps: tuple[StepReport, ...]


@dataclass(frozen=True)
class Why:
    """A decision, a skipped mail or a sent one, in the order they happened."""

    at: datetime
    what: str  # the rule that said no, or the state of a mail
    value: dict[str, Any]
    message_id: int | None = None


def automation(session: Session, shop: Shop, automation_id: int) -> tuple[Automation, AutomationVersion]:
    """An automation and the version new carts enter. Raises NotFound."""
    found = session.get(Automation, (shop.id, automation_id))
    if found is None:
        raise NotFound("This automation does not exist.")
    return found, session.get_one(AutomationVersion, (shop.id, found.id, found.version))


def report(
    session: Session, shop: Shop, automation_id: int, since: datetime | None = None, until: datetime | None = None
) -> FlowReport:
    """The flow of the carts that entered between `since` and `until` (business time; None: unbounded).

    An order counts as recovered by the rule in plugin/campaigns/rules.is_recovered.
    """
    _, version = automation(session, shop, automation_id)
    of_period = _of_period(shop, automation_id, since, until)
    states = _states(session, of_period)
    mails = _mails(session, shop, of_period)
    orders, money = _recovered(session, shop, of_period)
    return FlowReport(
        entered=sum(states.values()),
        waiting=sum(count for (state, _), count in states.items() if state == "waiting"),
        done=sum(count for (state, _), count in states.items() if state == "done"),
        stopped=_stopped(states),
        sent=sum(count for (_, state), count in mails.items() if state == "sent"),
        recovered_orders=orders,
        recovered_minor=money,
        currency=shop.currency,
        steps=tuple(_step(number, step, mails) for number, step in enumerate(version.steps, 1)),
    )


def why(session: Session, shop: Shop, enrollment_id: int) -> list[Why]:
    """Everything that was decided and sent for one enrollment, oldest first. Raises NotFound."""
    if session.get(Enrollment, (shop.id, enrollment_id)) is None:
        raise NotFound("This cart is not in the campaign.")
    decisions = session.scalars(
        select(Decision).where(Decision.shop_id == shop.id, Decision.enrollment_id == enrollment_id)
    )
    mails = session.scalars(
        select(Message).where(
            Message.shop_id == shop.id, Message.subject_kind == "enrollment", Message.subject_id == enrollment_id
        )
    )
    said = [Why(row.decided_at, row.rule, row.value) for row in decisions]
    sent = [Why(row.sent_at or row.created_at, row.state, _of_mail(row), row.id) for row in mails]
    return sorted(said + sent, key=lambda each: each.at)


def _of_period(shop: Shop, automation_id: int, since: datetime | None, until: datetime | None) -> Select[int]:
    ids = select(Enrollment.id).where(Enrollment.shop_id == shop.id, Enrollment.automation_id == automation_id)
    ids = ids.where(Enrollment.entered_at >= since) if since else ids
    return ids.where(Enrollment.entered_at < until) if until else ids


def _states(session: Session, of_period: Select[int]) -> dict[tuple[str, str | None], int]:
    counted = of_period.with_only_columns(Enrollment.state, Enrollment.stop_reason, func.count())
    rows = session.execute(counted.group_by(Enrollment.state, Enrollment.stop_reason))
    return {(state, reason): count for state, reason, count in rows}


def _mails(session: Session, shop: Shop, of_period: Select[int]) -> dict[tuple[int, str], int]:
    """Messages by (step, state)."""
    step = Message.template["step"].as_integer()
    rows = session.execute(
        select(step, Message.state, func.count())
        .where(Message.shop_id == shop.id, Message.subject_kind == "enrollment", Message.subject_id.in_(of_period))
        .group_by(step, Message.state)
    )
    return {(number, state): count for number, state, count in rows}


def _recovered(session: Session, shop: Shop, of_period: Select[int]) -> tuple[int, int]:
    counted = of_period.with_only_columns(func.count(), func.coalesce(func.sum(Enrollment.recovered_minor), 0))
    orders, money = session.execute(counted.where(Enrollment.order_id.is_not(None))).one()
    return orders, int(money)


def _stopped(states: dict[tuple[str, str | None], int]) -> dict[str, int]:
    reasons = [(reason or "", count) for (state, reason), count in states.items() if state == "stopped"]
    return dict(sorted(reasons, key=lambda each: -each[1]))


def _step(number: int, step: dict[str, Any], mails: dict[tuple[int, str], int]) -> StepReport:
    def count(*states: str) -> int:
        return sum(mails.get((number, state), 0) for state in states)

    return StepReport(
        number=number,
        delay_minutes=step["delay_minutes"],
        subject=step["subject"],
        sent=count("sent"),
        waiting=count("queued", "sending"),
        skipped=count("skipped"),
        failed=count("failed"),
        unknown=count("unknown"),
    )


def _of_mail(message: Message) -> dict[str, Any]:
    return {"step": message.template.get("step"), "reason": message.reason, **(message.value or {})}

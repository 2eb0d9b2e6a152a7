"""Setting an automation up: versions, switches, what is refused, and what is logged."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin import clock
from plugin.campaigns import operations, queries, waking
from plugin.campaigns.models import Automation, AutomationVersion, Enrollment
from plugin.db import engine as db
from plugin.errors import Invalid, NotFound, Refused
from plugin.messages.models import Message, Template
from plugin.shops.models import AuditEntry, Shop
from tests.plugin.people import cart, order


def default(session: Session, shop: Shop) -> Automation:
    return operations.ensure_default(session, shop)


def typed(session: Session, shop: Shop, **change: Any) -> list[dict[str, Any]]:
    """The steps as a form sends them, the first with `change`."""
    _, version = queries.automation(session, shop, default(session, shop).id)
    names = ("delay_minutes", "subject", "preheader", "mjml", "text")
    steps = [{name: step[name] for name in names} for step in version.steps]
    return [{**steps[0], **change}, *steps[1:]]


def test_the_default_is_made_once_off_with_two_mails(session: Session, shop: Shop) -> None:
    first, second = default(session, shop), default(session, shop)
    assert (first.id, first.state, first.version) == (second.id, "off", 1)
    _, version = queries.automation(session, shop, first.id)
    assert [step["delay_minutes"] for step in version.steps] == [60, 1440]
    assert len(session.scalars(select(Template)).all()) == 2


def test_saving_makes_a_version_and_saving_the_same_again_makes_none(session: Session, shop: Shop) -> None:
    automation = default(session, shop)
    operations.save_version(session, shop, automation.id, typed(session, shop, subject="Come back"), actor="7")
    assert automation.version == 2
    operations.save_version(session, shop, automation.id, typed(session, shop))
    assert automation.version == 2
    assert len(session.scalars(select(AutomationVersion)).all()) == 2
    assert session.scalars(select(AuditEntry.actor)).all() == ["7"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"delay_minutes": 1}, "steps-0-delay_minutes"),
        ({"delay_minutes": "soon"}, "steps-0-delay_minutes"),
        ({"delay_minutes": 2000}, "steps-1-delay_minutes"),
        ({"subject": "{{ x"}, "steps-0-subject"),
        ({"subject": "x" * 201}, "steps-0-subject"),
        ({"mjml": "<p>{{ unsubscribe_url }}</p>"}, "steps-0-mjml"),
        ({"mjml": "<mjml><mj-body></mj-body></mjml>"}, "steps-0-mjml"),
        ({"text": "no link"}, "steps-0-text"),
        ({"mjml": "x" * 100_001}, "steps-0-mjml"),
        ({"text": "{{ (1..100000000) | join: ',' }}{{ unsubscribe_url }}"}, "steps-0-mjml"),
    ],
)
def test_what_cannot_be_sent_is_refused_at_its_field(
    session: Session, shop: Shop, change: dict[str, Any], field: str
) -> None:
    automation = default(session, shop)
    with pytest.raises(Invalid) as refused:
        operations.save_version(session, shop, automation.id, typed(session, shop, **change))
    assert refused.value.field == field
    assert automation.version == 1


@pytest.mark.parametrize("count", [0, 6])
def test_an_automation_has_one_to_five_mails(session: Session, shop: Shop, count: int) -> None:
    automation = default(session, shop)
    with pytest.raises(Invalid):
        operations.save_version(session, shop, automation.id, typed(session, shop)[:1] * count)


def test_carts_finish_on_the_version_they_entered(session: Session, shop: Shop) -> None:
    automation = default(session, shop)
    operations.turn_on(session, shop, automation.id)
    cart(session, shop, "t1", "a@example.com", accepts_marketing=True)
    operations.follow_checkouts(session, shop, {"t1"})
    operations.save_version(session, shop, automation.id, typed(session, shop, subject="New words"))
    session.info["now"] = clock.now(session) + timedelta(minutes=61)
    waking.wake(session, shop)
    message = session.scalars(select(Message)).one()
    assert message.template["version"] == 1
    kept = session.get_one(Template, (shop.id, message.template["digest"]))
    assert kept.subject == "You left something behind"


def test_switches_are_logged_once_and_refused_after_leaving(session: Session, shop: Shop) -> None:
    automation = default(session, shop)
    for _ in range(2):
        operations.turn_on(session, shop, automation.id, actor="7")
    for _ in range(2):
        operations.turn_off(session, shop, automation.id, actor="7")
    actions = session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all()
    assert actions == ["automation.on", "automation.off"]
    shop.uninstalled_at = clock.now(session)
    with pytest.raises(Refused):
        operations.turn_on(session, shop, automation.id)


def test_the_report_adds_up_and_counts_this_shop_alone(session: Session, shop: Shop, other_shop: Shop) -> None:
    with db.transaction(other_shop.id) as there:
        _flow(there, other_shop)
    automation = _flow(session, shop)
    flow = queries.report(session, shop, automation.id)
    assert (flow.entered, flow.waiting, flow.done, sum(flow.stopped.values())) == (3, 1, 0, 2)
    assert flow.stopped == {"no_consent": 1, "ordered": 1}
    assert (flow.recovered_orders, flow.recovered_minor, flow.currency) == (1, 2650, "EUR")
    assert [(step.sent, step.waiting) for step in flow.steps] == [(1, 1), (0, 0)]
    stopped = session.scalars(select(Enrollment).where(Enrollment.stop_reason == "no_consent")).one()
    assert [each.what for each in queries.why(session, shop, stopped.id)] == ["no_consent"]
    with pytest.raises(NotFound):
        queries.report(session, shop, automation.id + 1000)


def _flow(session: Session, shop: Shop) -> Automation:
    """Three carts: one is bought after its mail, one waits, one has no consent."""
    automation = default(session, shop)
    operations.turn_on(session, shop, automation.id)
    for number, agreed in enumerate((True, True, False)):
        cart(session, shop, f"t{number}", f"p{number}@example.com", accepts_marketing=agreed)
    operations.follow_checkouts(session, shop, {"t0", "t1", "t2"})
    session.info["now"] = clock.now(session) + timedelta(minutes=61)
    waking.wake(session, shop)
    mail = session.scalars(select(Message).where(Message.email == "p0@example.com")).one()
    mail.state, mail.sent_at = "sent", clock.now(session)
    session.flush()
    order(session, shop, 501, checkout_token="t0", current_total_minor=2650)
    operations.stop_for_orders(session, shop, {501})
    return automation

"""Mails of the programme: what moved is told once, to whom it concerns, and only as the merchant and they want it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from plugin.commerce.models import Order
from plugin.errors import Invalid, Refused
from plugin.loyalty import operations as loyalty
from plugin.loyalty.awarding import Award, award
from plugin.loyalty.document import Document
from plugin.loyalty.holdout import Holdout
from plugin.loyalty.joining import saying
from plugin.loyalty.mails import gate, keeping, news
from plugin.loyalty.mails.kinds import KINDS
from plugin.messages import letters, renderer, template_store
from plugin.messages import operations as messages
from plugin.messages.models import Message
from plugin.shops.models import Shop
from tests.plugin.loyalty.ledgers import DRAFT, at, customer, later, order, program, refund, reward, settle

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def noon(session: Session) -> None:
    at(session, NOW)


@pytest.fixture
def told_of_points(session: Session, shop: Shop) -> None:
    """A programme, and every mail on."""
    program(session, shop)
    keeping.switch(session, shop, "points_earned", True, "staff:1")


def told(session: Session, shop: Shop) -> list[Message]:
    while news.tell(session, shop):
        pass
    mine = select(Message).where(Message.shop_id == shop.id).order_by(Message.id)
    return list(session.scalars(mine, execution_options={"populate_existing": True}))


def kinds(session: Session, shop: Shop) -> list[str]:
    return [message.kind for message in told(session, shop)]


def bought(session: Session, shop: Shop, id: int = 1, customer_id: int = 7, **columns: Any) -> int:
    order(session, shop, id, customer_id, NOW, name=f"#{id}", **columns)
    settle(session, shop, id)
    return id


@pytest.mark.usefixtures("told_of_points")
def test_an_order_is_one_mail_however_often_it_is_settled(session: Session, shop: Shop) -> None:
    bought(session, shop)
    first = told(session, shop)
    assert [(mail.kind, mail.context["points"], mail.context["order"]) for mail in first] == [
        ("points_earned", 150, "#1")
    ]
    later(session, hours=1)
    bought(session, shop, lines=({}, {}))
    assert kinds(session, shop) == ["points_earned"]


def test_earned_points_are_not_mailed_until_somebody_switches_it_on(session: Session, shop: Shop) -> None:
    program(session, shop)
    bought(session, shop)
    assert kinds(session, shop) == []


@pytest.mark.usefixtures("told_of_points")
def test_what_a_refund_takes_back_is_told_with_order_reason_and_what_is_owed(session: Session, shop: Shop) -> None:
    bought(session, shop)
    loyalty.redeem(session, shop, 7, reward(session, shop, 100).id, "click-0001")
    told(session, shop)
    later(session, hours=1)
    refund(session, shop, 1, 1, NOW + timedelta(hours=1), {0: 1})
    settle(session, shop, 1)
    mail = told(session, shop)[-1]
    said = {name: mail.context[name] for name in ("order", "why", "points", "owed", "balance")}
    assert said == {"order": "#1", "why": "refund", "points": 150, "owed": 100, "balance": 0}
    settle(session, shop, 1)
    assert kinds(session, shop).count("points_taken") == 1


@pytest.mark.usefixtures("told_of_points")
def test_a_cancelled_order_says_so(session: Session, shop: Shop) -> None:
    bought(session, shop)
    later(session, hours=1)
    session.execute(update(Order).where(Order.id == 1).values(cancelled_at=NOW + timedelta(hours=1)))
    settle(session, shop, 1)
    assert told(session, shop)[-1].context["why"] == "cancelled"


@pytest.mark.usefixtures("told_of_points")
def test_a_reward_within_reach_is_told_once_until_one_is_bought(session: Session, shop: Shop) -> None:
    dear = reward(session, shop, 140)
    bought(session, shop)
    bought(session, shop, 2)
    assert kinds(session, shop).count("reward_ready") == 1
    loyalty.redeem(session, shop, 7, dear.id, "click-0001")
    later(session, hours=1)
    bought(session, shop, 3)
    assert kinds(session, shop).count("reward_ready") == 2


def test_points_that_wait_make_a_reward_ready_when_their_day_comes(session: Session, shop: Shop) -> None:
    program(session, shop, replace(DRAFT, return_days=14))
    reward(session, shop, 140)
    bought(session, shop)
    assert kinds(session, shop) == []
    later(session, days=14)
    loyalty.settle_due(session, shop)
    assert kinds(session, shop) == ["reward_ready"]


def test_a_launch_with_past_orders_mails_nobody(session: Session, shop: Shop) -> None:
    order(session, shop, 1, 7, NOW - timedelta(hours=1))
    program(session, shop)
    keeping.switch(session, shop, "points_earned", True, "staff:1")
    reward(session, shop, 100)
    settle(session, shop, 1)
    assert kinds(session, shop) == []


@pytest.mark.usefixtures("told_of_points")
def test_points_of_an_action_are_told_and_those_of_a_tier_are_not(session: Session, shop: Shop) -> None:
    customer(session, shop, 7)
    for account in ("actions", "tiers"):
        award(session, shop, Award(7, 50, f"{account}:7", account, {}, NOW))
    assert [mail.context["points"] for mail in told(session, shop)] == [50]


@pytest.mark.usefixtures("told_of_points")
def test_another_shops_news_stay_there(session: Session, shop: Shop, other_shop: Shop) -> None:
    bought(session, shop)
    assert {mail.shop_id for mail in told(session, shop)} == {shop.id}


def stopped(session: Session, shop: Shop, waiting: list[Message]) -> dict[str, str]:
    stops = gate.check(session, shop, waiting)
    return {mail.kind: stops[mail.id].rule for mail in waiting if mail.id in stops}


def waiting(session: Session, shop: Shop, customer_id: int = 7) -> list[Message]:
    """One of each kind."""
    customer(session, shop, customer_id)
    for name, kind in KINDS.items():
        said = {"marketing": kind.marketing, "email": "ann@example.com", "customer_id": customer_id, "template": name}
        messages.queue(session, shop, kind=name, key=name, context=dict(kind.sample), **said)
    return [mail for mail in told(session, shop) if mail.kind != "points_expiring"]


def test_a_mail_that_is_switched_off_while_it_waits_stays(session: Session, shop: Shop) -> None:
    program(session, shop)
    waits = waiting(session, shop)
    keeping.switch(session, shop, "tier_up", False, "staff:1")
    assert stopped(session, shop, waits) == {"points_earned": "switched_off", "tier_up": "switched_off"}
    with pytest.raises(Refused):
        keeping.switch(session, shop, "referral_welcome", False, "staff:1")


def test_who_left_hears_only_of_what_is_theirs(session: Session, shop: Shop) -> None:
    program(session, shop)
    waits = waiting(session, shop)
    saying.say(session, shop, 7, False, "storefront", "shopper")
    left = {mail.kind for mail in waits} - set(stopped(session, shop, waits))
    assert left == {"reward", "referral_welcome", "points_taken"}


def test_who_is_held_out_hears_nothing(session: Session, shop: Shop) -> None:
    program(session, shop, replace(DRAFT, document=Document(holdout=Holdout(50))))
    waits = waiting(session, shop)
    arms = {number: len(stopped(session, shop, [_to(mail, number) for mail in waits])) for number in range(1, 30)}
    assert set(arms.values()) == {1, len(waits)}


def _to(mail: Message, customer_id: int) -> Message:
    mail.customer_id = customer_id
    return mail


def test_one_click_ends_all_of_them_but_what_was_asked_for(session: Session, shop: Shop) -> None:
    program(session, shop)
    waits = waiting(session, shop)
    stopped(session, shop, waits)
    by_kind = {mail.kind: mail for mail in waits}
    assert letters.can_be_ended(by_kind["tier_up"]) and not letters.can_be_ended(by_kind["reward"])
    messages.withdraw(session, shop, "ann@example.com", by_kind["tier_up"].scope, words="Stop", source="one_click")
    rules = stopped(session, shop, waits)
    assert {kind for kind, rule in rules.items() if rule == "unsubscribed"} == set(by_kind) - {
        "reward", "referral_welcome", "points_earned", "points_expiring",
    }  # fmt: skip


def test_other_words_are_sent_and_can_be_taken_back(session: Session, shop: Shop) -> None:
    program(session, shop)
    built_in = template_store.built_in("tier_up")
    words = replace(built_in, subject="Hooray, {{ tier }}")
    keeping.rewrite(session, shop, "tier_up", words, "staff:1")
    mail = next(mail for mail in waiting(session, shop) if mail.kind == "tier_up")
    stopped(session, shop, [mail])
    assert mail.template["digest"] == words.digest
    keeping.rewrite(session, shop, "tier_up", built_in, "staff:1")
    assert keeping.setting(session, shop, "tier_up").digest is None


def test_words_without_a_way_out_are_refused_where_they_stand(session: Session, shop: Shop) -> None:
    words = replace(template_store.built_in("tier_up"), text="Hello")
    with pytest.raises(Invalid) as refused:
        keeping.rewrite(session, shop, "tier_up", words, "staff:1")
    assert refused.value.field == "text"
    keeping.rewrite(session, shop, "reward", replace(template_store.built_in("reward"), text="{{ code }}"), "staff:1")


def test_every_mail_can_be_written_with_its_sample(session: Session, shop: Shop) -> None:
    program(session, shop)
    for name, kind in KINDS.items():
        compiled = {name: template_store.compiled_built_in(name)}
        filled = letters.common_context(shop) | {"customer": {"first_name": ""}, "unsubscribe_url": "https://x.example"}
        job = renderer.Job(name, filled | keeping.sample(session, shop, kind))
        mail = renderer.render_all(compiled, [job])[0]
        assert not isinstance(mail, Invalid), (name, mail)
        assert mail.subject and "{{" not in mail.text and ("https://x.example" in mail.text) == (not kind.asked), name

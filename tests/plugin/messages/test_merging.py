"""A no of either of two people who are one: it holds for the kept address from the merge on, until a later yes."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin import clock
from plugin.effects.models import Effect
from plugin.messages import operations as messages
from plugin.messages.models import Message, Suppression
from plugin.shops.models import Shop
from tests.plugin.merged import KEPT, OLD, change, merge
from tests.plugin.people import customer

ANN, ANNA, CARL = "ann@example.com", "anna@example.com", "carl@example.com"


def listed(session: Session) -> set[tuple[str, str]]:
    return {(row.email, row.scope) for row in session.scalars(select(Suppression))}


def mail(session: Session, shop: Shop, email: str, customer_id: int) -> Message:
    more = {"template": "announcement", "context": {}}
    id = messages.queue(
        session, shop, kind="test", key=f"k:{email}", marketing=True, email=email, customer_id=customer_id, **more
    )
    return session.get_one(Message, (shop.id, id))


def test_mails_show_under_who_is_kept(session: Session, shop: Shop) -> None:
    customer(session, shop, OLD, ANN)
    customer(session, shop, KEPT, ANNA)
    customer(session, shop, 9, CARL)
    mail(session, shop, ANN, OLD)
    mail(session, shop, CARL, 9)
    merge(session, shop)
    owners = {m.email: m.customer_id for m in session.scalars(select(Message))}
    assert owners == {ANN: KEPT, CARL: 9}


def test_a_no_under_the_old_id_holds_for_the_kept_address_until_a_later_yes(session: Session, shop: Shop) -> None:
    now = clock.now(session)
    customer(session, shop, OLD, ANN)
    customer(session, shop, KEPT, ANNA, email_consent_at=now)
    messages.withdraw(session, shop, ANN, "all", words="No", source="one_click")
    messages.withdraw(session, shop, ANN, "field:3", words="No", source="one_click")
    waiting = mail(session, shop, ANNA, KEPT)
    merge(session, shop)
    assert listed(session) == {(ANN, "all"), (ANN, "field:3"), (ANNA, "all"), (ANNA, "field:3")}
    session.refresh(waiting)
    assert waiting.state == "skipped"
    change(session, shop, KEPT, email_consent_at=now - timedelta(days=1))
    assert (ANNA, "all") in listed(session)
    change(session, shop, KEPT, email_consent_at=clock.now(session) + timedelta(minutes=1))
    assert (ANNA, "all") not in listed(session)
    merge(session, shop)
    assert (ANNA, "all") not in listed(session)


def test_a_yes_after_the_merge_that_came_first_counts(session: Session, shop: Shop) -> None:
    customer(session, shop, OLD, ANN)
    customer(session, shop, KEPT, ANNA, email_consent_at=clock.now(session) + timedelta(days=1))
    messages.withdraw(session, shop, ANN, "all", words="No", source="one_click")
    merge(session, shop)
    assert listed(session) == {(ANN, "all")}


def test_a_no_finds_an_address_that_is_told_later(session: Session, shop: Shop) -> None:
    customer(session, shop, OLD, ANN)
    customer(session, shop, KEPT, None)  # type: ignore[arg-type]
    messages.withdraw(session, shop, ANN, "all", words="No", source="one_click")
    merge(session, shop)
    change(session, shop, KEPT, email=ANNA, email_consent=None)
    assert listed(session) == {(ANN, "all"), (ANNA, "all")}


def test_a_link_in_an_old_mail_ends_mail_to_the_kept_address_too(session: Session, shop: Shop) -> None:
    customer(session, shop, OLD, ANN)
    customer(session, shop, KEPT, ANNA)
    sent = mail(session, shop, ANN, OLD)
    sent.state, sent.sent_at = "sent", clock.now(session)
    merge(session, shop)
    messages.withdraw(session, shop, ANN, "all", words="No", source="one_click")
    assert listed(session) == {(ANN, "all"), (ANNA, "all")}
    told = [effect.payload["customer_id"] for effect in session.scalars(select(Effect))]
    assert told == [KEPT]

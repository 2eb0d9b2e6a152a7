"""What staff say, and what follows for points and codes; merges and erasures of either side."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from plugin.commerce.models import CustomerMerge
from plugin.effects.models import Effect
from plugin.errors import NotFound
from plugin.loyalty.referring import deciding, erasing, issuing, merging, queries
from plugin.loyalty.referring.models import Referral, ReferralLink
from plugin.messages.models import Message
from plugin.shops.models import Shop
from plugin.shops.people import Person
from tests.plugin.loyalty.ledgers import at, broken, customer
from tests.plugin.loyalty.referring.invitations import (
    ALICE,
    BOB,
    TERMS,
    buys,
    days_pass,
    gives_back,
    invite,
    link,
    open_house,
    points,
    settle,
)

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
MADE = {"discount_gid": "gid://shopify/DiscountCodeNode/1"}


@pytest.fixture(autouse=True)
def noon(session: Session) -> None:
    at(session, NOON)


def doubted(session: Session, shop: Shop) -> Referral:
    """One that somebody should look at: the third claim of a day."""
    code = open_house(session, shop, replace(TERMS, daily_claims=2))
    invite(session, shop, code, "one@x.example")
    invite(session, shop, code, "two@x.example")
    referral = invite(session, shop, code)
    assert (referral.state, referral.code_state) == ("in_review", "none")
    return referral


def made(session: Session, shop: Shop, referral: Referral) -> None:
    """The store has the code."""
    issuing.code_made(session, shop, {"referral_id": referral.id}, MADE)


def test_accepting_sends_the_code_and_later_the_points(session: Session, shop: Shop) -> None:
    referral = doubted(session, shop)
    assert deciding.decide(session, shop, "staff:1", [referral.id], "accepted", "A club") == [referral.id]
    assert (referral.state, referral.code_state, referral.verdict_by) == ("claimed", "asked", "staff:1")
    made(session, shop, referral)
    mail = session.scalars(select(Message).where(Message.kind == "referral_welcome")).one()
    assert (mail.email, mail.marketing, mail.context["code"]) == ("bob@example.com", False, referral.code)
    buys(session, shop, 100, BOB, discount_codes=[referral.code])
    days_pass(session, shop, 15)
    assert points(session, shop) == 500
    told = session.scalars(select(Message).where(Message.kind == "referral_reward")).one()
    assert told.context["points"] == 500 and "bob" not in str(told.context)


def test_rejecting_ends_the_code_and_undoing_makes_another(session: Session, shop: Shop) -> None:
    referral = invite(session, shop, open_house(session, shop))
    made(session, shop, referral)
    first = referral.code
    deciding.decide(session, shop, "staff:1", [referral.id], "rejected")
    ended = session.scalars(select(Effect).where(Effect.kind == "discount_code_end")).one()
    assert (referral.code_state, ended.payload) == ("ended", MADE)
    deciding.undo(session, shop, "staff:1", [referral.id])
    assert referral.state == "claimed" and referral.code_state == "asked" and referral.code != first


def test_rejecting_after_the_reward_takes_it_back_and_undoing_gives_it_again(session: Session, shop: Shop) -> None:
    referral = invite(session, shop, open_house(session, shop))
    buys(session, shop, 100, BOB, discount_codes=[referral.code])
    days_pass(session, shop, 15)
    for _ in range(2):
        deciding.decide(session, shop, "staff:1", [referral.id], "rejected")
        settle(session, shop)
        assert (points(session, shop), referral.state) == (0, "taken_back")
        deciding.undo(session, shop, "staff:1", [referral.id])
        settle(session, shop)
        assert (points(session, shop), referral.state) == (500, "rewarded")
    deciding.decide(session, shop, "staff:1", [referral.id], "accepted")
    gives_back(session, shop, 100)
    settle(session, shop)
    assert (points(session, shop), referral.state) == (0, "taken_back") and broken(session) == []


def test_a_referral_of_another_shop_does_not_exist(session: Session, shop: Shop, other_shop: Shop) -> None:
    referral = doubted(session, shop)
    with pytest.raises(NotFound):
        deciding.decide(session, shop, "staff:1", [referral.id, referral.id + 1000], "accepted")
    with pytest.raises(NotFound):
        deciding.decide(session, other_shop, "staff:1", [referral.id], "accepted")
    assert referral.verdict is None


def test_a_late_answer_of_the_store_mails_nothing_to_a_rejected_claim(session: Session, shop: Shop) -> None:
    referral = invite(session, shop, open_house(session, shop))
    deciding.decide(session, shop, "staff:1", [referral.id], "rejected")
    made(session, shop, referral)
    assert referral.code_state == "ended" and session.scalars(select(Message)).all() == []


def merge(session: Session, shop: Shop, from_id: int, into_id: int) -> None:
    session.add(CustomerMerge(shop_id=shop.id, from_id=from_id, into_id=into_id, kept_id=into_id, merged_at=NOON))
    session.flush()
    merging.follow_merges(session, shop, {from_id})
    session.expire_all()


def test_a_merge_moves_the_link_and_its_referrals(session: Session, shop: Shop) -> None:
    code = open_house(session, shop)
    referral = invite(session, shop, code)
    customer(session, shop, 9)
    own = link(session, shop, 9)
    for _ in range(2):
        session.execute(update(CustomerMerge).values(merged_at=NOON))
        merge(session, shop, ALICE, 9) if _ == 0 else merging.follow_merges(session, shop, {ALICE})
    assert (referral.advocate_id, referral.advocate_was) == (9, ALICE)
    codes = session.scalars(select(ReferralLink.code).where(ReferralLink.customer_id == 9)).all()
    assert set(codes) == {code, own} and link(session, shop, 9) == own
    assert invite(session, shop, code, "late@x.example").advocate_id == 9


def test_who_turns_out_to_have_invited_themselves_loses_the_reward(session: Session, shop: Shop) -> None:
    referral = invite(session, shop, open_house(session, shop))
    buys(session, shop, 100, BOB, discount_codes=[referral.code])
    days_pass(session, shop, 15)
    assert points(session, shop) == 500
    merge(session, shop, BOB, ALICE)
    settle(session, shop)
    assert (referral.state, referral.reason, points(session, shop)) == ("taken_back", "same_customer", 0)


def test_an_erased_friend_leaves_no_address_and_an_export_names_no_friend(session: Session, shop: Shop) -> None:
    referral = invite(session, shop, open_house(session, shop))
    deciding.decide(session, shop, "staff:1", [referral.id], "rejected", "Bob is her brother")
    alice, bob = Person(customer_ids=frozenset({ALICE})), Person(emails=frozenset({"bob+x@example.com"}))
    told = erasing.export_customer(session, shop, alice)
    assert len(told["referrals"]) == len(told["referral_links"]) == 1 and "bob@" not in str(told)
    assert erasing.export_customer(session, shop, bob)["referrals_as_friend"][0]["email"] == "bob@example.com"
    assert erasing.erase_customer(session, shop, bob) == {"referrals": 1}
    session.expire_all()
    assert (referral.email, referral.mailbox, referral.verdict_note) == (None, None, None)
    assert erasing.erase_customer(session, shop, bob) == {"referrals": 0}


def test_the_figures_count_their_own_shop(session: Session, shop: Shop, other_shop: Shop) -> None:
    referral = invite(session, shop, open_house(session, shop))
    buys(session, shop, 100, BOB, discount_codes=[referral.code])
    days_pass(session, shop, 15)
    invite(session, shop, link(session, shop, ALICE), "alice+2@example.com")
    found = queries.figures(session, shop, NOON)
    assert (found.claimed, found.ordered, found.rewarded, found.points) == (2, 1, 1, 500)
    assert found.signals == {"same_mailbox": 1}
    assert queries.figures(session, other_shop, NOON).claimed == 0

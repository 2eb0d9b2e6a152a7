"""What tiers do to accounts: moves and their history, points for entering, grants by hand, the mark in the store."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.commerce.models import CustomerMerge
from plugin.effects.models import Effect
from plugin.errors import Invalid, NotFound
from plugin.loyalty import operations as loyalty
from plugin.loyalty.document import Document
from plugin.loyalty.models import PointAccount, PointEntry, Tier
from plugin.loyalty.programs import ProgramDraft, TierDraft
from plugin.loyalty.tiers import granting, marking, telling
from plugin.loyalty.tiers.models import TierChange, TierMark
from plugin.loyalty.tiers.terms import Ladder, TierTerms
from plugin.messages.models import Message
from plugin.shops.models import Shop
from tests.plugin.loyalty.ledgers import at, broken, customer, later, order, program, refund

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SILVER = TierDraft(
    "Silver", 100_00, 5, 4, terms=TierTerms(keep={"spend": 50_00}, reward_points=50, perks=("Free tea",))
)
GOLD = TierDraft("Gold", 300_00, 3, 2, terms=TierTerms(keep={"spend": 200_00}, reward_points=100))
GUEST = TierDraft("Guest of honour", 0, 2, 1, terms=TierTerms(manual=True))


OURS = select(Message).where(Message.kind.in_(("tier_up", "tier_risk")))


def draft(ladder: Ladder = Ladder(), *tiers: TierDraft, **columns: Any) -> ProgramDraft:  # noqa: B008
    ladder_of = tiers or (SILVER, GOLD, GUEST)
    known: dict[str, Any] = {"earn_points": 3, "earn_per_minor": 100, "return_days": 0, "tiers": ladder_of}
    return ProgramDraft("Club", "bean", "beans", **(known | columns), document=Document(tiers=ladder))


@pytest.fixture(autouse=True)
def noon(session: Session) -> None:
    at(session, NOW)


def settled(session: Session, shop: Shop) -> None:
    while loyalty.catch_up(session, shop):
        pass


def tier(session: Session, customer_id: int = 7) -> str | None:
    account = session.get(PointAccount, (shop_of(session), customer_id), populate_existing=True)
    return account.tier_name if account else None


def shop_of(session: Session) -> int:
    return int(session.scalars(select(Shop.id)).first() or 0)


def moves(session: Session, kind: str = "tier", customer_id: int = 7) -> list[tuple[str | None, str | None]]:
    mine = TierChange.customer_id == customer_id, TierChange.kind == kind
    return [(row.from_name, row.to_name) for row in session.scalars(select(TierChange).where(*mine).order_by("id"))]


def bonuses(session: Session) -> list[int]:
    return list(session.scalars(select(PointEntry.points).where(PointEntry.counter_account == "tiers").order_by("id")))


def spend(session: Session, shop: Shop, id: int, days: int, minor: int, customer_id: int = 7) -> None:
    order(session, shop, id, customer_id, NOW + timedelta(days=days), [{"price_minor": minor}])
    loyalty.settle_orders(session, shop, {id})


def test_every_move_is_written_down_and_entering_is_rewarded_once(session: Session, shop: Shop) -> None:
    program(session, shop, draft(Ladder(grace_days=10)))
    spend(session, shop, 1, -1, 350_00)
    settled(session, shop)
    assert moves(session) == [(None, "Gold")] and sorted(bonuses(session)) == [50, 100]
    refund(session, shop, 1, 1, NOW, {0: 1})
    loyalty.settle_orders(session, shop, {1})
    later(session, days=1)
    settled(session, shop)
    assert tier(session) == "Gold" and moves(session, "risk") == [("Gold", "Gold")]
    later(session, days=12)
    settled(session, shop)
    assert moves(session) == [(None, "Gold"), ("Gold", None)]
    spend(session, shop, 2, 11, 350_00)
    settled(session, shop)
    assert moves(session)[-1] == (None, "Gold") and sorted(bonuses(session)) == [50, 100]
    assert broken(session) == []


def test_a_renamed_tier_is_the_same_tier(session: Session, shop: Shop) -> None:
    program(session, shop, draft())
    spend(session, shop, 1, -1, 150_00)
    settled(session, shop)
    first = session.scalars(select(Tier).where(Tier.name == "Silver")).one()
    at(session, NOW + timedelta(hours=1))
    renamed = TierDraft("Regular", 100_00, 5, 4, first.id, SILVER.terms)
    loyalty.save_program(session, shop, "staff:1", draft(Ladder(), renamed))
    settled(session, shop)
    assert tier(session) == "Regular" and moves(session) == [(None, "Silver")] and bonuses(session) == [50]


@pytest.mark.parametrize(
    ("ladder", "tiers", "field"),
    [
        (Ladder(), (GOLD, SILVER), "tiers-1-threshold_minor"),
        (Ladder(), (SILVER, TierDraft("Other", 100_00, terms=SILVER.terms)), "tiers-1-threshold_minor"),
        (Ladder(), (SILVER, TierDraft("silver ", 200_00)), "tiers-1-name"),
        (Ladder(), (TierDraft("A", 100_00, terms=TierTerms(keep={"spend": 200_00})),), "tiers-0-keep_spend"),
        (
            Ladder(metrics=("orders",)),
            (TierDraft("A", 0, terms=TierTerms(entry={"orders": -1})),),
            "tiers-0-entry_orders",
        ),
        (Ladder(), (TierDraft("A", 10**13),), "tiers-0-threshold_minor"),
        (Ladder(downgrade="one_step"), (SILVER,), "grace_days"),
        (Ladder(grace_days=400), (SILVER,), "grace_days"),
        (Ladder(metrics=()), (SILVER,), "metrics"),
        (Ladder(tag_prefix="a,b"), (SILVER,), "tag_prefix"),
    ],
)
def test_what_cannot_be_a_ladder_is_told_at_the_field(
    session: Session, shop: Shop, ladder: Ladder, tiers: tuple[TierDraft, ...], field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        loyalty.save_program(session, shop, "staff:1", draft(ladder, *tiers))
    assert refused.value.field == field


def test_a_tier_given_by_hand_multiplies_until_its_day(session: Session, shop: Shop) -> None:
    program(session, shop, draft())
    customer(session, shop, 7)
    origin = session.scalars(select(Tier.id).where(Tier.name == "Guest of honour")).one()
    with pytest.raises(Invalid):
        granting.grant(session, shop, "staff:1", 7, origin, NOW - timedelta(days=1), "Regret")
    with pytest.raises(Invalid):
        granting.grant(session, shop, "staff:1", 7, origin, None, " ")
    granting.grant(session, shop, "staff:1", 7, origin, NOW + timedelta(days=10), "Apology for a late parcel")
    assert tier(session) == "Guest of honour"
    at(session, NOW + timedelta(days=6))
    spend(session, shop, 1, 5, 10_00)
    at(session, NOW + timedelta(days=12))
    spend(session, shop, 2, 11, 10_00)
    loyalty.follow_tiers(session, shop, [7])
    earned = session.scalars(select(PointEntry.points).where(PointEntry.kind == "earn").order_by("id")).all()
    assert list(earned) == [60, 30] and tier(session) is None
    assert [row.why["cause"] for row in granting.changes(session, shop, 7)] == ["fell", "grant"]


def test_a_given_tier_can_be_taken_back_once(session: Session, shop: Shop) -> None:
    program(session, shop, draft())
    customer(session, shop, 7)
    origin = session.scalars(select(Tier.id).where(Tier.name == "Gold")).one()
    given_now = granting.grant(session, shop, "staff:1", 7, origin, None, "A friend")
    at(session, NOW + timedelta(hours=1))
    with pytest.raises(NotFound):
        granting.end(session, shop, "staff:1", 8, given_now.id)
    granting.end(session, shop, "staff:1", 7, given_now.id)
    assert tier(session) is None
    with pytest.raises(NotFound):
        granting.end(session, shop, "staff:1", 7, given_now.id)


def test_what_a_merged_customer_was_given_raises_the_orders_of_who_is_kept(session: Session, shop: Shop) -> None:
    program(session, shop, draft())
    customer(session, shop, 8)
    guest = session.scalars(select(Tier.id).where(Tier.name == "Guest of honour")).one()
    granting.grant(session, shop, "staff:1", 8, guest, None, "A friend")
    at(session, NOW + timedelta(days=2))
    spend(session, shop, 1, 1, 10_00)
    session.add(CustomerMerge(shop_id=shop.id, from_id=8, into_id=7, kept_id=7, merged_at=NOW + timedelta(days=2)))
    session.flush()
    loyalty.follow_merges(session, shop, [8], [])
    loyalty.follow_tiers_of_merges(session, shop, [8])
    earned = session.scalars(select(PointEntry.points).where(PointEntry.kind == "earn").order_by("id")).all()
    assert list(earned) == [30, 30] and tier(session) == "Guest of honour" and broken(session) == []


def marks(session: Session) -> list[dict[str, Any]]:
    waiting = select(Effect).where(Effect.kind == marking.KIND, Effect.state == "pending").order_by(Effect.key)
    return [effect.payload for effect in session.scalars(waiting, execution_options={"populate_existing": True})]


def answered(session: Session, shop: Shop) -> None:
    found = session.scalars(select(Effect).where(Effect.kind == marking.KIND, Effect.state == "pending")).all()
    for effect in found:
        effect.state = "done"
        session.flush()
        marking.marked(session, shop, effect.payload, {})


def test_the_store_carries_the_tier_and_nothing_more_when_it_is_switched_off(session: Session, shop: Shop) -> None:
    program(session, shop, draft(Ladder(tag_prefix="vip: ", metafield=True)))
    spend(session, shop, 1, -1, 150_00)
    settled(session, shop)
    told = {"customer_id": 7, "tag": "vip: Silver", "remove": [], "field": "Silver", "field_was": None}
    assert marks(session) == [told]
    spend(session, shop, 2, 0, 300_00)  # before the store was told: one effect, the newest state
    at(session, NOW + timedelta(minutes=1))
    loyalty.follow_tiers(session, shop, [7])
    settled(session, shop)
    assert [payload["tag"] for payload in marks(session)] == ["vip: Gold"]
    answered(session, shop)
    settled(session, shop)
    assert marks(session) == []
    at(session, NOW + timedelta(hours=1))
    loyalty.save_program(session, shop, "staff:1", draft())
    settled(session, shop)
    off = {"customer_id": 7, "tag": None, "remove": ["vip: Gold"], "field": None, "field_was": "Gold"}
    assert marks(session) == [off]
    answered(session, shop)
    carried = session.get(TierMark, (shop.id, 7), populate_existing=True)
    assert carried and (carried.tag, carried.field) == (None, None)


def test_what_changed_while_the_store_was_asked_is_asked_for_anew(session: Session, shop: Shop) -> None:
    program(session, shop, draft(Ladder(tag_prefix="vip: ")))
    spend(session, shop, 1, -1, 150_00)
    settled(session, shop)
    asked = marks(session)[0]
    spend(session, shop, 2, 0, 300_00)
    at(session, NOW + timedelta(minutes=1))
    loyalty.follow_tiers(session, shop, [7])
    marking.marked(session, shop, asked, {})
    assert [(payload["tag"], payload["remove"]) for payload in marks(session)] == [("vip: Gold", ["vip: Silver"])]


def test_a_merge_takes_the_old_tag_off_and_rewards_nobody_twice(session: Session, shop: Shop) -> None:
    program(session, shop, draft(Ladder(tag_prefix="vip: ")))
    spend(session, shop, 1, -2, 150_00, customer_id=8)
    spend(session, shop, 2, -1, 310_00, customer_id=7)
    settled(session, shop)
    answered(session, shop)
    session.add(CustomerMerge(shop_id=shop.id, from_id=8, into_id=7, kept_id=7, merged_at=NOW))
    order(session, shop, 1, 7, NOW - timedelta(days=2), [{"price_minor": 150_00}])
    session.flush()
    loyalty.follow_merges(session, shop, [8], [1])
    loyalty.settle_orders(session, shop, {1})
    loyalty.follow_tiers_of_merges(session, shop, [8])
    settled(session, shop)
    assert [(payload["customer_id"], payload["remove"]) for payload in marks(session)] == [(7, ["vip: Silver"])]
    assert sorted(bonuses(session)) == [50, 50, 100] and broken(session) == []


def test_news_is_mailed_and_old_news_is_not(session: Session, shop: Shop) -> None:
    program(session, shop, draft(Ladder(grace_days=10)))
    spend(session, shop, 1, -100, 150_00, customer_id=8)
    spend(session, shop, 2, -1, 150_00)
    settled(session, shop)
    kinds = [(mail.kind, mail.customer_id) for mail in session.scalars(OURS)]
    assert kinds == [("tier_up", 7)]
    refund(session, shop, 1, 2, NOW + timedelta(hours=1), {0: 1})
    at(session, NOW + timedelta(days=1))
    loyalty.settle_orders(session, shop, {2})
    settled(session, shop)
    mail = session.scalars(select(Message).where(Message.kind == "tier_risk")).one()
    assert mail.marketing and mail.context["missing"] == [{"what": "spend", "amount": 50_00}]
    telling.tell(session, shop)
    assert len(session.scalars(OURS).all()) == 2


HISTORIES = st.lists(
    st.tuples(st.integers(1, 900), st.sampled_from([40_00, 90_00, 150_00, 320_00]), st.booleans()),
    min_size=1,
    max_size=6,
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(HISTORIES, st.randoms(use_true_random=False), st.sampled_from(["at_once", "year_end", "one_step", "never"]))
def test_points_and_tiers_are_the_same_in_whatever_order_the_news_come(
    session: Session, shop: Shop, found: list[tuple[int, int, bool]], chance: random.Random, downgrade: Any
) -> None:
    ladder = Ladder(downgrade=downgrade, grace_days=20)
    outcomes = []
    straight = list(enumerate(found, start=1))
    shuffled = list(straight)
    chance.shuffle(shuffled)
    for news in (straight, shuffled):
        with session.begin_nested() as undone:
            program(session, shop, draft(ladder), starts_at=NOW - timedelta(days=1000))
            for number, (days, minor, back) in news:
                spend(session, shop, number, -days, minor)
                if back:
                    refund(session, shop, number, number, NOW - timedelta(days=days // 2), {0: 1})
                    loyalty.settle_orders(session, shop, {number})
            by_order = select(PointEntry.order_id, PointEntry.points).where(PointEntry.order_id.is_not(None))
            points: dict[int, int] = {}
            for order_id, moved in session.execute(by_order):
                points[order_id] = points.get(order_id, 0) + moved
            loyalty.follow_tiers(session, shop, [7])
            outcomes.append((tier(session), points))
            session.expunge_all()
            undone.rollback()
    assert outcomes[0] == outcomes[1]

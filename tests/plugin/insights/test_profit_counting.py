"""Profit of customers from the mirror: by hand, with everything that must not count beside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count, islice

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from plugin.commerce.models import Customer, CustomerMerge, Order
from plugin.db import engine as db
from plugin.insights import profit_counting
from plugin.insights.models import ProfitReading
from plugin.insights.profit_counting import Side, read
from plugin.loyalty.document import Document
from plugin.loyalty.holdout import HOLDOUT, PROGRAMME, Holdout, arm, place
from plugin.loyalty.models import PointAccount, Redemption
from plugin.messages.models import Message
from plugin.shops.models import Shop
from tests.plugin.loyalty.ledgers import DRAFT, START, at, customer, order, program, refund, reward

BEGINS = START + timedelta(days=500)
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def split(session: Session, shop: Shop) -> int:
    """A split of a fifth from BEGINS on; its salt."""
    at(session, BEGINS)
    return hold_out(session, shop, 20)


def hold_out(session: Session, shop: Shop, percent: int) -> int:
    saved = program(session, shop, replace(DRAFT, document=Document(holdout=Holdout(percent))), START)
    assert saved.holdout_salt is not None
    return saved.holdout_salt


def people(salt: int, side: str, percent: int = 20) -> Iterator[int]:
    return (id for id in count(1) if arm(salt, percent, id) == side)


def came(session: Session, shop: Shop, id: int, moment: datetime = START) -> int:
    customer(session, shop, id)
    session.execute(update(Customer).where(Customer.shop_id == shop.id, Customer.id == id).values(created_at=moment))
    return id


def reading(session: Session, shop: Shop, week: int = 1) -> dict[str, Side]:
    at(session, BEGINS + timedelta(weeks=week))
    while profit_counting.count_step(session, shop):
        pass
    found = session.get(ProfitReading, (shop.id, BEGINS, week), populate_existing=True)
    assert found is not None and found.finished_at is not None
    return read(found.sides)


def test_profit_is_goods_less_refunds_tax_costs_rewards_and_mails(session: Session, shop: Shop, split: int) -> None:
    shop.settings = {"goods_percent": 40, "mails_minor": 500}
    one = came(session, shop, next(people(split, PROGRAMME)))
    lines = ({"quantity": 3, "price_minor": 20_00, "discount_minor": 6_00, "tax_minor": 9_00}, {"gift_card": True})
    order(session, shop, 1, one, BEGINS + DAY, lines)  # (60 − 6 − 9) of three units
    refund(session, shop, 1, 1, BEGINS + 2 * DAY, {0: 1}, money=1_00)  # one of them went back, and one euro
    order(session, shop, 2, one, BEGINS - DAY, subtotal_minor=70_00)  # before: what they had bought
    order(session, shop, 3, one, BEGINS - 400 * DAY, subtotal_minor=99_00)  # too long ago
    session.execute(insert(PointAccount).values(shop_id=shop.id, customer_id=one, available=0))
    buy(session, shop, one, "store_credit", 3_00)
    buy(session, shop, one, "amount_off", 5_00)  # has lowered an order already
    buy(session, shop, one, "gift_card", 7_00, state="returned")
    mails(session, shop, one, BEGINS + DAY, 4)
    mails(session, shop, one, BEGINS - DAY, 1)
    side = reading(session, shop)[PROGRAMME]
    assert (side.sums.people, side.sums.buyers) == (1, 1)
    assert (side.orders, side.goods, side.rewards, side.mails) == (29_00, 16_00, 3_00, 2)
    assert (side.sums.y, side.sums.x, side.sums.xy) == (9_98, 70_00, 9_98 * 70_00)


def buy(session: Session, shop: Shop, whose: int, kind: str, cost: int, state: str = "used") -> None:
    offer = reward(session, shop)
    row = {"shop_id": shop.id, "customer_id": whose, "reward_id": offer.id, "points": 100, "value_minor": cost}
    dates = {"created_at": BEGINS + DAY, "expires_at": BEGINS + 90 * DAY}
    name = f"{kind}-{offer.id}"
    session.execute(
        insert(Redemption).values(
            **row, **dates, kind=kind, cost_minor=cost, currency="EUR", state=state, code=name, request_key=name
        )
    )


def mails(session: Session, shop: Shop, whose: int, moment: datetime, number: int) -> None:
    for each in range(number):
        session.execute(
            insert(Message).values(
                shop_id=shop.id, key=f"{moment}:{each}", kind="cart", marketing=True, customer_id=whose, email="a@b.c",
                template={}, context={}, created_at=moment, sent_at=moment, state="sent",
            )
        )  # fmt: skip


def test_what_does_not_count(session: Session, shop: Shop, split: int) -> None:
    one = came(session, shop, next(people(split, HOLDOUT)))
    left_out = (
        {"test": True}, {"cancelled_at": BEGINS}, {"deleted_at": BEGINS}, {"financial_status": "pending"},
        {"currency": "USD"}, {"known": False},
    )  # fmt: skip
    for number, columns in enumerate(left_out):
        order(session, shop, 10 + number, one, BEGINS + DAY, **columns)
    order(session, shop, 20, one, BEGINS + 7 * DAY)  # of the second week
    order(session, shop, 21, None, BEGINS + DAY)
    side = reading(session, shop)[HOLDOUT]
    assert (side.sums.people, side.sums.buyers, side.orders) == (1, 0, 0)


def test_everybody_counts_on_their_side_from_when_they_came(session: Session, shop: Shop, split: int) -> None:
    held, with_it = next(people(split, HOLDOUT)), list(islice(people(split, PROGRAMME), 3))
    came(session, shop, held)
    for number, each in enumerate(with_it):
        came(session, shop, each, BEGINS + number * 3 * DAY)
        order(session, shop, number + 1, each, BEGINS + 5 * DAY)
    sides = reading(session, shop)
    assert (sides[HOLDOUT].sums.people, sides[PROGRAMME].sums.people) == (1, 3)
    assert sides[PROGRAMME].orders == 2 * 50_00  # the third had bought before they had come, as far as we know
    assert sides[PROGRAMME].sums.x == 0


def test_people_who_were_on_both_sides_are_left_out(session: Session, shop: Shop, split: int) -> None:
    between = next(id for id in count(1) if 2_000 <= place(split, id) < 3_000)
    held, other, with_it = *islice(people(split, HOLDOUT), 2), next(id for id in people(split, PROGRAMME, 30))
    for id in (between, held, other, with_it):
        came(session, shop, id)
    session.execute(
        insert(CustomerMerge).values(
            shop_id=shop.id, from_id=with_it, into_id=held, kept_id=held, merged_at=BEGINS + DAY
        )
    )
    at(session, BEGINS + DAY)
    hold_out(session, shop, 30)
    sides = reading(session, shop)
    assert {name: side.sums.people for name, side in sides.items()} == {"both": 2, HOLDOUT: 1}


def test_a_merge_of_two_on_one_side_is_one_person(session: Session, shop: Shop, split: int) -> None:
    kept, gone = islice(people(split, PROGRAMME), 2)
    for id in (kept, gone):
        came(session, shop, id)
    order(session, shop, 1, kept, BEGINS + DAY)
    merge = {"from_id": gone, "into_id": kept, "kept_id": kept, "merged_at": BEGINS + DAY}
    session.execute(insert(CustomerMerge).values(shop_id=shop.id, **merge))
    sides = reading(session, shop)
    assert {name: side.sums.people for name, side in sides.items()} == {PROGRAMME: 1}


def test_any_steps_give_the_same(session: Session, shop: Shop, split: int, monkeypatch: pytest.MonkeyPatch) -> None:
    crowd(session, shop)
    whole = reading(session, shop)
    session.execute(update(ProfitReading).values(finished_at=None, after=0, sides={}))
    monkeypatch.setattr(profit_counting, "STEP", 7)
    assert reading(session, shop) == whole
    assert sum(side.sums.people for side in whole.values()) == 40


def crowd(session: Session, shop: Shop) -> None:
    for id in range(1, 41):
        came(session, shop, id)
        order(session, shop, id, id, BEGINS + DAY, ({"price_minor": id * 100},))


def test_verdict_days_that_were_missed_are_made_up_and_stay_as_they_are(session: Session, shop: Shop) -> None:
    crowd(session, shop)
    late = reading(session, shop, week=10)
    assert session.scalars(select(ProfitReading.week).order_by(ProfitReading.week)).all() == [4, 8, 10]
    session.execute(update(Order).values(cancelled_at=BEGINS))
    assert reading(session, shop, week=10) == late
    assert reading(session, shop, week=11)[HOLDOUT].orders == 0


def test_nobody_is_counted_without_a_split_or_before_a_week_is_over(session: Session, shop: Shop) -> None:
    at(session, BEGINS + 6 * DAY)
    assert not profit_counting.count_step(session, shop)
    hold_out(session, shop, 0)
    at(session, BEGINS + 60 * DAY)
    assert profit_counting.present(session, shop) is None and not profit_counting.count_step(session, shop)


def test_another_shop_is_another_split(session: Session, shop: Shop, other_shop: Shop) -> None:
    with db.transaction(other_shop.id) as theirs:
        at(theirs, BEGINS)
        hold_out(theirs, other_shop, 50)
        crowd(theirs, other_shop)
    came(session, shop, 1)
    mine = reading(session, shop)
    assert sum(side.sums.people for side in mine.values()) == 1
    with db.transaction(other_shop.id) as theirs:
        assert profit_counting.present(theirs, other_shop) is not None
        assert theirs.scalar(select(ProfitReading.shop_id)) is None

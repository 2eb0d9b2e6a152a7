"""A made set of honest people and cheats, from claim to long after the hold window: no cheat keeps a reward.

How many honest people are refused, or wait for somebody's word, is counted and held to what it is today.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace
from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin import clock
from plugin.commerce.models import Customer, CustomerTerm
from plugin.commerce.terms import customer_terms
from plugin.errors import Invalid
from plugin.loyalty.referring import claiming, following
from plugin.loyalty.referring.models import Referral
from plugin.shops.models import Shop
from tests.plugin.loyalty.ledgers import at, broken, order
from tests.plugin.loyalty.referring import invitations
from tests.plugin.loyalty.referring.invitations import TERMS, days_pass, gives_back, invite, link, open_house, points

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOME, ELSEWHERE = 11, 12
Story = Callable[[Session, Shop], set[int]]


@pytest.fixture(autouse=True)
def noon(session: Session) -> None:
    at(session, NOON)


def person(session: Session, shop: Shop, id: int, email: str, phone: str | None = None) -> str:
    """A customer as the mirror keeps one, and their link."""
    session.merge(Customer(shop_id=shop.id, id=id, email=email, phone=phone))
    for term in customer_terms(None, None, email, phone):
        session.merge(CustomerTerm(shop_id=shop.id, term=term, customer_id=id))
    session.flush()
    return link_of(session, shop, id)


def link_of(session: Session, shop: Shop, id: int) -> str:
    made = invitations.links.link_of(session, shop, id)
    assert made is not None
    return made.code


def buys(session: Session, shop: Shop, id: int, customer_id: int, email: str, place: int = 0, code: str = "") -> None:
    """An order now; `place` is where it goes."""
    columns = {"email": email, "shipping_place": place or 1000 + customer_id, "discount_codes": [code] if code else []}
    order(session, shop, id, customer_id, clock.now(session), **columns)
    session.merge(Customer(shop_id=shop.id, id=customer_id, email=email))
    session.flush()
    following.follow_referrals(session, shop, {id})


def own_mailbox(session: Session, shop: Shop) -> set[int]:
    code = person(session, shop, 20, "dora.gray@gmail.com")
    for number, email in enumerate(("doragray@gmail.com", "Dora.Gray+x@googlemail.com", "d.ora.gray@gmail.com")):
        claiming.claim(session, shop, code, email)
        buys(session, shop, 2000 + number, 21 + number, email)
    return {20}


def own_account(session: Session, shop: Shop) -> set[int]:
    code = person(session, shop, 30, "emil@x.example")
    buys(session, shop, 3000, 30, "emil@x.example", code=invite(session, shop, code, "lent@y.example").code)
    return {30}


def whole_house(session: Session, shop: Shop) -> set[int]:
    """The first at the address is a flatmate and passes; the others are made up."""
    code = person(session, shop, 40, "fay@x.example")
    buys(session, shop, 4000, 40, "fay@x.example", HOME)
    for number in range(1, 5):
        email = f"made.up.{chr(96 + number)}@z{number}.example"
        buys(session, shop, 4000 + number, 40 + number, email, HOME, invite(session, shop, code, email).code)
    return {40}


def ring_of_two(session: Session, shop: Shop) -> set[int]:
    one, two = person(session, shop, 50, "gus@x.example"), person(session, shop, 51, "hal@y.example")
    for_two, for_one = invite(session, shop, one, "hal@y.example"), invite(session, shop, two, "gus@x.example")
    buys(session, shop, 5000, 51, "hal@y.example", code=for_two.code)
    buys(session, shop, 5001, 50, "gus@x.example", code=for_one.code)
    return {50, 51}


def ring_of_three(session: Session, shop: Shop) -> set[int]:
    names = {60: "ida@x.example", 61: "jon@y.example", 62: "kim@z.example"}
    links = {id: person(session, shop, id, email) for id, email in names.items()}
    for id, friend in ((60, 61), (61, 62), (62, 60)):
        invite(session, shop, links[id], names[friend])
    for id, email in names.items():
        buys(session, shop, id * 100, id, email)
    return {60, 61, 62}


def old_customer(session: Session, shop: Shop) -> set[int]:
    code = person(session, shop, 70, "lea@x.example")
    person(session, shop, 71, "old@y.example")
    order(session, shop, 7000, 71, NOON - timedelta(days=99), email="old@y.example")
    session.merge(Customer(shop_id=shop.id, id=71, email="old@y.example"))
    session.flush()
    claiming.claim(session, shop, code, "old+new@y.example")
    buys(session, shop, 7001, 71, "old@y.example")
    return {70}


def gives_all_back(session: Session, shop: Shop) -> set[int]:
    code = person(session, shop, 80, "mia@x.example")
    buys(session, shop, 8000, 81, "ned@y.example", code=invite(session, shop, code, "ned@y.example").code)
    return {80}


def hundred_in_an_hour(session: Session, shop: Shop) -> set[int]:
    code = person(session, shop, 90, "ole@x.example")
    for number in range(100):
        at(session, NOON + timedelta(seconds=36 * number))
        email = f"{chr(97 + number % 26)}{chr(97 + number // 26)}@catch-all.example"
        claimed = invite(session, shop, code, email)
        buys(session, shop, 9000 + number, 900 + number, email, code=claimed.code)
    at(session, NOON)
    return {90}


FRAUD: tuple[Story, ...] = (
    own_mailbox, own_account, ring_of_two, ring_of_three, old_customer, gives_all_back, hundred_in_an_hour,
)  # fmt: skip


def test_no_cheat_keeps_a_reward(session: Session, shop: Shop, other_shop: Shop) -> None:
    open_house(session, shop)
    cheats: set[int] = set()
    for story in FRAUD:
        cheats |= story(session, shop)
    days_pass(session, shop, 15)
    gives_back(session, shop, 8000)
    days_pass(session, shop, 60)
    assert {id: points(session, shop, id) for id in cheats if points(session, shop, id)} == {}
    assert broken(session) == []
    codes = session.scalars(select(Referral.code_state).where(Referral.advocate_id.in_({20, 70}))).all()
    assert set(codes) == {"none"}, "who is known to be none gets no code either"


def test_of_a_whole_house_one_counts(session: Session, shop: Shop) -> None:
    open_house(session, shop)
    whole_house(session, shop)
    days_pass(session, shop, 60)
    assert points(session, shop, 40) == 500
    states = session.scalars(select(Referral.state).where(Referral.advocate_id == 40).order_by(Referral.id)).all()
    assert states == ["rewarded", "in_review", "in_review", "in_review"]


def test_honest_people_are_rewarded_and_those_who_wait_are_counted(session: Session, shop: Shop) -> None:
    open_house(session, shop)
    names = ["anna.lind", "anna.lund", "ben", "ben2", "carla", "info", "j.smith", "jsmith", "maria.k1", "maria.k2"]
    code = person(session, shop, 200, "maria.k3@gmail.com")
    for number, name in enumerate(names):
        at(session, NOON + timedelta(days=number))
        email = f"{name}@gmail.com"
        claiming.claim(session, shop, code, email)
        buys(session, shop, 20_000 + number, 300 + number, email, ELSEWHERE if number % 5 == 0 else 0)
    days_pass(session, shop, 60)
    states = Counter(session.scalars(select(Referral.state).where(Referral.advocate_id == 200)))
    # "jsmith" is "j.smith" at Gmail: one claim. Two addresses differ from the advocate's in their digit alone.
    assert states == {"rewarded": 7, "in_review": 2}
    assert points(session, shop, 200) == 7 * 500


def test_the_monthly_cap_is_that_of_the_order_s_month(session: Session, shop: Shop) -> None:
    code = open_house(session, shop, replace(TERMS, monthly_cap=2, daily_claims=100))
    at(session, datetime(2026, 3, 30, 12, tzinfo=UTC))
    for number in range(6):
        email = f"{'abcdef'[number] * 5}@x.example"
        buys(session, shop, 1000 + number, 1000 + number, email, code=invite(session, shop, code, email).code)
        at(session, clock.now(session) + timedelta(days=1 if number == 2 else 0))
        at(session, clock.now(session) + timedelta(minutes=1))
    at(session, clock.now(session) + timedelta(days=1))
    days_pass(session, shop, 60)
    assert points(session, shop) == 2 * 500, "all orders are of March"
    gives_back(session, shop, 1000)
    days_pass(session, shop, 1)
    assert points(session, shop) == 2 * 500, "the next one takes the free place"


@pytest.mark.parametrize("email", ["", "bob", "bob@", "@x.example", "b b@x.example", "x" * 300 + "@x.example"])
def test_what_is_no_address_is_told(session: Session, shop: Shop, email: str) -> None:
    code = open_house(session, shop)
    with pytest.raises(Invalid):
        claiming.claim(session, shop, code, email)
    assert session.scalars(select(Referral)).all() == []


def test_the_links_of_two_people_differ_and_repeat(session: Session, shop: Shop) -> None:
    assert link(session, shop, 7) == link(session, shop, 7) != link(session, shop, 8)

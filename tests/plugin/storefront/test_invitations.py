"""The page behind a personal link, and the link in the widget's answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from plugin.db import engine as db
from plugin.loyalty import operations as loyalty
from plugin.loyalty import queries
from plugin.loyalty.document import Document
from plugin.loyalty.holdout import Holdout
from plugin.loyalty.referring import claiming
from plugin.loyalty.referring.models import Referral, ReferralLink
from plugin.shops.models import Shop
from tests.plugin.loyalty.ledgers import DRAFT, customer, program
from tests.plugin.loyalty.referring.invitations import ALICE, TERMS, link, open_house
from tests.plugin.storefront.conftest import Shopper

HTML = "text/html"


@pytest.fixture
def code(shop: Shop) -> str:
    """Alice's link, in a shop that rewards referrals."""
    with db.transaction(shop.id) as session:
        return open_house(session, shop)


@pytest.fixture
def claims(shop: Shop) -> Iterator[list[Referral]]:
    """Those of the shop, when they are looked at."""

    class Claims(list[Referral]):
        def __len__(self) -> int:
            with db.transaction(shop.id) as session:
                return len(session.scalars(select(Referral)).all())

    yield Claims()


def opened(shop: Shop) -> int:
    with db.transaction(shop.id) as session:
        return session.scalars(select(ReferralLink.opened).where(ReferralLink.made_for == ALICE)).one()


def test_a_friend_sees_what_there_is_and_asks_for_it(
    nobody: Shopper, shop: Shop, code: str, claims: list[Referral]
) -> None:
    page = nobody.get(f"/r/{code}", HTML)
    assert page.status_code == 200 and "€5.00 off" in page.text and page.mimetype == "application/liquid"
    assert page.headers["Cache-Control"] == "no-store" and f'action="/apps/regulars/r/{code}"' in page.text
    assert nobody.get(f"/r/{code.lower()}", HTML).status_code == 200 and opened(shop) == 2
    assert "Look into your mailbox" in nobody.post(f"/r/{code}", {"email": "bob@example.com"}, HTML).text
    assert len(claims) == 1


def test_the_answer_is_the_same_whoever_it_is(nobody: Shopper, shop: Shop, code: str) -> None:
    with db.transaction(shop.id) as session:
        customer(session, shop, 9)
    emails = ["customer-9@example.com", "new@example.com", "new@example.com", "alice@example.com"]
    assert len({nobody.post(f"/r/{code}", {"email": email}, HTML).text for email in emails}) == 1


def test_one_s_own_link_is_not_counted_as_opened(client: FlaskClient, shop: Shop, code: str) -> None:
    assert "This is your own link" in Shopper(client, ALICE).get(f"/r/{code}", HTML).text
    assert opened(shop) == 0


@pytest.mark.parametrize("wrong", ["AAAAAAAAAA", "x" * 200, "ЖЖЖ", "%00", "'--"])
def test_a_link_that_nobody_has_is_not_valid(nobody: Shopper, code: str, wrong: str) -> None:
    answers = nobody.get(f"/r/{wrong}", HTML), nobody.post(f"/r/{wrong}", {"email": "b@example.com"}, HTML)
    assert {answer.status_code for answer in answers} == {404}
    assert "not valid any more" in answers[0].text


def test_a_link_of_another_shop_is_nobody_s(nobody: Shopper, shop: Shop, other_shop: Shop, code: str) -> None:
    with db.transaction(other_shop.id) as session:
        theirs = open_house(session, other_shop)
    assert theirs != code and nobody.get(f"/r/{theirs}", HTML).status_code == 404


def test_a_wrong_address_is_told(nobody: Shopper, code: str, claims: list[Referral]) -> None:
    answer = nobody.post(f"/r/{code}", {"email": "bob@"}, HTML)
    assert answer.status_code == 422 and "Enter an e-mail address" in answer.text and len(claims) == 0


def test_so_many_claims_a_minute_and_no_more(nobody: Shopper, code: str, claims: list[Referral]) -> None:
    states = [nobody.post(f"/r/{code}", {"email": f"b{n}@x.example"}, HTML).status_code for n in range(6)]
    assert states == [200] * 5 + [429] and len(claims) == 5


def test_where_nothing_is_rewarded_the_page_says_so(nobody: Shopper, shop: Shop, code: str) -> None:
    with db.transaction(shop.id) as session:
        loyalty.save_program(session, shop, "staff:1", replace(DRAFT, document=Document(referrals=TERMS), paused=True))
    answer = nobody.get(f"/r/{code}", HTML)
    assert answer.status_code == 409 and "not rewarded at the moment" in answer.text


def test_the_widget_has_one_s_own_link_and_says_nothing_of_friends(client: FlaskClient, shop: Shop, code: str) -> None:
    Shopper(client).post(f"/r/{code}", {"email": "bob@example.com"}, HTML)
    told = Shopper(client, ALICE).get("/loyalty").get_json()["referral"]
    assert told["url"] == f"https://{shop.domain}/apps/regulars/r/{code}"
    assert (told["points"], told["gift"], told["least"]) == (500, "€5.00", "")
    assert [each["state"] for each in told["invited"]] == ["invited"] and "bob" not in str(told)
    assert code in Shopper(client, ALICE).get("/points", HTML).text


def test_nobody_has_no_link(client: FlaskClient, nobody: Shopper, shop: Shop) -> None:
    with db.transaction(shop.id) as session:
        program(session, shop)
        link(session, shop, ALICE)
    assert Shopper(client, ALICE).get("/loyalty").get_json()["referral"] is None, "not rewarded"
    assert nobody.get("/loyalty").get_json()["referral"] is None


@pytest.mark.parametrize("typed", ["{{ shop.name }}", "{% if true %}x{% endif %}@", "{%- raw -%}", "<b>{{1}}</b>"])
def test_nobody_s_words_are_liquid(nobody: Shopper, shop: Shop, code: str, typed: str) -> None:
    with db.transaction(shop.id) as session:
        named = replace(DRAFT, points_many="{{ shop.email }}", document=Document(referrals=TERMS))
        loyalty.save_program(session, shop, "staff:1", named)
    answers = [
        nobody.post(f"/r/{code}", {"email": typed}, HTML),
        nobody.get(f"/r/{code}", HTML, return_to="/{{ typed }}"),
        nobody.get("/r/{{code}}", HTML),
        Shopper(nobody.client, ALICE).get(f"/r/{code}", HTML),
    ]
    assert [answer.status_code for answer in answers] == [422, 200, 404, 200]
    assert not any("{" in answer.text for answer in answers)
    assert "&#123;&#123; shop.email }}" in answers[3].text and "<b>" not in answers[0].text


def test_who_is_held_out_has_no_link(client: FlaskClient, nobody: Shopper, shop: Shop, code: str) -> None:
    with db.transaction(shop.id) as session:
        customer(session, shop, 9)
        document = Document(referrals=TERMS, holdout=Holdout(50))
        loyalty.save_program(session, shop, "staff:1", replace(DRAFT, document=document))
        rules = queries.latest_program(session, shop)
        codes = {id: link(session, shop, id) for id in range(1, 30)}
    assert rules is not None
    held = {id: claiming.is_held_out(rules, id) for id in codes}
    assert set(held.values()) == {True, False}
    for id, is_held in held.items():
        told = Shopper(client, id).get("/loyalty").get_json()["referral"]
        assert (told is None) is is_held
        assert (nobody.get(f"/r/{codes[id]}", HTML).status_code == 409) is is_held

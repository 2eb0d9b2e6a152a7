"""What a shopper reads about their own points, page by page, and how they leave the programme and come back."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from plugin import clock
from plugin.db import engine as db
from plugin.loyalty import operations as loyalty
from plugin.loyalty.document import Document
from plugin.loyalty.joining.models import Membership
from plugin.loyalty.referring.terms import Referrals
from plugin.shops.models import Shop
from tests.conftest import OTHER_DOMAIN
from tests.plugin.loyalty import ledgers
from tests.plugin.storefront.conftest import Shopper, furnish


def sold(shop: Shop, id: int, hours_ago: int = 0, **columns: object) -> None:
    with db.transaction(shop.id) as session:
        moment = clock.now(session) - timedelta(hours=hours_ago)
        ledgers.order(session, shop, id, 7, moment, name=f"#{id}", **columns)
        ledgers.settle(session, shop, id)


def say(shopper: Shopper, member: str) -> int:
    token = shopper.get("/loyalty").get_json()["token"]
    return shopper.post("/loyalty/membership", {"member": member, "token": token}).status_code


def test_history_goes_on_where_the_last_page_ended(alice: Shopper, shop: Shop, reward_id: int) -> None:
    with db.transaction(shop.id) as session:
        for number in range(45):
            loyalty.adjust(session, shop, 7, 1, "thanks", "staff:1", f"n{number}")
    first = alice.get("/loyalty").get_json()["customer"]
    second = alice.get("/loyalty/history", before=str(first["more"])).get_json()
    third = alice.get("/loyalty/history", before=str(second["more"])).get_json()
    pages = [first["history"], second["history"], third["history"]]
    assert [len(page) for page in pages] == [20, 20, 6] and third["more"] is None
    assert sum(entry["points"] for page in pages for entry in page) == first["available"]


def test_nobody_reads_somebody_elses_history(alice: Shopper, nobody: Shopper, shop: Shop, reward_id: int) -> None:
    for stranger in (Shopper(alice.client, 8), Shopper(alice.client, 7, OTHER_DOMAIN)):
        answer = stranger.get("/loyalty/history", before="999999999")
        assert answer.status_code in (200, 401) and not (answer.get_json() or {}).get("history")
    assert nobody.get("/loyalty/history", before="9").status_code == 401
    assert alice.get("/loyalty/history", before="x").status_code == 422


def test_an_order_says_how_it_was_counted(alice: Shopper, shop: Shop, reward_id: int) -> None:
    sold(shop, 1)
    entry = alice.get("/loyalty").get_json()["customer"]["history"][0]
    assert entry["counted"] == {"minor": 50_00, "currency": "EUR", "earn": [3, 100], "tier": None}
    page = alice.get("/points", accept="text/html").text
    assert "Order #1" in page and "€50.00 counted, 3 beans for every €1.00" in page


def test_a_debt_says_which_order_it_came_from_and_why(alice: Shopper, shop: Shop, reward_id: int) -> None:
    sold(shop, 1)
    with db.transaction(shop.id) as session:
        loyalty.adjust(session, shop, 7, -300, "spent", "staff:1", "away")
    with db.transaction(shop.id) as session:
        ledgers.refund(session, shop, 1, 1, clock.now(session), {0: 1})
        ledgers.settle(session, shop, 1)
    told = alice.get("/loyalty").get_json()["customer"]
    assert (told["debt"], told["owed_for"]) == (100, {"order": "#1", "why": "refund"})
    page = alice.get("/points", accept="text/html").text
    assert "100 beans are left to earn back." in page and "Because of order #1: something was refunded." in page


def test_who_leaves_keeps_points_and_earns_nothing_until_they_return(
    alice: Shopper, shop: Shop, reward_id: int
) -> None:
    assert say(alice, "0") == 200
    told = alice.get("/loyalty").get_json()["customer"]
    assert (told["member"], told["available"]) == (False, 200)
    sold(shop, 1)
    sold(shop, 2, hours_ago=3)
    assert alice.get("/loyalty").get_json()["customer"]["available"] == 350, "what was before still counts"
    assert say(alice, "1") == 200
    sold(shop, 3)
    assert alice.get("/loyalty").get_json()["customer"]["available"] == 500
    with db.transaction(shop.id) as session:
        ledgers.settle(session, shop, 1, 2, 3)
    assert alice.get("/loyalty").get_json()["customer"]["available"] == 500


def test_saying_it_twice_is_one_word(alice: Shopper, shop: Shop, reward_id: int) -> None:
    assert [say(alice, "0"), say(alice, "0"), say(alice, "2")] == [200, 200, 422]
    with db.transaction(shop.id) as session:
        assert [word.joined for word in session.scalars(select(Membership))] == [False]


def test_another_sites_form_ends_no_membership(alice: Shopper, nobody: Shopper, shop: Shop, reward_id: int) -> None:
    assert alice.post("/loyalty/membership", {"member": "0", "token": "x"}).status_code == 409
    assert nobody.post("/loyalty/membership", {"member": "0", "token": ""}).status_code == 401
    with db.transaction(shop.id) as session:
        assert session.scalars(select(Membership)).all() == []


def test_what_a_merged_customer_said_counts_for_who_is_kept(alice: Shopper, shop: Shop, reward_id: int) -> None:
    assert say(alice, "0") == 200
    with db.transaction(shop.id) as session:
        ledgers.customer(session, shop, 9)
        merged = "INSERT INTO customer_merges VALUES (:shop, 7, 9, 9, now())"
        session.execute(
            text(merged.replace("VALUES", "(shop_id, from_id, into_id, kept_id, merged_at) VALUES")), {"shop": shop.id}
        )
        ledgers.order(session, shop, 5, 9, clock.now(session))
        ledgers.settle(session, shop, 5)
        assert ledgers.account(session, shop, 9) == (0, 0, 0)
    assert Shopper(alice.client, 9).get("/loyalty").get_json()["customer"]["member"] is False


@pytest.mark.usefixtures("store_makes_codes")
def test_without_script_everything_is_a_page_of_the_theme(alice: Shopper, nobody: Shopper, shop: Shop) -> None:
    reward = furnish(shop)
    alice.redeem(reward)
    page = alice.get("/points", accept="text/html")
    assert page.mimetype == "application/liquid" and "Give back" in page.text and "Leave the programme" in page.text
    assert "{" not in page.text
    assert "Rewards" in nobody.get("/points", accept="text/html").text
    token = alice.get("/loyalty").get_json()["token"]
    left = alice.post("/loyalty/membership", {"member": "0", "token": token}, accept="text/html")
    assert "You do not take part" in left.text and "Take part" in left.text


def test_points_that_wait_for_the_parcel_say_so(alice: Shopper, shop: Shop, reward_id: int) -> None:
    with db.transaction(shop.id) as session:
        session.execute(
            text('UPDATE programs SET rules = \'{"earn": {"available": "fulfilled"}}\' WHERE shop_id = :shop'),
            {"shop": shop.id},
        )
    sold(shop, 1)
    told = alice.get("/loyalty").get_json()["customer"]
    assert (told["pending"], told["pending_until"]) == (150, None)
    assert told["history"][0]["pending"] and told["history"][0]["available_at"] is None
    assert "once your order is sent" in alice.get("/points", accept="text/html").text


def test_a_minus_is_shown_where_the_programme_says_so(alice: Shopper, shop: Shop, reward_id: int) -> None:
    sold(shop, 1)
    with db.transaction(shop.id) as session:
        loyalty.adjust(session, shop, 7, -300, "spent", "staff:1", "away")
    with db.transaction(shop.id) as session:
        ledgers.refund(session, shop, 1, 1, clock.now(session), {0: 1})
        ledgers.settle(session, shop, 1)
    told = alice.get("/loyalty").get_json()["customer"]
    assert told["debt"] > 0 and told["balance"] == told["available"] == 0
    with db.transaction(shop.id) as session:
        rules = text('UPDATE programs SET rules = \'{"earn": {"shortfall": "negative"}}\' WHERE shop_id = :shop')
        session.execute(rules, {"shop": shop.id})
    told = alice.get("/loyalty").get_json()["customer"]
    assert (told["available"], told["balance"]) == (0, -told["debt"])
    assert f"<strong>-{told['debt']} beans" in alice.get("/points", accept="text/html").text


def test_the_page_shows_the_way_to_the_next_tier_and_the_invitation(alice: Shopper, shop: Shop) -> None:
    with db.transaction(shop.id) as session:
        friends = Document(referrals=Referrals(enabled=True, points=50, friend_kind="percent", friend_value=10))
        ledgers.program(session, shop, replace(ledgers.DRAFT, tiers=ledgers.LADDER, document=friends))
    sold(shop, 1)
    page = alice.get("/points", accept="text/html")
    assert page.status_code == 200, page.text
    assert "€50.00 to Silver" in page.text and "Invite friends" in page.text

"""Many at once, committed: one claim a mailbox, one reward a referral, one link a customer."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from plugin import clock
from plugin.db.engine import transaction
from plugin.loyalty.referring import claiming, links, paying
from plugin.loyalty.referring.models import Referral, ReferralLink
from plugin.shops.models import Shop
from tests.plugin.loyalty.referring.invitations import ALICE, BOB, buys, customer, invite, open_house, points


def at_once(shop: Shop, work: Callable[[Session], Any], times: int = 8) -> list[Any]:
    """The same work in so many transactions beside each other."""

    def one(_: int) -> Any:
        with transaction(shop.id) as session:
            return work(session)

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(one, range(times)))


def test_a_mailbox_is_claimed_once(shop: Shop) -> None:
    with transaction(shop.id) as session:
        code = open_house(session, shop)
    spellings = iter([f"b.o.b+{number}@gmail.com" for number in range(8)])
    at_once(shop, lambda session: claiming.claim(session, shop, code, next(spellings)))
    with transaction(shop.id) as session:
        assert len(session.scalars(select(Referral)).all()) == 1


def test_a_customer_has_one_link(shop: Shop) -> None:
    with transaction(shop.id) as session:
        customer(session, shop, ALICE)
    codes = {link.code for link in at_once(shop, lambda session: links.link_of(session, shop, ALICE)) if link}
    with transaction(shop.id) as session:
        assert len(codes) == len(session.scalars(select(ReferralLink)).all()) == 1


def test_a_reward_is_given_once(shop: Shop, database: Engine) -> None:
    with transaction(shop.id) as session:
        referral = invite(session, shop, open_house(session, shop))
        session.info["now"] = clock.now(session) + timedelta(minutes=1)
        buys(session, shop, 100, BOB, discount_codes=[referral.code])
    with database.begin() as connection:
        sooner = "UPDATE {} SET {} = {} - interval '20 days'"
        for table, column in (("orders", "processed_at"), ("referrals", "claimed_at"), ("referrals", "due_at")):
            connection.execute(text(sooner.format(table, column, column)))
    at_once(shop, lambda session: paying.settle_referrals(session, shop))
    with transaction(shop.id) as session:
        paying.settle_referrals(session, shop)
        assert points(session, shop) == 500

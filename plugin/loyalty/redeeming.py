"""Buying a reward with points, and noticing that it was used. What may happen to it then: returning.py."""

from __future__ import annotations

import base64
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, make_transient_to_detached

from plugin import clock
from plugin.commerce.models import Variant
from plugin.crypto.secrets import keyed
from plugin.errors import NotFound, Refused
from plugin.loyalty import holdout, ledger, purchases, queries, tallies, terms
from plugin.loyalty.expiry import activity
from plugin.loyalty.lots import Book, Entry, NotEnoughPoints
from plugin.loyalty.models import Redemption, Reward
from plugin.loyalty.purchases import Wanted
from plugin.loyalty.rules import days_later
from plugin.loyalty.terms import DISCOUNTS, Limits, Offer, Stand, Terms
from plugin.money import major
from plugin.shops.models import Shop

CODE_KIND = "discount_code"
END_KIND = "discount_code_end"
KIND_OF_EFFECT = {"gift_card": "gift_card", "store_credit": "store_credit"} | dict.fromkeys(DISCOUNTS, CODE_KIND)
CODE_LETTERS = 12  # of base32: 60 bits that cannot be guessed
CARD_LETTERS = 16  # a gift card's code has 8 to 20 letters and digits
CLOCK_SKEW = timedelta(minutes=5)  # the store's clock may be behind ours, and the code must work at once


class RewardPaused(Refused):
    """The merchant has paused this reward, or its time is not now."""


class RequestReused(Refused):
    """The same request key already bought another reward."""


class TooOften(Refused):
    """This customer has bought this reward as often as the merchant allows."""


def redeem(
    session: Session,
    shop: Shop,
    customer_id: int,
    reward_id: int,
    request_key: str,
    points: int | None = None,
    actor: str = "",
) -> Redemption:
    """Buy a reward: points out, what it gives recorded as an effect. The same click twice is one redemption.

    `points` where the reward lets choose. Raises NotFound, RewardPaused, RewardSoldOut, BudgetReached, TooOften,
    RequestReused, NotEnoughPoints, Invalid("points"). The caller performs the effect, or rings for a worker
    (plugin/storefront/buying.py).
    """
    now = clock.now(session)
    book = ledger.lock(session, shop.id, [customer_id]).get(customer_id)
    asked = purchases.ask(ledger.raw(session), shop.id, customer_id, reward_id, request_key, now)
    if asked is None:
        raise NotFound("This reward does not exist any more.")
    if book is None:
        raise NotEnoughPoints("There are no points to spend yet.")
    if asked.before is not None:
        return _repeated(queries.redemption(session, shop, asked.before), asked.reward, points)
    book.lots = asked.lots
    made = _Purchase(session, shop, book, asked.reward, request_key, actor, now).made(points)
    if asked.reward.expires_by == "inactivity":
        activity.follow(session, shop, queries.program(session, shop, now), [customer_id])
    return made


def _repeated(before: Redemption, reward: Wanted, points: int | None) -> Redemption:
    if before.reward_id != reward.id or points not in (None, before.points):
        raise RequestReused("This request was already used for another reward. Load the page again.")
    return before


class _Purchase:
    """One purchase under the account's lock, step by step."""

    def __init__(
        self, session: Session, shop: Shop, book: Book, reward: Wanted, request_key: str, actor: str, now: datetime
    ) -> None:
        self.session, self.shop, self.book, self.reward = session, shop, book, reward
        self.request_key, self.actor, self.now = request_key, actor, now
        self.terms: Terms = terms.read(reward.raw_terms)

    def made(self, points: int | None) -> Redemption:
        """Everything written. Raises what `redeem` raises."""
        reward = self.reward
        if terms.stand(reward.active, reward.archived, self.terms, Limits(), 0, self.now) is not Stand.ACTIVE:
            raise RewardPaused("“%(reward)s” is not available at the moment.", reward=reward.name)
        self._check_side()
        offered = terms.offer(reward.cost_points, self._value(), self.terms, points)
        self.book.require(offered.points, self.now)
        self._check_how_often()
        return self._write(self._redemption(offered))

    def _check_side(self) -> None:
        """Whoever is held out has no benefits; a shopper is not told that there is a comparison."""
        salt, percent = self.reward.holdout_salt, self.reward.holdout_percent
        if not salt or not percent or holdout.arm(salt, percent, self.book.customer_id) != holdout.HOLDOUT:
            return
        if self.actor:
            raise RewardPaused("This customer is held out of the programme, so that its profit can be measured.")
        raise RewardPaused("“%(reward)s” is not available at the moment.", reward=self.reward.name)

    def _value(self) -> int:
        """What the reward is worth; a product, what it costs today."""
        if self.reward.kind != "free_product":
            return self.reward.value_minor
        key = (self.shop.id, self.terms.product_id, self.terms.variant_id)
        variant = self.session.get(Variant, key)
        return variant.price_minor if variant is not None else self.reward.value_minor

    def _check_how_often(self) -> None:
        most = self.terms.per_customer
        if most is None:
            return
        since = terms.since(self.terms.per_period, self.now, self.shop.timezone)
        mine = Redemption.shop_id == self.shop.id, Redemption.customer_id == self.book.customer_id
        bought = select(func.count()).where(*mine, Redemption.reward_id == self.reward.id, tallies.STANDS)
        count = self.session.scalar(bought if since is None else bought.where(Redemption.created_at >= since))
        if (count or 0) >= most:
            raise TooOften("You have had “%(reward)s” as often as it is given.", reward=self.reward.name)

    def _redemption(self, offered: Offer) -> dict[str, Any]:
        """The row of the redemption; stock and budget are guarded by the tally, when everything else is written."""
        reward = self.reward
        ends = days_later(self.now, reward.valid_days, self.shop.timezone)
        return {
            "shop_id": self.shop.id,
            "id": reward.number,
            "customer_id": self.book.customer_id,
            "reward_id": reward.id,
            "reward_version": reward.version,
            "kind": reward.kind,
            "request_key": self.request_key,
            "points": offered.points,
            "value_minor": offered.value_minor,
            "currency": reward.currency,
            "minimum_minor": reward.minimum_minor,
            "cost_minor": terms.cost(reward.kind, offered, self.terms, reward.each_minor),
            "comes_back": self.terms.comes_back,
            "code": code_name(self.shop, self.book.customer_id, self.request_key, reward.points_many, reward.kind),
            "state": "reserved",
            "created_at": self.now,
            "expires_at": marked(ends, reward.number) if reward.kind == "store_credit" else ends,
        }

    def _write(self, row: dict[str, Any]) -> Redemption:
        if not self.reward.tallied:
            tallies.begin(self.session, self.shop, self.reward.id)
        uses = self.book.spend(self._entry(row), self.now)
        month = terms.month_of(self.now, self.shop.timezone)
        effect, cursor = (KIND_OF_EFFECT[row["kind"]], self._payload(row)), ledger.raw(self.session)
        if not purchases.write(cursor, row, self.book, uses, effect, month):
            raise tallies.why_not(self.session, self.shop, self.reward.id, self.reward.name)
        return _known(self.session, row)

    def _entry(self, row: dict[str, Any]) -> Entry:
        told = {"points": -row["points"], "reward": self.reward.name, "value_minor": row["value_minor"]}
        told |= {"currency": row["currency"]}
        return Entry(
            row["customer_id"], "redeem", -row["points"], "rewards", f"redeem:{row['id']}", self.now, told,
            redemption_id=row["id"], actor=self.actor,
        )  # fmt: skip

    def _payload(self, row: dict[str, Any]) -> dict[str, Any]:
        """What the store is asked for; ids and figures, nobody's name."""
        minimum, currency = row["minimum_minor"], row["currency"]
        return {
            "redemption_id": row["id"],
            "kind": row["kind"],
            "code": row["code"],
            "title": self.reward.name,
            "customer_id": row["customer_id"],
            "amount": str(major(row["value_minor"], currency)),
            "currency": currency,
            "percent_bp": self.terms.percent_bp,
            "minimum": str(major(minimum, currency)) if minimum else None,
            "products": list(self.terms.products),
            "collections": list(self.terms.collections),
            "variant_id": self.terms.variant_id,
            "combines": list(self.terms.combines),
            "starts_at": (self.now - CLOCK_SKEW).isoformat(),
            "ends_at": row["expires_at"].isoformat(),
        }


def _known(session: Session, row: dict[str, Any]) -> Redemption:
    """The row just written, as the session would have loaded it."""
    redemption = Redemption(**row)
    make_transient_to_detached(redemption)
    session.add(redemption)
    return redemption


def marked(moment: datetime, redemption_id: int) -> datetime:
    """The same hour, its seconds made of the redemption's number: credit has no other name to be found by."""
    return moment.replace(minute=0, second=0, microsecond=0) + timedelta(seconds=redemption_id % 3600)


def code_name(shop: Shop, customer_id: int, request_key: str, points_many: str | None, kind: str = "amount_off") -> str:
    """A code that repeats for the same click and cannot be guessed: "BEANS-" and twelve letters of a keyed hash.

    A gift card's code has no dash and no name: sixteen letters.
    """
    secret = base64.b32encode(keyed("discount code", shop.id, customer_id, request_key)).decode()
    if kind == "gift_card":
        return secret[:CARD_LETTERS]
    name = "".join(c for c in (points_many or "").upper() if "A" <= c <= "Z")
    return f"{name[:10] or 'REWARD'}-{secret[:CODE_LETTERS]}"


def issue(session: Session, shop: Shop, redemption_id: int, gid: str) -> Redemption | None:
    """The store has what was bought. None when the redemption went on without waiting (used, returned, ending).

    Credit is the customer's from that moment, so it counts as used.
    """
    one = select(Redemption).where(Redemption.shop_id == shop.id, Redemption.id == redemption_id)
    redemption = session.scalar(one.with_for_update(), execution_options={"populate_existing": True})
    if redemption is None or redemption.state != "reserved":
        return None
    redemption.state = "used" if redemption.kind == "store_credit" else "issued"
    redemption.discount_gid, redemption.issued_at = gid, clock.now(session)
    session.flush()
    return redemption


_CODES = """
    SELECT o.id, unnest(o.discount_codes), o.subtotal_minor, o.discount_minor
    FROM unnest(%(ids)b::bigint[]) AS i (id)
    CROSS JOIN LATERAL (
        SELECT id, discount_codes, subtotal_minor, discount_minor
        FROM orders WHERE shop_id = %(shop)s AND id = i.id AND NOT test OFFSET 0
    ) AS o
"""
UNUSED = ("reserved", "issued", "ending", "expired", "returned")


def use_codes(session: Session, shop: Shop, order_ids: Collection[int]) -> None:
    """Redemptions whose code stands on one of these orders were used by it, the first of them.

    One that was returned meanwhile is late: its points are taken again (returning.take_again).
    """
    if not order_ids:
        return
    found = ledger.raw(session).execute(_CODES, {"shop": shop.id, "ids": sorted(order_ids, reverse=True)})
    first = {code.upper(): (order_id, (goods, discounts)) for order_id, code, goods, discounts in found}
    if not first:
        return
    mine = Redemption.shop_id == shop.id, Redemption.code.in_(first), Redemption.state.in_(UNUSED)
    bought = select(Redemption, Reward.terms).join(
        Reward, (Reward.shop_id == Redemption.shop_id) & (Reward.id == Redemption.reward_id)
    )
    locked = bought.where(*mine).order_by(Redemption.id).with_for_update(of=Redemption)
    for redemption, said in session.execute(locked).all():
        redemption.used_order_id, order = first[redemption.code]
        redemption.state = "late" if redemption.state == "returned" else "used"
        percent = terms.read(said).percent_bp
        redemption.spent_minor = terms.measured(
            redemption.kind, redemption.cost_minor, redemption.value_minor, percent, order
        )
    session.flush()

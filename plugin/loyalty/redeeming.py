"""Buying a reward with points, giving it back, and noticing that it was used."""

from __future__ import annotations

import base64
from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from plugin import clock
from plugin.crypto.secrets import keyed
from plugin.effects import operations as effects
from plugin.errors import NotFound, Refused
from plugin.loyalty import ledger, queries
from plugin.loyalty.lots import Book, Entry, NotEnoughPoints, Use
from plugin.loyalty.models import LotUse, Redemption, Reward
from plugin.loyalty.rules import ProgramRules, days_later
from plugin.money import major
from plugin.shops.models import Shop

_CODES = """
    SELECT o.id, unnest(o.discount_codes) FROM unnest(%(ids)b::bigint[]) AS i (id)
    CROSS JOIN LATERAL (
        SELECT id, discount_codes FROM orders WHERE shop_id = %(shop)s AND id = i.id AND NOT test OFFSET 0
    ) AS o
"""
CODE_KIND = "discount_code"
END_KIND = "discount_code_end"
CODE_LETTERS = 12  # of base32: 60 bits that cannot be guessed
CLOCK_SKEW = timedelta(minutes=5)  # the store's clock may be behind ours, and the code must work at once


class RewardPaused(Refused):
    """The merchant has paused this reward."""


class RequestReused(Refused):
    """The same request key already bought another reward."""


class NotReturnable(Refused):
    """A used or already returned redemption cannot be given back."""


def redeem(session: Session, shop: Shop, customer_id: int, reward_id: int, request_key: str) -> Redemption:
    """Buy a reward: points out, a personal code recorded as an effect. The same click twice is one redemption.

    Raises NotFound, RewardPaused, RequestReused, NotEnoughPoints.
    """
    reward = queries.reward(session, shop, reward_id)
    book = ledger.lock(session, shop.id, [customer_id]).get(customer_id)
    if book is None:
        raise NotEnoughPoints("There are no points to spend yet.")
    before = _same_click(session, shop, customer_id, request_key)
    if before is not None:
        return _repeated(before, reward)
    if not reward.active:
        raise RewardPaused("“%(reward)s” is not available at the moment.", reward=reward.name)
    return _buy(session, shop, book, reward, request_key)


def _same_click(session: Session, shop: Shop, customer_id: int, request_key: str) -> Redemption | None:
    same = Redemption.shop_id == shop.id, Redemption.customer_id == customer_id, Redemption.request_key == request_key
    return session.scalar(select(Redemption).where(*same))


def _repeated(before: Redemption, reward: Reward) -> Redemption:
    if before.reward_id != reward.id:
        raise RequestReused("This request was already used for another reward. Load the page again.")
    return before


def _buy(session: Session, shop: Shop, book: Book, reward: Reward, request_key: str) -> Redemption:
    now = clock.now(session)
    ledger.load_open_lots(session, shop.id, [book])
    book.require(reward.cost_points, now)
    redemption = _redemption(session, shop, book.customer_id, reward, request_key, now)
    told = {"points": -reward.cost_points, "reward": reward.name, "value_minor": reward.value_minor}
    entry = Entry(
        book.customer_id,
        "redeem",
        -reward.cost_points,
        "rewards",
        f"redeem:{redemption.id}",
        now,
        told | {"currency": reward.currency},
        redemption_id=redemption.id,
    )
    uses = book.spend(entry, now)
    ledger.write(session, shop.id, [book], now)
    rows = [{"shop_id": shop.id, "redemption_id": redemption.id, "lot_id": u.lot_id, "points": u.points} for u in uses]
    session.execute(insert(LotUse), rows)
    effects.record(session, shop.id, CODE_KIND, str(redemption.id), _payload(redemption, reward), urgent=True)
    return redemption


def _redemption(
    session: Session, shop: Shop, customer_id: int, reward: Reward, request_key: str, now: datetime
) -> Redemption:
    redemption = Redemption(
        shop_id=shop.id,
        customer_id=customer_id,
        reward_id=reward.id,
        request_key=request_key,
        points=reward.cost_points,
        value_minor=reward.value_minor,
        currency=reward.currency,
        minimum_minor=reward.minimum_minor,
        code=code_name(shop, customer_id, request_key, queries.program(session, shop, now)),
        state="reserved",
        created_at=now,
        expires_at=days_later(now, reward.valid_days, shop.timezone),
    )
    session.add(redemption)
    session.flush()
    return redemption


def code_name(shop: Shop, customer_id: int, request_key: str, program: ProgramRules | None) -> str:
    """A code that repeats for the same click and cannot be guessed: "BEANS-" and twelve letters of a keyed hash."""
    secret = base64.b32encode(keyed("discount code", shop.id, customer_id, request_key))
    name = "".join(c for c in (program.points_many if program else "").upper() if "A" <= c <= "Z")
    return f"{name[:10] or 'REWARD'}-{secret[:CODE_LETTERS].decode()}"


def _payload(redemption: Redemption, reward: Reward) -> dict[str, object]:
    return {
        "redemption_id": redemption.id,
        "code": redemption.code,
        "title": reward.name,
        "customer_id": redemption.customer_id,
        "amount": str(major(redemption.value_minor, redemption.currency)),
        "minimum": str(major(redemption.minimum_minor, redemption.currency)) if redemption.minimum_minor else None,
        "starts_at": (redemption.created_at - CLOCK_SKEW).isoformat(),
        "ends_at": redemption.expires_at.isoformat(),
    }


def issue(session: Session, shop: Shop, redemption_id: int, discount_gid: str) -> Redemption | None:
    """The store has the code. None when the redemption went on without waiting (used, returned)."""
    now = clock.now(session)
    waiting = Redemption.shop_id == shop.id, Redemption.id == redemption_id, Redemption.state == "reserved"
    issued = update(Redemption).where(*waiting).values(state="issued", discount_gid=discount_gid, issued_at=now)
    return session.scalars(issued.returning(Redemption), execution_options={"populate_existing": True}).first()


def return_redemption(session: Session, shop: Shop, redemption_id: int, actor: str = "", reason: str = "") -> None:
    """Give the points back: debt first, the rest into its own lots with their dates. Twice is once.

    Raises NotFound, or NotReturnable when the code was used.
    """
    redemption = _locked(session, shop, redemption_id)
    if redemption.state == "returned":
        return
    if redemption.state == "used":
        raise NotReturnable("The code of this reward was already used in an order.")
    book = ledger.lock(session, shop.id, [redemption.customer_id])[redemption.customer_id]
    _give_back(session, shop, book, redemption, actor, reason)


def _locked(session: Session, shop: Shop, redemption_id: int) -> Redemption:
    """Redemptions are locked before accounts, as a drain does that first marks codes and then settles."""
    one = select(Redemption).where(Redemption.shop_id == shop.id, Redemption.id == redemption_id)
    found = session.scalar(one.with_for_update(), execution_options={"populate_existing": True})
    if found is None:
        raise NotFound("This redemption does not exist.")
    return found


def _give_back(session: Session, shop: Shop, book: Book, redemption: Redemption, actor: str, reason: str) -> None:
    now = clock.now(session)
    mine = LotUse.shop_id == shop.id, LotUse.redemption_id == redemption.id
    uses = [
        Use(lot_id, points) for lot_id, points in session.execute(select(LotUse.lot_id, LotUse.points).where(*mine))
    ]
    ledger.load_lots(session, shop.id, {book.customer_id: book}, [use.lot_id for use in uses])
    entry = Entry(
        book.customer_id,
        "return",
        redemption.points,
        "rewards",
        f"return:{redemption.id}",
        now,
        {"points": redemption.points, "reason": reason},
        redemption_id=redemption.id,
        actor=actor,
    )
    book.give_back(entry, uses, now)
    redemption.state = "returned"
    ledger.write(session, shop.id, [book], now)
    if redemption.discount_gid:
        end_code(session, shop, redemption.id, redemption.discount_gid)


def end_code(session: Session, shop: Shop, redemption_id: int, discount_gid: str) -> None:
    """The points are back, so the code must not work any more."""
    effects.record(session, shop.id, END_KIND, str(redemption_id), {"discount_gid": discount_gid})


def use_codes(session: Session, shop: Shop, order_ids: Collection[int]) -> None:
    """Redemptions whose code stands on one of these orders were used by it, the first of them."""
    if not order_ids:
        return
    found = ledger.raw(session).execute(_CODES, {"shop": shop.id, "ids": sorted(order_ids, reverse=True)})
    first = {code.upper(): order_id for order_id, code in found}
    if not first:
        return
    unused = Redemption.state.in_(("reserved", "issued"))
    bought = select(Redemption).where(Redemption.shop_id == shop.id, Redemption.code.in_(first), unused)
    for redemption in session.scalars(bought.order_by(Redemption.id).with_for_update()):
        redemption.state, redemption.used_order_id = "used", first[redemption.code]
    session.flush()

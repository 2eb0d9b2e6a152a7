"""Reads of programs, accounts and the ledger. Points are shown as of `now`, whether or not a sweep has passed yet."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from plugin.commerce.models import CustomerMerge
from plugin.errors import NotFound
from plugin.loyalty import document
from plugin.loyalty.lots import Book, Lot
from plugin.loyalty.models import PointAccount, PointEntry, PointLot, PointNote, Program, Redemption, Reward, Tier
from plugin.loyalty.rules import WHEN_FULFILLED, ProgramRules, TierRules, program_at
from plugin.loyalty.tiers import terms
from plugin.shops.models import Shop


def programs(session: Session, shop: Shop) -> tuple[ProgramRules, ...]:
    """All versions with their tiers, oldest first."""
    tiers: dict[int, list[TierRules]] = {}
    ladder = select(Tier).where(Tier.shop_id == shop.id).order_by(Tier.program_id, Tier.position, Tier.threshold_minor)
    for tier in session.scalars(ladder):
        tiers.setdefault(tier.program_id, []).append(tier_rules(tier))
    versions = select(Program).where(Program.shop_id == shop.id).order_by(Program.valid_from)
    return tuple(program_rules(p, tiers.get(p.id, ())) for p in session.scalars(versions))


def authors(session: Session, shop: Shop) -> dict[int, tuple[str, datetime]]:
    """Who saved each version, and when."""
    rows = session.execute(
        select(Program.version, Program.created_by, Program.created_at).where(Program.shop_id == shop.id)
    )
    return {version: (actor, at) for version, actor, at in rows}


def tier_rules(tier: Tier) -> TierRules:
    origin, said = tier.origin or tier.id, terms.read(tier.terms)
    return TierRules(tier.id, tier.name, tier.threshold_minor, tier.rate_num, tier.rate_den, origin, said)


def program_rules(program: Program, tiers: Sequence[TierRules]) -> ProgramRules:
    columns = {name: getattr(program, name) for name in ProgramRules._fields if name not in ("tiers", "document")}
    return ProgramRules(**columns, tiers=tuple(tiers), document=document.read(program.rules))


def program(session: Session, shop: Shop, moment: datetime) -> ProgramRules | None:
    """The version in force at a moment, None before the first."""
    return program_at(programs(session, shop), moment)


def latest_program(session: Session, shop: Shop) -> ProgramRules | None:
    """The newest version, in force or not."""
    known = programs(session, shop)
    return known[-1] if known else None


@dataclass(frozen=True)
class Account:
    """A customer's points at a moment. `expiring` is what is lost at `expiring_at` unless spent first."""

    customer_id: int
    available: int = 0
    pending: int = 0
    debt: int = 0
    pending_until: datetime | None = None
    expiring: int = 0
    expiring_at: datetime | None = None
    member: bool = False


def shown_balance(account: Account, program: ProgramRules | None) -> int:
    """The balance as people read it: below zero where the programme shows what is owed as a minus."""
    minus = program is not None and program.document.earn.shortfall == "negative"
    return account.available - account.debt if minus else account.available


def account(session: Session, shop: Shop, customer_id: int, now: datetime) -> Account:
    """Points as of `now`; all zero for somebody without an account."""
    key = (shop.id, customer_id)
    row = session.get(PointAccount, key, populate_existing=True)
    if row is None:
        return Account(customer_id)
    book = Book(customer_id, row.available, row.pending, row.debt, lots=_open_lots(session, shop, customer_id))
    book.bring_up_to(now)
    days = [lot.available_at for lot in book.lots if lot.pending and lot.remaining]
    pending = [day for day in days if day != WHEN_FULFILLED]
    expiring_at, expiring = _next_expiry(book, now)
    return Account(
        customer_id,
        book.available,
        book.pending,
        book.debt,
        min(pending, default=None),
        expiring,
        expiring_at,
        member=True,
    )


def _open_lots(session: Session, shop: Shop, customer_id: int) -> list[Lot]:
    names = [name for name in Lot.__slots__ if name != "changed"]
    columns = [getattr(PointLot, name) for name in names]
    mine = PointLot.shop_id == shop.id, PointLot.customer_id == customer_id, PointLot.remaining > 0
    return [Lot(*row) for row in session.execute(select(*columns).where(*mine))]


def _next_expiry(book: Book, now: datetime) -> tuple[datetime | None, int]:
    dates = [lot.expires_at for lot in book.lots if lot.usable(now) and lot.expires_at is not None]
    if not dates:
        return None, 0
    first = min(dates)
    return first, sum(lot.remaining for lot in book.lots if lot.usable(now) and lot.expires_at == first)


def entries(
    session: Session, shop: Shop, customer_id: int, before: int | None = None, limit: int = 50
) -> Sequence[PointEntry]:
    """A customer's ledger, newest first; `before` is the id of the last one seen."""
    mine = PointEntry.shop_id == shop.id, PointEntry.customer_id == customer_id
    newest = select(PointEntry).where(*mine).order_by(PointEntry.id.desc()).limit(limit)
    return session.scalars(newest if before is None else newest.where(PointEntry.id < before)).all()


def entry(session: Session, shop: Shop, entry_id: int) -> PointEntry:
    """One ledger line. Raises NotFound."""
    found = session.get(PointEntry, (shop.id, entry_id))
    if found is None:
        raise NotFound("This ledger entry does not exist.")
    return found


def notes(session: Session, shop: Shop, entry_ids: Collection[int]) -> dict[int, str]:
    """Why staff moved points by hand, in their own words, by entry."""
    mine = PointNote.shop_id == shop.id, PointNote.entry_id.in_(list(entry_ids))
    return dict(iter(session.execute(select(PointNote.entry_id, PointNote.note).where(*mine))))


def entries_of_orders(session: Session, shop: Shop, order_ids: Collection[int]) -> Sequence[PointEntry]:
    """What was posted for these orders, oldest first."""
    of_orders = PointEntry.shop_id == shop.id, PointEntry.order_id.in_(list(order_ids))
    return session.scalars(select(PointEntry).where(*of_orders).order_by(PointEntry.id)).all()


def rewards(session: Session, shop: Shop, active_only: bool = False) -> Sequence[Reward]:
    """What points buy, cheapest first; what is archived left out."""
    there = Reward.shop_id == shop.id, Reward.archived_at.is_(None)
    known = select(Reward).where(*there).order_by(Reward.cost_points, Reward.id)
    return session.scalars(known.where(Reward.active) if active_only else known).all()


def reward(session: Session, shop: Shop, reward_id: int) -> Reward:
    """One reward. Raises NotFound."""
    found = session.get(Reward, (shop.id, reward_id))
    if found is None:
        raise NotFound("This reward does not exist any more.")
    return found


def redemptions(session: Session, shop: Shop, customer_id: int, limit: int = 50) -> Sequence[Redemption]:
    """A customer's redemptions, newest first."""
    mine = Redemption.shop_id == shop.id, Redemption.customer_id == customer_id
    return session.scalars(select(Redemption).where(*mine).order_by(Redemption.id.desc()).limit(limit)).all()


def redemption(session: Session, shop: Shop, redemption_id: int, customer_id: int | None = None) -> Redemption:
    """One redemption, of this customer when one is named. Raises NotFound."""
    found = session.get(Redemption, (shop.id, redemption_id), populate_existing=True)
    if found is None or customer_id not in (None, found.customer_id):
        raise NotFound("This redemption does not exist.")
    return found


@dataclass(frozen=True)
class Figures:
    """The program in numbers. `outstanding` is what customers hold, pending points included, less their debts."""

    members: int
    outstanding: int
    available: int
    pending: int
    earned: int
    redeemed: int
    redemptions: int
    used: int


def figures(session: Session, shop: Shop, since: datetime, until: datetime) -> Figures:
    """Now: members and points held. Within [since, until): points earned and redeemed, redemptions, codes used."""
    counts = [func.coalesce(func.sum(column), 0) for column in _HELD]
    held = select(func.count().label("members"), counts[0], counts[1], counts[2])
    members, available, pending, debt = session.execute(held.where(*_members(shop))).one()
    within = and_(PointEntry.shop_id == shop.id, PointEntry.created_at >= since, PointEntry.created_at < until)
    moved = select(
        func.coalesce(func.sum(PointEntry.points).filter(PointEntry.kind.in_(("earn", "claw"))), 0),
        func.coalesce(-func.sum(PointEntry.points).filter(PointEntry.kind.in_(("redeem", "return"))), 0),
    ).where(within)
    earned, redeemed = session.execute(moved).one()
    bought = Redemption.shop_id == shop.id, Redemption.created_at >= since, Redemption.created_at < until
    counted = select(func.count(), func.count().filter(Redemption.state == "used")).where(*bought)
    count, used = session.execute(counted).one()
    held_now = int(available + pending - debt)
    return Figures(members, held_now, int(available), int(pending), int(earned), int(redeemed), count, used)


def _members(shop: Shop) -> tuple[Any, ...]:
    """Accounts of people: not the empty ones of customers who were merged."""
    merged = select(CustomerMerge.from_id).where(CustomerMerge.shop_id == shop.id)
    return PointAccount.shop_id == shop.id, PointAccount.customer_id.not_in(merged)


_HELD = (PointAccount.available, PointAccount.pending, PointAccount.debt)


def customers_with_due_lots(session: Session, shop: Shop, now: datetime, limit: int) -> list[int]:
    """Customers of whose lots one has matured or expired since the last look."""
    maturing = and_(PointLot.pending, PointLot.remaining > 0, PointLot.available_at <= now)
    expiring = and_(~PointLot.pending, PointLot.remaining > 0, PointLot.expires_at <= now)
    of_shop = PointLot.shop_id == shop.id
    first = select(PointLot.customer_id).where(of_shop, maturing).order_by(PointLot.available_at).limit(limit)
    second = select(PointLot.customer_id).where(of_shop, expiring).order_by(PointLot.expires_at).limit(limit)
    found = {*session.scalars(first), *session.scalars(second)}
    return sorted(found)[:limit]


def tier_counts(session: Session, shop: Shop) -> dict[int | None, int]:
    """Members by tier id, at the last look."""
    counts = select(PointAccount.tier_id, func.count()).where(*_members(shop))
    return dict(session.execute(counts.group_by(PointAccount.tier_id)).all())

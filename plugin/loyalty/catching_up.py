"""Long work in small steps, each its own transaction that remembers its place: kill it anywhere and it goes on.

Three of them: what time does to rewards, settling the orders from before the first program was saved, and telling every
account its present tier after the tiers changed and once a day (a window rolls on without any order).
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin import clock
from plugin.commerce.models import Order
from plugin.loyalty import queries, returning, shelves
from plugin.loyalty.acting.deciding import settle_deeds
from plugin.loyalty.acting.sweeping import sweep
from plugin.loyalty.document import PLAIN
from plugin.loyalty.mails import news
from plugin.loyalty.models import PointAccount, Program
from plugin.loyalty.referring.paying import settle_referrals
from plugin.loyalty.replaying import running as replays
from plugin.loyalty.settling import settle_due, settle_orders
from plugin.loyalty.tiers import evaluating, marking, telling
from plugin.loyalty.tiers.following import follow_tiers
from plugin.shops.models import Shop

STEP = 500


def catch_up(session: Session, shop: Shop) -> bool:
    """One step of whatever waits; whether something may be left to do."""
    # Alone: these lock before accounts.
    if settle_referrals(session, shop) or returning.keep(session, shop) or telling.tell(session, shop):
        return True
    if sweep(session, shop) or settle_deeds(session, shop):
        return True
    waiting = _settle_history(session, shop) or _tell_tiers(session, shop) or settle_due(session, shop, STEP) == STEP
    return waiting or bool(news.tell(session, shop)) or replays.step(session, shop)


def _settle_history(session: Session, shop: Shop) -> bool:
    program = _waiting(session, shop, Program.history_after.is_not(None))
    if program is None or shelves.are_awaited(session, shop):
        return False
    later = Order.shop_id == shop.id, Order.id > (program.history_after or 0), Order.processed_at >= program.valid_from
    ids = list(session.scalars(select(Order.id).where(*later).order_by(Order.id).limit(STEP)))
    program.history_after = ids[-1] if len(ids) == STEP else None
    settle_orders(session, shop, ids)
    return True


def _waiting(session: Session, shop: Shop, *wanted: object) -> Program | None:
    """The version with work left, locked; None when another worker has it."""
    one = select(Program).where(Program.shop_id == shop.id, *wanted).order_by(Program.version.desc()).limit(1)  # type: ignore[arg-type]
    return session.scalar(one.with_for_update(skip_locked=True), execution_options={"populate_existing": True})


def _tell_tiers(session: Session, shop: Shop) -> bool:
    now = clock.now(session)
    program = _waiting(
        session, shop, Program.valid_from <= now, (Program.valid_to.is_(None)) | (Program.valid_to > now)
    )
    if program is None or not _is_stale(program, shop, session):
        return False
    after, is_first = program.accounts_after or 0, program.accounts_seen_at is None
    program.accounts_after = _tell_next(session, shop, after, is_first, now)
    program.accounts_seen_at = program.accounts_seen_at if program.accounts_after else now
    return True


def _tell_next(session: Session, shop: Shop, after: int, is_first: bool, now: datetime) -> int | None:
    """The next accounts after a customer, many at once where one number decides; up to whom, None at the end.

    The first time under a version, what the store carries may be another thing for everybody.
    """
    rules = queries.program(session, shop, now)
    ladder = rules.document.tiers if rules else PLAIN.tiers
    if rules and evaluating.can(rules) and not (is_first and marking.is_used(session, shop, ladder)):
        return evaluating.follow(session, shop, rules, after, now)[0]
    mine = PointAccount.shop_id == shop.id, PointAccount.customer_id > after
    query = select(PointAccount.customer_id).where(*mine).order_by(PointAccount.customer_id).limit(STEP)
    ids = list(session.scalars(query))
    follow_tiers(session, shop, ids)
    marking.mark(session, shop, ids)
    return ids[-1] if len(ids) == STEP else None


def _is_stale(program: Program, shop: Shop, session: Session) -> bool:
    if program.accounts_after is not None or program.accounts_seen_at is None:
        return True
    return program.accounts_seen_at < clock.today(clock.now(session), shop.timezone)


def history_left(session: Session, shop: Shop) -> bool:
    """Whether past orders are still being settled."""
    return any(program.history_after is not None for program in _versions(session, shop))


def _versions(session: Session, shop: Shop) -> list[Program]:
    return list(session.scalars(select(Program).where(Program.shop_id == shop.id)))

"""More time for points that are there, and expired ones given back: for one customer or for everybody, with a way back.

Both go customer by customer in steps, each its own transaction that remembers its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import insert, select, text
from sqlalchemy.orm import Session

from plugin import clock
from plugin.commerce import merges
from plugin.errors import Invalid, NotFound, Refused
from plugin.loyalty import ledger
from plugin.loyalty.expiry.models import ExpiryChange, ExpiryChangeLot
from plugin.loyalty.lots import Book, Entry, Lot
from plugin.loyalty.rules import days_later
from plugin.shops import operations as shops
from plugin.shops.models import Shop

STEP = 300
MOST_DAYS = 3650
_OPEN = """
    SELECT DISTINCT customer_id FROM point_lots WHERE shop_id = :shop AND remaining > 0 AND expires_at > :now
        AND customer_id > :after AND (CAST(:one AS bigint) IS NULL OR customer_id = :one)
    ORDER BY customer_id LIMIT :step
"""
_EXPIRED = """
    SELECT DISTINCT customer_id FROM point_lots WHERE shop_id = :shop AND expired > 0 AND expires_at >= :since
        AND customer_id > :after AND (CAST(:one AS bigint) IS NULL OR customer_id = :one)
    ORDER BY customer_id LIMIT :step
"""
_EXPIRED_LOTS = """
    SELECT id FROM point_lots
    WHERE shop_id = :shop AND customer_id = ANY (:customers) AND expired > 0 AND expires_at >= :since
"""


def extend(
    session: Session, shop: Shop, days: int, reason: str, actor: str, customer_id: int | None = None
) -> ExpiryChange:
    """Points that have not expired expire so many days later; those of everybody unless a customer is named.

    Raises Invalid, NotFound.
    """
    return _begin(session, shop, "extend", days, reason, actor, customer_id, None)


def reinstate(
    session: Session,
    shop: Shop,
    days: int,
    reason: str,
    actor: str,
    expired_within_days: int,
    customer_id: int | None = None,
) -> ExpiryChange:
    """Points that expired within the last days come back, for so many days from now; debts are paid first.

    Raises Invalid, NotFound.
    """
    if not 1 <= expired_within_days <= MOST_DAYS:
        raise Invalid("Enter between 1 and %(most)s days.", "within", most=MOST_DAYS)
    since = days_later(clock.now(session), -expired_within_days, shop.timezone)
    return _begin(session, shop, "reinstate", days, reason, actor, customer_id, since)


def _begin(
    session: Session,
    shop: Shop,
    kind: str,
    days: int,
    reason: str,
    actor: str,
    customer_id: int | None,
    since: datetime | None,
) -> ExpiryChange:
    if not 1 <= days <= MOST_DAYS:
        raise Invalid("Enter between 1 and %(most)s days.", "days", most=MOST_DAYS)
    if not reason.strip():
        raise Invalid("Say why: the reason stands in the list of changes.", "reason")
    if customer_id is not None:
        customer_id = merges.kept_for(session, shop.id, customer_id)
        if not ledger.lock(session, shop.id, [customer_id]):
            raise NotFound("This customer does not exist.")
    change = ExpiryChange(
        shop_id=shop.id,
        kind=kind,
        customer_id=customer_id,
        days=days,
        since=since,
        reason=reason.strip(),
        actor=actor,
        created_at=clock.now(session),
    )
    session.add(change)
    session.flush()
    told = {"days": days, "customer": customer_id, "since": since.isoformat() if since else None}
    shops.audit(session, shop, actor, f"expiry.{kind}", f"expiry_change:{change.id}", None, told)
    if customer_id is not None:
        while step(session, shop):
            pass
    return change


def undo(session: Session, shop: Shop, change_id: int, actor: str) -> ExpiryChange:
    """Dates as they were before, and points that were given back expire again as far as they are still there.

    A lot whose date moved again since keeps its date. Raises NotFound, Refused.
    """
    one = select(ExpiryChange).where(ExpiryChange.shop_id == shop.id, ExpiryChange.id == change_id)
    change = session.scalar(one.with_for_update(), execution_options={"populate_existing": True})
    if change is None:
        raise NotFound("This change does not exist.")
    if change.state not in ("done", "running"):
        raise Refused("This change was undone already.")
    change.state, change.after_customer, change.undone_by = "undoing", 0, actor
    session.flush()
    shops.audit(session, shop, actor, "expiry.undo", f"expiry_change:{change.id}")
    if change.customer_id is not None:
        while step(session, shop):
            pass
    return change


def step(session: Session, shop: Shop) -> bool:
    """The next customers of a change that is under way; whether something may be left."""
    open_ = ExpiryChange.shop_id == shop.id, ExpiryChange.state.in_(("running", "undoing"))
    one = select(ExpiryChange).where(*open_).order_by(ExpiryChange.id).limit(1).with_for_update(skip_locked=True)
    change = session.scalar(one, execution_options={"populate_existing": True})
    if change is None:
        return False
    now = clock.now(session)
    wanted = _touched(session, shop, change) if change.state == "undoing" else _waiting(session, shop, change, now)
    books = ledger.lock(session, shop.id, wanted) if wanted else {}
    act = {"extend": _extend, "reinstate": _reinstate, "undoing": _undo}
    act[change.kind if change.state == "running" else "undoing"](session, shop, change, books, now)
    ledger.write(session, shop.id, books.values(), now)
    if len(wanted) < STEP:
        change.state = "done" if change.state == "running" else "undone"
    else:
        change.after_customer = max(wanted)
    session.flush()
    return True


def changes(session: Session, shop: Shop, limit: int = 20) -> Sequence[ExpiryChange]:
    """The newest changes first."""
    newest = select(ExpiryChange).where(ExpiryChange.shop_id == shop.id).order_by(ExpiryChange.id.desc())
    return session.scalars(newest.limit(limit)).all()


def _waiting(session: Session, shop: Shop, change: ExpiryChange, now: datetime) -> list[int]:
    asked = {"shop": shop.id, "after": change.after_customer, "one": change.customer_id, "step": STEP}
    query = text(_OPEN if change.kind == "extend" else _EXPIRED)
    return list(session.scalars(query, asked | {"now": now, "since": change.since}))


def _touched(session: Session, shop: Shop, change: ExpiryChange) -> list[int]:
    """Whose lots a change touched; a merged customer's are with who is kept."""
    mine = ExpiryChangeLot.shop_id == shop.id, ExpiryChangeLot.change_id == change.id
    query = select(ExpiryChangeLot.customer_id).where(*mine, ExpiryChangeLot.customer_id > change.after_customer)
    return list(session.scalars(query.distinct().order_by(ExpiryChangeLot.customer_id).limit(STEP)))


def _extend(session: Session, shop: Shop, change: ExpiryChange, books: dict[int, Book], now: datetime) -> None:
    ledger.load_open_lots(session, shop.id, books.values())
    rows = []
    for book in books.values():
        book.bring_up_to(now)
        for lot in book.lots:
            if lot.remaining and lot.expires_at is not None and not lot.dead(now):
                after = days_later(lot.expires_at, change.days, shop.timezone)
                rows.append(_row(change, lot, lot.remaining, after))
                book.move_expiry(lot, after)
    _keep(session, change, rows)


def _reinstate(session: Session, shop: Shop, change: ExpiryChange, books: dict[int, Book], now: datetime) -> None:
    asked = {"shop": shop.id, "customers": list(books), "since": change.since}
    ids = set(session.scalars(text(_EXPIRED_LOTS), asked)) if books else set()
    ledger.load_lots(session, shop.id, books, ids)
    ledger.load_open_lots(session, shop.id, books.values())
    until, rows = days_later(now, change.days, shop.timezone), []
    for book in books.values():
        book.bring_up_to(now)
        for lot in [lot for lot in book.lots if lot.id in ids and lot.expired]:
            rows.append(_row(change, lot, lot.expired, until))
            told = {"points": lot.expired, "why": "reinstated", "change": change.id}
            key = f"reinstate:{change.id}:{lot.id}"
            entry = Entry(book.customer_id, "unexpire", lot.expired, "breakage", key, now, told, lot.order_id)
            book.revive(lot, entry._replace(actor=change.actor), until, now)
    _keep(session, change, rows)


def _undo(session: Session, shop: Shop, change: ExpiryChange, books: dict[int, Book], now: datetime) -> None:
    mine = ExpiryChangeLot.shop_id == shop.id, ExpiryChangeLot.change_id == change.id
    rows = session.scalars(select(ExpiryChangeLot).where(*mine, ExpiryChangeLot.customer_id.in_(list(books)))).all()
    ledger.load_lots(session, shop.id, books, [row.lot_id for row in rows])
    ledger.load_open_lots(session, shop.id, books.values())
    lots = {lot.id: (book, lot) for book in books.values() for lot in book.lots}
    for book in books.values():
        book.bring_up_to(now)
    for row in rows:
        if row.lot_id not in lots:
            continue  # the store merged its owner since, and the lot went along
        book, lot = lots[row.lot_id]
        if lot.expires_at == row.after:
            book.move_expiry(lot, row.before)
        if change.kind == "reinstate":
            book.lapse(lot, row.points, f"undo:reinstate:{change.id}:{lot.id}", change.undone_by, now)
    for book in books.values():
        book.bring_up_to(now)


def _row(change: ExpiryChange, lot: Lot, points: int, after: datetime) -> dict[str, object]:
    row = {"shop_id": change.shop_id, "change_id": change.id, "lot_id": lot.id, "customer_id": lot.customer_id}
    return row | {"points": points, "before": lot.expires_at, "after": after}


def _keep(session: Session, change: ExpiryChange, rows: list[dict[str, object]]) -> None:
    if rows:
        session.execute(insert(ExpiryChangeLot), rows)
    change.lots += len(rows)
    change.points += sum(int(str(row["points"])) for row in rows)

"""Points by hand: with a reason, a name, and a way back."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from plugin import clock
from plugin.commerce import merges
from plugin.errors import Invalid, NotFound, Refused
from plugin.loyalty import ledger, limits, queries
from plugin.loyalty.lots import Book, Entry, Lot
from plugin.loyalty.models import PointEntry, PointNote
from plugin.loyalty.rules import expires_at
from plugin.shops import operations as shops
from plugin.shops.models import Shop


def adjust(session: Session, shop: Shop, customer_id: int, points: int, reason: str, actor: str, key: str) -> int:
    """Give (or take, when negative) points by hand; the ledger entry's id. The same `key` twice is once.

    Raises Invalid, NotFound for an unknown customer, NotEnoughPoints when more is taken than there is, Refused beyond
    what the actor may move in a day.
    """
    limits.check(shop, points)
    if not reason.strip():
        raise Invalid("Say why: the reason stands in the customer's history.", "reason")
    made = _post(session, shop, customer_id, points, {"points": points}, actor, f"adjust:{key}", borrow=False)
    note = insert(PointNote).values(shop_id=shop.id, entry_id=made, note=reason.strip())
    session.execute(note.on_conflict_do_nothing())
    return made


def undo_adjust(session: Session, shop: Shop, entry_id: int, actor: str) -> int:
    """The opposite of a manual entry; its id. What was spent meanwhile becomes debt. Twice is once."""
    entry = queries.entry(session, shop, entry_id)
    if entry.kind != "adjust" or entry.key.startswith("undo:"):
        raise NotFound("Only a manual change of points can be undone here.")
    told = {"points": -entry.points, "undoes": entry.id}
    return _post(session, shop, entry.customer_id, -entry.points, told, actor, f"undo:{entry.key}", borrow=True)


def _post(
    session: Session,
    shop: Shop,
    customer_id: int,
    points: int,
    told: dict[str, Any],
    actor: str,
    key: str,
    borrow: bool,
) -> int:
    customer_id = merges.kept_for(session, shop.id, customer_id)
    book = ledger.lock(session, shop.id, [customer_id]).get(customer_id)
    if book is None:
        raise NotFound("This customer does not exist.")
    if merges.kept_for(session, shop.id, customer_id) != customer_id:
        raise Refused("The store merged this customer with another one just now. Load the page again.")
    before = _posted(session, shop, key)
    if before is not None:
        return before
    if not borrow:
        limits.take(session, shop, actor, points)
    _move(session, shop, book, points, told, actor, key, borrow)
    shops.audit(session, shop, actor, "points.adjust", f"customer:{customer_id}", None, {"points": points, "key": key})
    made = _posted(session, shop, key)
    assert made is not None
    return made


def _posted(session: Session, shop: Shop, key: str) -> int | None:
    return session.scalar(select(PointEntry.id).where(PointEntry.shop_id == shop.id, PointEntry.key == key))


def _move(
    session: Session, shop: Shop, book: Book, points: int, told: dict[str, Any], actor: str, key: str, borrow: bool
) -> None:
    now = clock.now(session)
    program = queries.program(session, shop, now)
    expires = expires_at(now, program, shop.timezone) if program else None
    entry = Entry(book.customer_id, "adjust", points, "staff", key, now, told, actor=actor)
    ledger.load_open_lots(session, shop.id, [book])
    if points > 0:
        dated = entry._replace(available_at=now, expires_at=expires, program_id=program.id if program else None)
        book.bring_up_to(now)
        book.earn(Lot(None, book.customer_id, None, key, 0, 0, 0, 0, False, now, expires), dated, now)
    elif borrow:
        book.bring_up_to(now)
        book.claw(_lot_of(book, key.removeprefix("undo:")), entry, now)
    else:
        uses = book.spend(entry, now)
        book.entries[-1] = entry._replace(explanation=told | {"lots": uses})
    ledger.write(session, shop.id, [book], now)


def _lot_of(book: Book, source: str) -> Lot | None:
    return next((lot for lot in book.lots if lot.source == source), None)

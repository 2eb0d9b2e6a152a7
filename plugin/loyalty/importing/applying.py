"""An import put into the ledger, or taken back as a whole: customer by customer in steps that remember their place.

Lines of a customer go in by day, so points that were spent or expired in the old programme did so on their own days.
A key of its own makes each line one entry, whatever is repeated.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from plugin import clock
from plugin.commerce import merges
from plugin.errors import Refused
from plugin.loyalty import ledger, queries
from plugin.loyalty.importing.models import PointImport, PointImportRow
from plugin.loyalty.importing.preparing import TOO_MANY, of_shop
from plugin.loyalty.lots import Book, Entry, Lot, NotEnoughPoints
from plugin.loyalty.models import PointEntry, PointNote
from plugin.loyalty.rules import expires_at
from plugin.shops import operations as shops
from plugin.shops.models import Shop

STEP = 100  # customers

Rows = dict[int, list[PointImportRow]]  # by the customer who is kept


def start(session: Session, shop: Shop, import_id: int, actor: str) -> PointImport:
    """Import the lines that can be imported. Twice is once. Raises NotFound, Refused."""
    found = of_shop(session, shop, import_id, lock=True)
    if found.state == "ready":
        if found.faulty == found.lines:
            raise Refused("No line of this file can be imported.")
        found.state = "running"
        told = {"lines": found.lines - found.faulty, "points": found.points}
        shops.audit(session, shop, actor, "points.import", f"import:{import_id}", None, told)
        session.flush()
    return found


def take_back(session: Session, shop: Shop, import_id: int, actor: str) -> PointImport:
    """Undo all of an import, finished or half done; what was spent meanwhile becomes debt. Raises NotFound, Refused."""
    found = of_shop(session, shop, import_id, lock=True)
    if found.state not in ("running", "done"):
        raise Refused("There is nothing to take back of this import.")
    found.state, found.finished_at = "undoing", None
    shops.audit(session, shop, actor, "points.import_undo", f"import:{import_id}")
    session.flush()
    return found


def step(session: Session, shop: Shop) -> bool:
    """The next customers of an import that is under way; whether something may be left."""
    open_ = PointImport.shop_id == shop.id, PointImport.state.in_(("running", "undoing"))
    one = select(PointImport).where(*open_).order_by(PointImport.id).limit(1).with_for_update(skip_locked=True)
    found = session.scalar(one, execution_options={"populate_existing": True})
    if found is None:
        return False
    undoing, now = found.state == "undoing", clock.now(session)
    rows = _next(session, shop, found, undoing)
    if not rows:
        found.state, found.finished_at = ("undone" if undoing else "done"), now
        session.flush()
        return True
    books = ledger.lock(session, shop.id, rows)
    ledger.load_open_lots(session, shop.id, books.values())
    if undoing:
        _undo(session, shop, found, books, rows, now)
    else:
        _apply(session, shop, found, books, rows, now)
    return True


def _next(session: Session, shop: Shop, found: PointImport, applied: bool) -> Rows:
    mine = PointImportRow.shop_id == shop.id, PointImportRow.import_id == found.id
    waiting = *mine, PointImportRow.applied == applied, PointImportRow.problem.is_(None)
    ids = select(PointImportRow.customer_id).where(*waiting).distinct().order_by(PointImportRow.customer_id).limit(STEP)
    customers = [id for id in session.scalars(ids) if id is not None]
    kept = merges.kept(session, shop.id, customers)
    order = PointImportRow.occurred_at, PointImportRow.line
    theirs = select(PointImportRow).where(*waiting, PointImportRow.customer_id.in_(customers)).order_by(*order)
    rows: Rows = defaultdict(list)
    for row in session.scalars(theirs, execution_options={"populate_existing": True}):
        rows[kept.get(row.customer_id or 0, row.customer_id or 0)].append(row)
    return rows


def _apply(session: Session, shop: Shop, found: PointImport, books: dict[int, Book], rows: Rows, now: datetime) -> None:
    for customer_id, mine in rows.items():
        book = books[customer_id]
        book.bring_up_to(now)
        for row in mine:
            _apply_one(book, _entry(found, row, customer_id), row)
        book.bring_up_to(now)
    ledger.write(session, shop.id, books.values(), now)
    done = [row for mine in rows.values() for row in mine if row.problem is None]
    _note(session, shop, {f"import:{found.id}:{row.line}": row.note for row in done if row.note})
    found.done += len(done)
    _mark(session, shop, found, [row.line for row in done], applied=True)


def _apply_one(book: Book, entry: Entry, row: PointImportRow) -> None:
    moment = entry.occurred_at
    if entry.points > 0:
        dates = entry._replace(available_at=moment, expires_at=row.expires_at)
        lot = Lot(None, book.customer_id, None, entry.key, 0, 0, 0, 0, False, moment, row.expires_at)
        book.earn(lot, dates, moment)
        return
    try:
        book.spend(entry, moment)
    except NotEnoughPoints:
        row.problem = {"sentence": TOO_MANY, "values": {}}


def _entry(found: PointImport, row: PointImportRow, customer_id: int) -> Entry:
    points, moment = row.points or 0, row.occurred_at or found.created_at
    told: dict[str, Any] = {"points": points, "import": found.id, "line": row.line}
    key = f"import:{found.id}:{row.line}"
    return Entry(customer_id, "import", points, "imports", key, moment, told, actor=found.created_by)


def _undo(session: Session, shop: Shop, found: PointImport, books: dict[int, Book], rows: Rows, now: datetime) -> None:
    """First what lines took comes back into the gaps it left in the import's own lots; then these give theirs."""
    keys = {f"import:{found.id}:{row.line}" for mine in rows.values() for row in mine}
    ledger.load_source_lots(session, shop.id, books.values(), keys)
    program = queries.program(session, shop, now)
    until = expires_at(now, program, shop.timezone) if program else None
    for customer_id, mine in rows.items():
        book = books[customer_id]
        book.bring_up_to(now)
        own = {lot.source: lot for lot in book.lots if lot.source in keys}
        for row in sorted(mine, key=lambda row: row.points or 0):
            entry = _entry(found, row, customer_id)
            undone = entry._replace(
                points=-entry.points, key=f"undo:{entry.key}", occurred_at=now,
                explanation=entry.explanation | {"points": -entry.points, "undoes": entry.key},
            )  # fmt: skip
            if undone.points > 0:
                spare = Lot(None, customer_id, None, undone.key, 0, 0, 0, 0, False, now, until)
                book.put_back(undone, list(own.values()), spare, now)
            else:
                book.claw(own.get(entry.key), undone, now)
    ledger.write(session, shop.id, books.values(), now)
    lines = [row.line for mine in rows.values() for row in mine]
    found.done -= len(lines)
    _mark(session, shop, found, lines, applied=False)


def _mark(session: Session, shop: Shop, found: PointImport, lines: Sequence[int], applied: bool) -> None:
    """What the file said of people goes with the line: the entry has the customer's number, the note its own place."""
    mine = PointImportRow.shop_id == shop.id, PointImportRow.import_id == found.id, PointImportRow.line.in_(lines)
    session.execute(update(PointImportRow).where(*mine).values(applied=applied, who="", note=""))
    session.flush()


def _note(session: Session, shop: Shop, notes: dict[str, str]) -> None:
    if not notes:
        return
    posted = select(PointEntry.id, PointEntry.key).where(PointEntry.shop_id == shop.id, PointEntry.key.in_(notes))
    rows = [{"shop_id": shop.id, "entry_id": id, "note": notes[key]} for id, key in session.execute(posted)]
    session.execute(insert(PointNote), rows)

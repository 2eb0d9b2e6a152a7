"""Sealing the ledger: once a day of the shop a digest over what came since, chained to the one before.

What may be sealed: ids are drawn before transactions commit, so an entry with a small id may appear after one with a
larger id. Every writer holds a transaction id before it draws an id, because it locks accounts first (ledger.lock). So:
read the sequence, then take a transaction id; whoever drew an id up to the sequence's value has an older one. Once
nothing older than ours runs, none of those can appear any more. The two numbers are kept until then, and writers never
wait for the sealer. (The xmax of a snapshot would not do: the newest transaction that runs is not below it.)
"""

from __future__ import annotations

import hashlib
import struct
from datetime import date
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from plugin import clock
from plugin.loyalty.books.lines import Line, lines
from plugin.loyalty.books.models import LedgerSeal, LedgerUpkeep
from plugin.shops.models import Shop

MOST = 50_000  # entries of one seal: a few seconds of one transaction
MARK = struct.Struct(">qI")
ORIGIN = ""  # the digest before the first seal

_LAST_ID = text("SELECT pg_sequence_last_value(pg_get_serial_sequence('point_entries', 'id')::regclass)")
_HAS_XID = text("SELECT pg_current_xact_id_if_assigned() IS NOT NULL")
_XID = text("SELECT pg_current_xact_id()::text::bigint")
_OLDEST = text("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")


class Bound(NamedTuple):
    """No entry up to `id` can appear any more once no transaction before `xid` runs."""

    id: int
    xid: int


def seal_due(session: Session, shop: Shop) -> bool:
    """Seal what is left of the days before today; whether there is more to do at once.

    Today's entries are sealed with the next day's sweep, so a day is one seal unless it has more than MOST entries.
    """
    today = clock.now(session).astimezone(ZoneInfo(shop.timezone)).date()
    upkeep = session.get(LedgerUpkeep, shop.id, populate_existing=True)
    if upkeep is not None and upkeep.sealed_on == today:
        return False
    drawn = None if upkeep is not None and upkeep.bound_id is not None else draw(session)
    upkeep = _locked(session, shop)
    if upkeep.sealed_on == today:
        return False
    bound = _bound(session, upkeep, drawn)
    if bound is None or not has_settled(session, bound):
        return False
    more = seal(session, shop, bound.id, today)
    if not more:
        upkeep.sealed_on, upkeep.bound_id, upkeep.bound_xid = today, None, None
    session.flush()
    return more


def draw(session: Session) -> Bound | None:
    """The bound of now; None in a transaction that has written already, whose own id is too old to tell."""
    if session.execute(_HAS_XID).scalar_one():
        return None
    last = session.execute(_LAST_ID).scalar() or 0
    return Bound(last, session.execute(_XID).scalar_one())


def has_settled(session: Session, bound: Bound) -> bool:
    """Whether all transactions that could hold an id up to the bound have ended."""
    return int(session.execute(_OLDEST).scalar_one()) >= bound.xid


def seal(session: Session, shop: Shop, through_id: int, day: date) -> bool:
    """One more seal over the settled entries up to an id, if there are any; whether some are left."""
    last = last_seal(session, shop)
    after = last.through_id if last else 0
    digest, marks = hashlib.sha256(opening(last.digest if last else ORIGIN)), bytearray()
    entries = points = 0
    newest = after
    for line in lines(session, shop.id, after, through_id, MOST):
        digest.update(line.text + b"\n")
        marks += mark(line)
        entries, points, newest = entries + 1, points + line.points, line.id
    if entries:
        session.add(
            LedgerSeal(
                shop_id=shop.id,
                number=last.number + 1 if last else 1,
                day=day,
                through_id=newest,
                entries=entries,
                points=points,
                digest=digest.hexdigest(),
                marks=bytes(marks),
                sealed_at=clock.now(session),
            )
        )
        session.flush()
    return entries == MOST


def opening(digest: str) -> bytes:
    """What a seal's digest begins with: the one before."""
    return digest.encode() + b"\n"


def mark(line: Line) -> bytes:
    return MARK.pack(line.id, line.mark)


def last_seal(session: Session, shop: Shop) -> LedgerSeal | None:
    """The newest seal of a shop."""
    newest = select(LedgerSeal).where(LedgerSeal.shop_id == shop.id).order_by(LedgerSeal.number.desc()).limit(1)
    return session.scalar(newest)


def _locked(session: Session, shop: Shop) -> LedgerUpkeep:
    session.execute(insert(LedgerUpkeep).values(shop_id=shop.id).on_conflict_do_nothing())
    mine = select(LedgerUpkeep).where(LedgerUpkeep.shop_id == shop.id).with_for_update()
    return session.execute(mine, execution_options={"populate_existing": True}).scalar_one()


def _bound(session: Session, upkeep: LedgerUpkeep, drawn: Bound | None) -> Bound | None:
    """The bound that waits, else the one just drawn. A database that was restored counts transactions anew."""
    if upkeep.bound_id is not None and upkeep.bound_xid is not None:
        if upkeep.bound_xid <= session.execute(_XID).scalar_one():
            return Bound(upkeep.bound_id, upkeep.bound_xid)
        upkeep.bound_id = upkeep.bound_xid = None
        return None
    if drawn is not None:
        upkeep.bound_id, upkeep.bound_xid = drawn
    return drawn

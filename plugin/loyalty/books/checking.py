"""A look at a shop's whole ledger as a job: asked for, worked on seal by seal, kept with what it found.

The daily look reads the seals that came since the last sound one; the one that somebody asks for reads all of them.
Both add everything up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from plugin import clock
from plugin.loyalty.books import verifying
from plugin.loyalty.books.models import LedgerCheck, LedgerSeal
from plugin.loyalty.books.verifying import Fault
from plugin.shops.models import Shop

MOST_KEPT = 100


def ask(session: Session, shop: Shop, asked_by: str, first_seal: int = 1) -> int | None:
    """Want a look at the ledger from a seal on; None when one is already under way."""
    total = select(func.coalesce(func.sum(LedgerSeal.entries), 0)).where(
        LedgerSeal.shop_id == shop.id, LedgerSeal.number >= first_seal
    )
    row = {
        "shop_id": shop.id,
        "asked_by": asked_by,
        "first_seal": first_seal,
        "through_seal": first_seal - 1,
        "total": int(session.execute(total).scalar_one()),
        "created_at": clock.now(session),
    }
    return session.scalar(insert(LedgerCheck).values(row).on_conflict_do_nothing().returning(LedgerCheck.id))


def latest(session: Session, shop: Shop) -> LedgerCheck | None:
    """The newest look, whatever its state."""
    newest = select(LedgerCheck).where(LedgerCheck.shop_id == shop.id).order_by(LedgerCheck.id.desc()).limit(1)
    return session.scalar(newest)


def sound_through(session: Session, shop: Shop) -> int:
    """The seal up to which the newest finished look found the chain sound; 0 when none did."""
    done = LedgerCheck.shop_id == shop.id, LedgerCheck.state.in_(("sound", "broken"))
    newest = session.scalar(select(LedgerCheck).where(*done).order_by(LedgerCheck.id.desc()).limit(1))
    return newest.through_seal if newest is not None and newest.state == "sound" else 0


def step(session: Session, shop: Shop) -> bool:
    """One seal further, or the sums at the end; whether there is more to do. One worker at a time."""
    check = _claimed(session, shop)
    if check is None:
        return False
    seal, faults = verifying.broken_seal(session, shop, check.through_seal)
    if seal is None:
        faults = verifying.unbalanced(session, shop)
    check.faults = [*check.faults, *map(kept, faults)][:MOST_KEPT]
    if seal is not None:
        check.through_seal, check.entries = seal.number, check.entries + seal.entries
    else:
        check.state, check.finished_at = "broken" if check.faults else "sound", clock.now(session)
    session.flush()
    return seal is not None


def _claimed(session: Session, shop: Shop) -> LedgerCheck | None:
    open_ = LedgerCheck.shop_id == shop.id, LedgerCheck.state.in_(("waiting", "running"))
    check = session.scalar(select(LedgerCheck).where(*open_).with_for_update(skip_locked=True))
    if check is not None:
        check.state = "running"
    return check


def kept(fault: Fault) -> dict[str, Any]:
    """A fault as JSON."""
    return {"sentence": fault.sentence, "values": fault.values}


def told(faults: Iterable[dict[str, Any]]) -> list[Fault]:
    """Kept faults as they were."""
    return [Fault(fault["sentence"], **fault["values"]) for fault in faults]


def look(begin: Callable[[], Any], shop: Shop) -> tuple[int, list[Fault]]:
    """The whole ledger at once, for a terminal: seals read, and what is wrong. `begin` opens transactions."""
    number, faults = 0, list[Fault]()
    while True:
        with begin() as session:
            seal, found = verifying.broken_seal(session, shop, number)
            faults += found
            if seal is None:
                return number, [*faults, *verifying.unbalanced(session, shop)]
            number = seal.number

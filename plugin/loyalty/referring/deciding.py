"""What a person says about a referral in doubt: accepted or rejected, with a note, and a way back.

A word of staff stands above every signal and is itself derived anew by a refund. Points follow with the sweep.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin import clock
from plugin.errors import Invalid, NotFound
from plugin.loyalty import queries
from plugin.loyalty.referring import following, issuing
from plugin.loyalty.referring.models import Referral
from plugin.loyalty.referring.rules import ACCEPTED, REFUSED
from plugin.shops import operations as shops
from plugin.shops.models import Shop

LONGEST_NOTE = 500
MOST = 200


def decide(
    session: Session, shop: Shop, actor: str, referral_ids: Collection[int], verdict: str, note: str = ""
) -> list[int]:
    """Say the same of each; the ids of those that changed. Saying it again changes nothing.

    Raises NotFound when one of them does not exist, Invalid for a note that is too long.
    """
    if verdict not in (ACCEPTED, REFUSED):
        raise Invalid("Choose whether to accept or to reject.", "verdict")
    if len(note) > LONGEST_NOTE:
        raise Invalid("Use at most %(most)s characters.", "note", most=LONGEST_NOTE)
    return _write(session, shop, actor, referral_ids, verdict, note.replace("\0", "").strip() or None)


def undo(session: Session, shop: Shop, actor: str, referral_ids: Collection[int]) -> list[int]:
    """Take back what staff said: the signals count again. Raises NotFound."""
    return _write(session, shop, actor, referral_ids, None, None)


def _write(
    session: Session, shop: Shop, actor: str, ids: Collection[int], verdict: str | None, note: str | None
) -> list[int]:
    changed = [referral for referral in _locked(session, shop, ids) if referral.verdict != verdict]
    for referral in changed:
        before = {"verdict": referral.verdict, "state": referral.state}
        referral.verdict, referral.verdict_note = verdict, note
        referral.verdict_by = actor if verdict else None
        referral.verdict_at = clock.now(session) if verdict else None
        after = {"verdict": verdict}
        shops.audit(session, shop, actor, "referral.decide", f"referral:{referral.id}", before, after)
    session.flush()
    following.refresh(session, shop, changed)
    _codes(session, shop, changed)
    following.follow_others(session, shop, changed)
    return [referral.id for referral in changed]


def _codes(session: Session, shop: Shop, changed: Collection[Referral]) -> None:
    programs = {program.id: program for program in queries.programs(session, shop)}
    for referral in changed:
        if referral.state == "rejected":
            issuing.end_code(session, shop, referral)
        issuing.ensure_code(session, shop, referral, programs[referral.program_id])


def _locked(session: Session, shop: Shop, ids: Collection[int]) -> list[Referral]:
    wanted = set(list(ids)[:MOST])
    some = select(Referral).where(Referral.shop_id == shop.id, Referral.id.in_(wanted)).order_by(Referral.id)
    found = list(session.scalars(some.with_for_update(), execution_options={"populate_existing": True}))
    if not wanted or len(found) != len(wanted):
        raise NotFound("This referral does not exist.")
    return found

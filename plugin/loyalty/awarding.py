"""Points that no order brought: for actions, tiers, referrals. Given once a key, raised, lowered and taken back.

Like an order's points they are a target: the difference to what was posted under the key is written, so asking again,
asking twice at once, or asking in another order ends in the same.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from plugin import clock
from plugin.commerce import merges
from plugin.loyalty import ledger, queries
from plugin.loyalty.joining import saying
from plugin.loyalty.lots import Book, Entry, Lot
from plugin.loyalty.rules import ProgramRules, expires_at, is_held_out
from plugin.shops.models import Shop

_POSTED = """
    SELECT points FROM point_entries WHERE shop_id = %s AND key >= %s AND key < %s AND kind IN ('bonus', 'unbonus')
"""


class Award(NamedTuple):
    """What somebody is to have under `key` (unique in the shop, without a colon at its end).

    `account` is the counter account: actions, tiers, referrals. `told` is the explanation, without personal data.
    Points wait until `available_at`; they expire as the programme in force says.
    """

    customer_id: int
    points: int
    key: str
    account: str
    told: dict[str, Any]
    occurred_at: datetime
    available_at: datetime | None = None


def award(session: Session, shop: Shop, wanted: Award) -> int:
    """Bring what `wanted.key` gave to `wanted.points`; by how many points it moved. 0 points take everything back."""
    return sum(award_all(session, shop, [wanted]))


def award_all(session: Session, shop: Shop, wanted: Sequence[Award]) -> list[int]:
    """The same for many; unknown customers get nothing. What was spent meanwhile and is taken back becomes debt."""
    kept = merges.kept(session, shop.id, {each.customer_id for each in wanted})
    meant = [each._replace(customer_id=kept.get(each.customer_id, each.customer_id)) for each in wanted]
    books = ledger.lock(session, shop.id, {each.customer_id for each in meant}) if meant else {}
    if not books:
        return [0] * len(wanted)
    now = clock.now(session)
    program = queries.program(session, shop, now)
    away = _away(session, shop, program, books)
    moved = [_bring(session, shop, books.get(each.customer_id), each, program, away, now) for each in meant]
    ledger.write(session, shop.id, books.values(), now)
    return moved


def _away(session: Session, shop: Shop, program: ProgramRules | None, ids: Collection[int]) -> set[int]:
    """Who gets nothing more now: held out, or not a member. What they have can still be taken back."""
    if program is None:
        return set()
    members = saying.members(session, shop, program, ids)
    return {each for each in ids if each not in members or is_held_out(program, each)}


def _bring(
    session: Session,
    shop: Shop,
    book: Book | None,
    wanted: Award,
    program: ProgramRules | None,
    away: Collection[int],
    now: datetime,
) -> int:
    if book is None:
        return 0
    source = f"bonus:{wanted.key}"
    posted = [points for (points,) in ledger.raw(session).execute(_POSTED, (shop.id, f"{source}:", f"{source};"))]
    posted += [entry.points for entry in book.entries if entry.key.startswith(f"{source}:")]
    points = wanted.points - sum(posted)
    if not points or (points > 0 and wanted.customer_id in away):
        return 0
    entry = Entry(
        wanted.customer_id,
        "bonus" if points > 0 else "unbonus",
        points,
        wanted.account,
        f"{source}:{len(posted) + 1}",
        wanted.occurred_at if not posted else now,
        wanted.told | {"points": points, "posted": sum(posted), "target": wanted.points},
        program_id=program.id if program else None,
    )
    ledger.load_source_lots(session, shop.id, [book], [source])
    lot = next((lot for lot in book.lots if lot.source == source), None)
    if points > 0:
        _give(book, lot, entry, wanted, program, shop.timezone, now)
    else:
        ledger.load_open_lots(session, shop.id, [book])
        book.bring_up_to(now)
        book.claw(lot, entry, now)
    return points


def _give(
    book: Book,
    lot: Lot | None,
    entry: Entry,
    wanted: Award,
    program: ProgramRules | None,
    timezone: str,
    now: datetime,
) -> None:
    if lot is None:
        available = max(wanted.available_at or now, wanted.occurred_at)
        expires = expires_at(available, program, timezone) if program else None
        source = f"bonus:{wanted.key}"
        lot = Lot(None, book.customer_id, None, source, 0, 0, 0, 0, available > now, available, expires, changed=True)
    book.earn(lot, entry._replace(available_at=lot.available_at, expires_at=lot.expires_at), now)

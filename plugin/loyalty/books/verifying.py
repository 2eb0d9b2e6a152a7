"""Looking at the whole ledger: is the chain unbroken, do both sides add up, do accounts and lots agree with entries.

The chain is read seal by seal, each in a transaction of the caller's, so a long look holds no snapshot. The sums are
one statement each, so that writers at work cannot make them disagree.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import islice

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from plugin.errors import RegularsError
from plugin.loyalty.books.lines import Line, lines
from plugin.loyalty.books.models import LedgerSeal
from plugin.loyalty.books.sealing import MARK, ORIGIN, opening
from plugin.shops.models import Shop

MOST_FAULTS = 20  # of each sort; the count of the rest says enough


class Fault(RegularsError):
    """Something that does not add up: a sentence that names the entry or the account. Collected, never raised."""


def broken_seal(session: Session, shop: Shop, after: int) -> tuple[LedgerSeal | None, list[Fault]]:
    """The next seal behind number `after`, and what is wrong with it; None behind the last one."""
    following = LedgerSeal.shop_id == shop.id, LedgerSeal.number > after
    seal = session.scalar(select(LedgerSeal).where(*following).order_by(LedgerSeal.number).limit(1))
    if seal is None:
        return None, []
    before = session.get(LedgerSeal, (shop.id, seal.number - 1))
    if before is None and seal.number > 1:
        return seal, [Fault("Seal %(number)s is missing from the chain.", number=seal.number - 1)]
    found = list(lines(session, shop.id, before.through_id if before else 0, seal.through_id))
    digest = hashlib.sha256(opening(before.digest if before else ORIGIN))
    for line in found:
        digest.update(line.text + b"\n")
    counted = len(found), sum(line.points for line in found)
    if digest.hexdigest() == seal.digest and counted == (seal.entries, seal.points):
        return seal, []
    return seal, list(islice(_differences(seal, found), MOST_FAULTS)) or [
        Fault("Seal %(number)s of %(day)s does not continue the chain.", number=seal.number, day=seal.day.isoformat())
    ]


def _differences(seal: LedgerSeal, found: list[Line]) -> Iterator[Fault]:
    """Which entries are not what was sealed."""
    sealed = dict(MARK.iter_unpack(seal.marks))
    present = {line.id: line.mark for line in found}
    day = seal.day.isoformat()
    for id in sorted(sealed.keys() | present.keys()):
        if id not in present:
            yield Fault("Entry %(entry)s was removed after it was sealed on %(day)s.", entry=str(id), day=day)
        elif id not in sealed:
            yield Fault("Entry %(entry)s was put in after its days were sealed on %(day)s.", entry=str(id), day=day)
        elif sealed[id] != present[id]:
            yield Fault("Entry %(entry)s was changed after it was sealed on %(day)s.", entry=str(id), day=day)


_ACCOUNTS = """
    WITH posted AS (
        SELECT customer_id, sum(points)::bigint AS points FROM point_entries WHERE shop_id = :shop GROUP BY customer_id
    ), held AS (
        SELECT customer_id, coalesce(sum(remaining) FILTER (WHERE NOT pending), 0)::bigint AS available,
            coalesce(sum(remaining) FILTER (WHERE pending), 0)::bigint AS pending
        FROM point_lots WHERE shop_id = :shop AND remaining > 0 GROUP BY customer_id
    ), both_sides AS (
        SELECT coalesce(a.customer_id, p.customer_id, h.customer_id) AS customer_id,
            coalesce(a.available + a.pending - a.debt, 0) AS account, coalesce(p.points, 0) AS posted,
            coalesce(a.available, 0) AS available, coalesce(h.available, 0) AS available_lots,
            coalesce(a.pending, 0) AS pending, coalesce(h.pending, 0) AS pending_lots, coalesce(a.debt, 0) AS debt
        FROM (SELECT * FROM point_accounts WHERE shop_id = :shop) a
        FULL JOIN posted p ON p.customer_id = a.customer_id
        FULL JOIN held h ON h.customer_id = coalesce(a.customer_id, p.customer_id)
    )
    SELECT * FROM both_sides
    WHERE account <> posted OR available <> available_lots OR pending <> pending_lots OR (debt > 0 AND available > 0)
    ORDER BY customer_id LIMIT :most
"""
_ORDERS = """
    SELECT order_id, sum(points)::bigint AS points, max(id) AS entry FROM point_entries
    WHERE shop_id = :shop AND order_id IS NOT NULL AND kind IN ('earn', 'claw')
    GROUP BY order_id HAVING sum(points) < 0 ORDER BY order_id LIMIT :most
"""
_SIDES = """
    SELECT counter_account, sum(points)::bigint AS points FROM point_entries
    WHERE shop_id = :shop GROUP BY counter_account
"""
_REDEMPTIONS = """
    SELECT r.id, r.points, coalesce(e.points, 0) AS posted, e.id AS entry
    FROM redemptions r LEFT JOIN point_entries e ON e.shop_id = r.shop_id AND e.key = 'redeem:' || r.id
    WHERE r.shop_id = :shop AND r.points + coalesce(e.points, 0) <> 0 ORDER BY r.id LIMIT :most
"""


def unbalanced(session: Session, shop: Shop) -> list[Fault]:
    """What does not add up between entries, accounts, lots, orders and redemptions now."""
    asked = {"shop": shop.id, "most": MOST_FAULTS}
    faults = [fault for row in session.execute(text(_ACCOUNTS), asked) for fault in _of_account(row)]
    for row in session.execute(text(_ORDERS), asked):
        sentence = "Order %(order)s took more points than it gave: %(points)s. Its last entry is %(entry)s."
        faults.append(Fault(sentence, order=str(row.order_id), points=row.points, entry=str(row.entry)))
    for row in session.execute(text(_REDEMPTIONS), asked):
        sentence = "Redemption %(id)s cost %(points)s points, and its entry says %(posted)s."
        faults.append(Fault(sentence, id=str(row.id), points=row.points, posted=-row.posted))
    return faults + _of_sides(session, shop)


def _of_account(row: object) -> Iterator[Fault]:
    named = {"customer": str(row.customer_id)}  # type: ignore[attr-defined]
    told = dict(row._mapping)  # type: ignore[attr-defined]
    if told["account"] != told["posted"]:
        sentence = "Customer %(customer)s: the account says %(account)s points, its entries sum to %(posted)s."
        yield Fault(sentence, **named, account=told["account"], posted=told["posted"])
    if told["available"] != told["available_lots"]:
        sentence = "Customer %(customer)s: %(account)s points can be spent, and the lots hold %(lots)s."
        yield Fault(sentence, **named, account=told["available"], lots=told["available_lots"])
    if told["pending"] != told["pending_lots"]:
        sentence = "Customer %(customer)s: %(account)s points are pending, and the lots hold %(lots)s."
        yield Fault(sentence, **named, account=told["pending"], lots=told["pending_lots"])
    if told["debt"] and told["available"]:
        sentence = "Customer %(customer)s owes %(debt)s points and could spend %(available)s."
        yield Fault(sentence, **named, debt=told["debt"], available=told["available"])


def _of_sides(session: Session, shop: Shop) -> list[Fault]:
    """Customers' points and the other accounts' sum to zero, and moving between customers leaves nothing behind."""
    sides = {row.counter_account: row.points for row in session.execute(text(_SIDES), {"shop": shop.id})}
    if between := sides.get("customers", 0):
        return [Fault("Between customers %(points)s points came or went that nobody lost or gained.", points=between)]
    return []

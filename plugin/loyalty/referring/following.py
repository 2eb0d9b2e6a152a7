"""Keeping referrals true: whatever changed, ask where each referral stands now and write the difference.

Points are not moved here but by paying.py, each account in a transaction of its own: a batch of news locks the accounts
of its orders in one go, and an advocate is none of them. What is to be paid, or taken back, is due now.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from sqlalchemy import or_, select, text
from sqlalchemy.orm import Session

from plugin import clock
from plugin.commerce.mailboxes import mailbox
from plugin.jobs.doorbell import ring_after_commit
from plugin.loyalty import queries
from plugin.loyalty.referring import facts, fraud, rules
from plugin.loyalty.referring.models import Referral
from plugin.loyalty.rules import ProgramRules
from plugin.shops.models import Shop

_ANY = text("SELECT EXISTS (SELECT FROM referrals WHERE shop_id = :shop)")
_ORDERS = text("""
    SELECT o.id, o.customer_id, o.email, c.email AS customer_email, o.discount_codes
    FROM unnest(CAST(:ids AS bigint[])) AS i (id)
    CROSS JOIN LATERAL (
        SELECT id, customer_id, email, discount_codes FROM orders WHERE shop_id = :shop AND id = i.id OFFSET 0
    ) AS o
    LEFT JOIN customers c ON c.shop_id = :shop AND c.id = o.customer_id
""")
# By arrays and one index each: the text is the same for one order and for five hundred.
_TOUCHED = text("""
    SELECT id FROM referrals WHERE shop_id = :shop AND order_id = ANY (CAST(:ids AS bigint[]))
    UNION SELECT id FROM referrals WHERE shop_id = :shop AND friend_id = ANY (CAST(:people AS bigint[]))
    UNION SELECT id FROM referrals WHERE shop_id = :shop AND mailbox = ANY (CAST(:mailboxes AS text[]))
    UNION SELECT id FROM referrals WHERE shop_id = :shop AND code = ANY (CAST(:codes AS text[]))
""")
UNSETTLED = ("claimed", "held", "in_review")


class Named(NamedTuple):
    """By what orders could name referrals, and which of them carry which code or end in which mailbox."""

    ids: set[int]
    people: set[int]
    mailboxes: Mapping[str, set[int]]
    codes: Mapping[str, set[int]]

    def of(self, referral: Referral) -> set[int]:
        """The orders that are the friend's, by what they carry."""
        return self.codes.get(referral.code, set()) | self.mailboxes.get(referral.mailbox or "", set())


NOBODY = Named(set(), set(), {}, {})


def follow_referrals(session: Session, shop: Shop, order_ids: Collection[int]) -> None:
    """Bring the referrals that these orders touch to where they stand now. Call it before loyalty settles."""
    if not order_ids or not session.scalar(_ANY, {"shop": shop.id}):
        return
    named = _named(session, shop, order_ids)
    ids = set(session.scalars(_TOUCHED, {"shop": shop.id} | {name: sorted(by) for name, by in named._asdict().items()}))
    if not ids:
        return
    touched = _locked(session, Referral.shop_id == shop.id, Referral.id.in_(ids))
    refresh(session, shop, touched, named)
    follow_others(session, shop, touched)


def follow_people(session: Session, shop: Shop, customer_ids: Collection[int]) -> None:
    """Look again at all referrals of these customers, on either side, that something can still come of."""
    if not customer_ids:
        return
    mine = (
        Referral.shop_id == shop.id,
        or_(Referral.advocate_id.in_(customer_ids), Referral.friend_id.in_(customer_ids)),
    )
    refresh(session, shop, _locked(session, *mine, or_(Referral.state.in_(UNSETTLED), Referral.points > 0)))


def refresh(session: Session, shop: Shop, referrals: Iterable[Referral], named: Named = NOBODY) -> None:
    """Derive each of these locked referrals anew. `named` are orders that came in."""
    programs = {program.id: program for program in queries.programs(session, shop)}
    for referral in referrals:
        _derive(session, shop, referral, programs[referral.program_id], named.of(referral))
    session.flush()


def standing(
    session: Session, shop: Shop, referral: Referral, program: ProgramRules, order_ids: Collection[int] = ()
) -> rules.Standing:
    """Where a referral stands now; keeps who the friend is, their order, and what speaks against it, in the row."""
    terms = program.document.referrals
    friend = facts.friend(session, shop, referral, order_ids)
    order = facts.first_order(session, shop, referral, friend, program.tax_basis)
    _keep_order(referral, friend, order)
    signals = fraud.signals(facts.evidence(session, shop, referral, friend), terms)
    referral.signals = [signal.told() for signal in signals]
    case = rules.Case(
        referral.claimed_at,
        clock.now(session),
        order,
        signals,
        referral.verdict,
        facts.ahead(session, shop, referral, order) if order else 0,
        referral.points > 0,
    )
    return rules.standing(case, terms, program.return_days, shop.timezone)


def _derive(
    session: Session, shop: Shop, referral: Referral, program: ProgramRules, order_ids: Collection[int]
) -> None:
    there = standing(session, shop, referral, program, order_ids)
    if there.points != referral.points:
        referral.due_at = clock.now(session)
        ring_after_commit(session, "loyalty.settle_due")
    else:
        referral.due_at = there.due_at
    note(referral, there)


def note(referral: Referral, there: rules.Standing) -> None:
    """Write the standing; what is not paid yet is still held."""
    unpaid = there.state == rules.REWARDED and there.points > referral.points
    referral.state = rules.HELD if unpaid else there.state
    referral.reason = "waiting" if unpaid else there.reason
    referral.held_until = there.held_until
    if there.state == rules.LAPSED:
        referral.email = referral.mailbox = None


def _keep_order(referral: Referral, friend: facts.Friend, order: rules.FriendOrder | None) -> None:
    if order is None:
        return
    referral.order_id, referral.ordered_at, referral.net_minor = order.id, order.moment, order.net_minor
    if friend.person.customer_ids and referral.friend_id not in friend.person.customer_ids:
        referral.friend_id = min(friend.person.customer_ids)


def _named(session: Session, shop: Shop, order_ids: Collection[int]) -> Named:
    rows = session.execute(_ORDERS, {"shop": shop.id, "ids": sorted(order_ids)}).all()
    codes: dict[str, set[int]] = defaultdict(set)
    mailboxes: dict[str, set[int]] = defaultdict(set)
    for row in rows:
        for code in row.discount_codes:
            codes[code.upper()].add(row.id)
        for email in {row.email, row.customer_email} - {None, ""}:
            mailboxes[mailbox(email)].add(row.id)
    return Named(set(order_ids), {row.customer_id for row in rows} - {None}, mailboxes, codes)


def follow_others(session: Session, shop: Shop, touched: Collection[Referral]) -> None:
    """Those of the same advocates whose turn may have come, or gone, with these: of the cap, and of the household."""
    advocates = {referral.advocate_id for referral in touched if referral.order_id is not None}
    if not advocates:
        return
    waiting = or_(Referral.state.in_(("held", "in_review")), Referral.reason == "cap")
    mine = Referral.shop_id == shop.id, Referral.advocate_id.in_(advocates)
    refresh(session, shop, _locked(session, *mine, Referral.id.not_in([r.id for r in touched]), waiting))


def _locked(session: Session, *wanted: Any) -> list[Referral]:
    """Referrals are locked by id, and before accounts."""
    chosen = select(Referral).where(*wanted).order_by(Referral.id).with_for_update()
    return list(session.scalars(chosen, execution_options={"populate_existing": True}))

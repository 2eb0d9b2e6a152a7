"""Everybody's tier of today at once: one statement finds who stands otherwise than the accounts say.

It adds up what nothing happened to since it was bought, which is nearly everything. Customers with a refund, an edit or
a cancellation in the window, or with a tier given by hand, are told one by one by the rules (following.py), and so is
everybody under a ladder that needs more than one number or a walk. Only accounts that change are locked and written, in
customer order as every writer does; an account that moved since it was looked at has newer news and is left alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy.orm import Session

from plugin.loyalty import ledger, queries
from plugin.loyalty.rules import ProgramRules
from plugin.loyalty.standing import LAST, Histories, Stand, window_start
from plugin.loyalty.tiers import following, terms
from plugin.shops.models import Shop

RANGE: Final = 250_000  # accounts that one statement looks at
LOCKED: Final = 1_000

_NET = "greatest(0, l.price_minor * l.quantity - l.discount_minor)"
_WORTH = {
    "shown": _NET,
    "with": f"{_NET} + CASE WHEN o.taxes_included THEN 0 ELSE l.tax_minor END",
    "without": f"greatest(0, {_NET} - CASE WHEN o.taxes_included THEN l.tax_minor ELSE 0 END)",
}
# One row a customer whose account says something else, or whom the rules must judge.
_FOUND = """
    WITH people AS MATERIALIZED (
        SELECT customer_id, tier_id, tier_spend_minor FROM point_accounts
        WHERE shop_id = %(shop)s AND customer_id > %(after)s AND customer_id <= %(upto)s
    ), changed AS MATERIALIZED (
        SELECT DISTINCT order_id FROM refunds WHERE shop_id = %(shop)s
    ), bought AS (
        SELECT o.id, min(o.customer_id) AS customer_id,
            bool_or(o.cancelled_at IS NOT NULL OR l.current_quantity <> l.quantity) AS touched,
            sum(CASE WHEN l.gift_card OR l.quantity <= 0 THEN 0 ELSE {worth} END) AS minor
        FROM orders o JOIN order_lines l ON l.shop_id = o.shop_id AND l.order_id = o.id
        WHERE o.shop_id = %(shop)s AND l.shop_id = %(shop)s AND o.customer_id > %(after)s
            AND o.customer_id <= %(upto)s AND o.processed_at >= %(start)s AND o.processed_at <= %(now)s
            AND o.known AND o.deleted_at IS NULL AND NOT o.test AND o.currency = %(currency)s
            AND lower(o.financial_status) IN ('paid', 'partially_refunded', 'refunded')
        GROUP BY o.id
    ), numbers AS (
        SELECT b.customer_id, sum(b.minor)::bigint AS minor, count(*) FILTER (WHERE b.minor > 0) AS orders,
            bool_or(b.touched OR c.order_id IS NOT NULL) AS touched
        FROM bought b LEFT JOIN changed c ON c.order_id = b.id GROUP BY b.customer_id
    ), stands AS (
        SELECT p.customer_id, p.tier_id, p.tier_spend_minor, coalesce(n.minor, 0) AS minor,
            coalesce(n.orders, 0) AS orders, coalesce(n.touched, false) OR g.customer_id IS NOT NULL AS touched,
            (%(tiers)s::bigint[])[1 + width_bucket(coalesce(n.{number}, 0), %(steps)s::bigint[])] AS wanted
        FROM people p LEFT JOIN numbers n ON n.customer_id = p.customer_id
        LEFT JOIN (SELECT DISTINCT customer_id FROM tier_grants WHERE shop_id = %(shop)s) AS g
            ON g.customer_id = p.customer_id
    )
    SELECT customer_id, tier_id, tier_spend_minor, minor, orders, touched, wanted FROM stands
    WHERE touched OR minor <> tier_spend_minor OR wanted IS DISTINCT FROM tier_id
    ORDER BY customer_id
"""
_LAST = """
    SELECT max(customer_id), count(*) FROM (
        SELECT customer_id FROM point_accounts WHERE shop_id = %s AND customer_id > %s ORDER BY customer_id LIMIT %s
    ) AS a
"""


def can(program: ProgramRules) -> bool:
    """Whether one number of the window decides, for everybody."""
    ladder = program.document.tiers
    asked = [tier for tier in program.tiers if not tier.terms.manual]
    return (
        bool(asked)
        and ladder.metrics in (("spend",), ("orders",))
        and terms.is_plain(ladder, program.tiers)
        and not program.document.holdout.percent
    )


def follow(session: Session, shop: Shop, program: ProgramRules, after: int, now: datetime) -> tuple[int | None, int]:
    """Tell the next accounts after a customer; up to whom (None: these were the last), and how many changed."""
    cursor = ledger.raw(session)
    upto, many = cursor.execute(_LAST, (shop.id, after, RANGE)).fetchall()[0]
    if not many:
        return None, 0
    found = look(session, shop, program, (after, upto), now)
    programs = queries.programs(session, shop)
    parts = [found[first : first + LOCKED] for first in range(0, len(found), LOCKED)]
    written = sum(_write(session, shop, programs, program, part, now) for part in parts)
    return (upto if many == RANGE else None), written


def look(
    session: Session, shop: Shop, program: ProgramRules, within: tuple[int, int], now: datetime
) -> list[tuple[Any, ...]]:
    """(customer, tier and spend on the account, spend, orders, touched, tier by numbers) of those who may change."""
    number = "minor" if program.document.tiers.metrics == ("spend",) else "orders"
    rungs = [tier for tier in program.tiers if not tier.terms.manual]
    metric = program.document.tiers.metrics[0]
    values = {
        "shop": shop.id,
        "after": within[0],
        "upto": within[1],
        "start": window_start(program, (now, LAST), shop.timezone)[0],
        "now": now,
        "currency": program.currency,
        "tiers": [None, *(tier.id for tier in rungs)],
        "steps": [terms.entry(tier, metric) for tier in rungs],
    }
    return ledger.raw(session).execute(_FOUND.format(worth=_WORTH[program.tax_basis], number=number), values).fetchall()


def _write(
    session: Session,
    shop: Shop,
    programs: tuple[ProgramRules, ...],
    program: ProgramRules,
    found: Sequence[tuple[Any, ...]],
    now: datetime,
) -> int:
    books = ledger.lock(session, shop.id, [row[0] for row in found])
    tiers = {tier.id: tier for tier in program.tiers}
    origins = {tier.id: tier.origin for version in programs for tier in version.tiers}
    known: dict[int, Stand] = {}
    judged: list[int] = []
    for customer_id, tier_id, spend, minor, orders, touched, wanted in found:
        book = books.get(customer_id)
        if book is None or (book.tier_id, book.tier_spend_minor) != (tier_id, spend):
            continue
        tier = tiers.get(wanted)
        if touched or origins.get(tier_id) != origins.get(wanted):  # a move has the day of its latest order
            judged.append(customer_id)
        else:
            measure = minor if program.document.tiers.metrics == ("spend",) else orders
            known[customer_id] = Stand(tier, minor, (measure,), tier, None, None)
    histories = following.histories(session, shop, judged, programs, now) if judged else None
    none = Histories((), shop.timezone, programs)
    told = {each: books[each] for each in (*known, *judged)}
    following.stand(session, shop, told, programs, histories or none, now, known)
    ledger.write(session, shop.id, books.values(), now)
    return sum(book.changed for book in told.values())

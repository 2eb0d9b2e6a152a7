"""What counts for tiers beside orders: grants and friends, for many customers at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable

from sqlalchemy.orm import Session

from plugin.loyalty.ledger import raw
from plugin.loyalty.rules import ProgramRules
from plugin.loyalty.standing import Dated, Grant, Referred

_GRANTS = """
    SELECT g.* FROM unnest(%(ids)b::bigint[]) AS i (id) CROSS JOIN LATERAL (
        SELECT customer_id, id, origin, starts_at, ends_at FROM tier_grants
        WHERE shop_id = %(shop)s AND customer_id = i.id OFFSET 0
    ) AS g
"""
_FRIENDS = """
    SELECT r.* FROM unnest(%(ids)b::bigint[]) AS i (id) CROSS JOIN LATERAL (
        SELECT advocate_id, rewarded_at FROM referrals
        WHERE shop_id = %(shop)s AND advocate_id = i.id AND state = 'rewarded' AND rewarded_at IS NOT NULL OFFSET 0
    ) AS r
"""


def dated(
    session: Session, shop_id: int, customer_ids: Collection[int], programs: Iterable[ProgramRules]
) -> dict[int, Dated]:
    """By customer, only those who have any; read only as far as some version asks."""
    asked = [program.document.tiers for program in programs if program.tiers]
    if not asked or not customer_ids:
        return {}
    values = {"shop": shop_id, "ids": sorted(customer_ids)}
    cursor = raw(session)
    grants: dict[int, list[Grant]] = defaultdict(list)
    for customer_id, *grant in cursor.execute(_GRANTS, values):
        grants[customer_id].append(Grant(*grant))
    friends: dict[int, list[Referred]] = defaultdict(list)
    if any("referrals" in ladder.metrics for ladder in asked):
        for customer_id, moment in cursor.execute(_FRIENDS, values):
            friends[customer_id].append(Referred(moment))
    return {each: Dated(tuple(grants[each]), tuple(friends[each])) for each in grants.keys() | friends.keys()}

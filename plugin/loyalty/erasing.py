"""The programme's part in exporting and erasing a person.

The ledger stays: its entries, lots and redemptions name a customer by id alone, whose row is empty from then on. What
staff wrote about them goes.
"""

from __future__ import annotations

from sqlalchemy.orm import Session

from plugin.loyalty.acting import erasing as acting
from plugin.loyalty.referring import erasing as referring
from plugin.shops import rows
from plugin.shops.models import Shop
from plugin.shops.people import Person

_MINE = "shop_id = :shop AND customer_id = ANY (:customer_ids)"
_EXPORTS = {
    "point_accounts": f"""
        SELECT customer_id, available, pending, debt, tier_name, tier_since, tier_spend_minor
        FROM point_accounts WHERE {_MINE} ORDER BY customer_id""",
    "point_entries": """
        SELECT e.customer_id, e.kind, e.points, e.order_id, e.explanation, n.note, e.occurred_at, e.available_at,
            e.expires_at
        FROM point_entries e LEFT JOIN point_notes n ON n.shop_id = e.shop_id AND n.entry_id = e.id
        WHERE e.shop_id = :shop AND e.customer_id = ANY (:customer_ids) ORDER BY e.id""",
    "redemptions": f"""
        SELECT customer_id, points, value_minor, currency, code, state, used_order_id, created_at, expires_at
        FROM redemptions WHERE {_MINE} ORDER BY id""",
    "memberships": f"""
        SELECT customer_id, joined, source, changed_at FROM memberships WHERE {_MINE} ORDER BY id""",
    "tier_grants": f"""
        SELECT customer_id, tier_name, starts_at, ends_at, reason FROM tier_grants WHERE {_MINE} ORDER BY id""",
    "tier_changes": f"""
        SELECT customer_id, kind, from_name, to_name, why, occurred_at, falls_at FROM tier_changes
        WHERE {_MINE} ORDER BY id""",
}
_ERASES = {
    "expiry_changes": f"UPDATE expiry_changes SET reason = '' WHERE {_MINE} AND reason <> ''",
    "point_import_rows": f"""
        UPDATE point_import_rows SET who = '', note = ''
        WHERE ({_MINE} OR shop_id = :shop AND lower(who) = ANY (:emails)) AND (who <> '' OR note <> '')""",
    "point_notes": """
        DELETE FROM point_notes n USING point_entries e
        WHERE n.shop_id = :shop AND e.shop_id = :shop AND e.id = n.entry_id AND e.customer_id = ANY (:customer_ids)""",
    "tier_grants": f"UPDATE tier_grants SET reason = '' WHERE {_MINE} AND reason <> ''",
}


def export_customer(session: Session, shop: Shop, person: Person) -> rows.Found:
    """Points, their history and what was bought with them."""
    found = rows.read(session, shop, person, _EXPORTS) | referring.export_customer(session, shop, person)
    return found | acting.export_customer(session, shop, person)


def erase_customer(session: Session, shop: Shop, person: Person) -> rows.Counts:
    """Remove what staff wrote about a person; the ledger itself holds nothing personal."""
    counts = rows.change(session, shop, person, _ERASES) | referring.erase_customer(session, shop, person)
    return counts | acting.erase_customer(session, shop, person)

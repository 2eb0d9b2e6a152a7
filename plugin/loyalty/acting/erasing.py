"""The part of deeds and answers in exporting and erasing a person."""

from __future__ import annotations

from sqlalchemy.orm import Session

from plugin.shops import rows
from plugin.shops.models import Shop
from plugin.shops.people import Person

_EXPORTS = {
    "profile_values": """
        SELECT v.customer_id, f.label, v.value, v.changed_at FROM profile_values v
        JOIN profile_fields f ON f.shop_id = v.shop_id AND f.id = v.field_id
        WHERE v.shop_id = :shop AND v.customer_id = ANY (:customer_ids) ORDER BY v.customer_id, f.id""",
    "deeds": """
        SELECT customer_id, thing, occurred_at, withdrawn_at, points, reason FROM deeds
        WHERE shop_id = :shop AND customer_id = ANY (:customer_ids) ORDER BY occurred_at, key""",
}
_ERASES = {
    "deeds": "DELETE FROM deeds WHERE shop_id = :shop AND customer_id = ANY (:customer_ids)",
    "profile_values": "DELETE FROM profile_values WHERE shop_id = :shop AND customer_id = ANY (:customer_ids)",
}


def export_customer(session: Session, shop: Shop, person: Person) -> rows.Found:
    """What they told, what they did, and what it gave."""
    return rows.read(session, shop, person, _EXPORTS)


def erase_customer(session: Session, shop: Shop, person: Person) -> rows.Counts:
    """Their answers go, and their deeds, whose days tell a birthday; the ledger keeps what they gave."""
    return rows.change(session, shop, person, _ERASES)

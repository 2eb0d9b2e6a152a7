"""The wishes' part in exporting and erasing a person: a wish ends and its address is veiled."""

from __future__ import annotations

from sqlalchemy.orm import Session

from plugin import clock
from plugin.shops import rows, veils
from plugin.shops.models import Shop
from plugin.shops.people import Person

_MINE = "s.shop_id = :shop AND (s.customer_id = ANY (:customer_ids) OR s.email = ANY (:emails))"
_EXPORTS = {
    "subscriptions": f"""
        SELECT s.id, f.label, s.email, s.locale, s.started_at, s.ended_at, s.ended_by
        FROM subscriptions s JOIN subscription_fields f ON f.shop_id = s.shop_id AND f.id = s.field_id
        WHERE {_MINE} ORDER BY s.id""",
}
_VEIL = f"""
    UPDATE subscriptions s
    SET email = v.veiled || ':' || s.id, locale = 'en', ended_at = coalesce(s.ended_at, :now), ended_by = 'erased'
    FROM unnest(CAST(:plain AS text[]), CAST(:veiled AS text[])) AS v (plain, veiled)
    WHERE {_MINE} AND s.email = v.plain
"""


def export_customer(session: Session, shop: Shop, person: Person) -> rows.Found:
    """What the person asked to be told about."""
    return rows.read(session, shop, person, _EXPORTS)


def erase_customer(session: Session, shop: Shop, person: Person) -> rows.Counts:
    """End the person's wishes and veil their addresses; the rows stay, so that counts stay."""
    addresses = {row["email"] for row in rows.read(session, shop, person, {"s": _ADDRESSES})["s"]}
    veiled = veils.ensure_veil(session, shop.id).over_all(addresses)
    values = {"plain": list(veiled.values()), "veiled": list(veiled), "now": clock.now(session)}
    return rows.change(session, shop, person, {"subscriptions": _VEIL}, **values)


_ADDRESSES = f"SELECT s.email FROM subscriptions s WHERE {_MINE}"

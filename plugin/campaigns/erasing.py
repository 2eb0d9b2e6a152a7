"""The campaigns' part in exporting and erasing a person: carts under way stop, and forget whose they were."""

from __future__ import annotations

from sqlalchemy.orm import Session

from plugin import clock
from plugin.shops import rows
from plugin.shops.models import Shop
from plugin.shops.people import Person

_MINE = (
    "shop_id = :shop AND (customer_id = ANY (:customer_ids) OR email = ANY (:emails) OR checkout_token = ANY (:tokens))"
)
_EXPORTS = {
    "enrollments": f"""
        SELECT id, checkout_token, email, step, state, entered_at, ended_at, stop_reason, order_id, recovered_minor
        FROM enrollments WHERE {_MINE} ORDER BY id""",
    "decisions": f"""
        SELECT enrollment_id, rule, value, decided_at FROM decisions
        WHERE shop_id = :shop AND (customer_id = ANY (:customer_ids)
            OR enrollment_id IN (SELECT id FROM enrollments WHERE {_MINE})) ORDER BY id""",
}
# Decisions first: they are found by their enrollments' addresses.
_ERASES = {
    "decisions": f"""
        UPDATE decisions SET value = '{{}}'
        WHERE shop_id = :shop AND value <> '{{}}' AND (customer_id = ANY (:customer_ids)
            OR enrollment_id IN (SELECT id FROM enrollments WHERE {_MINE}))""",
    "enrollments": f"""
        UPDATE enrollments
        SET email = '', wake_at = NULL, ended_at = coalesce(ended_at, :now),
            stop_reason = CASE WHEN state = 'waiting' THEN 'erased' ELSE stop_reason END,
            state = CASE WHEN state = 'waiting' THEN 'stopped' ELSE state END
        WHERE {_MINE} AND email <> ''""",
}


def export_customer(session: Session, shop: Shop, person: Person) -> rows.Found:
    """Which automations the person's carts went through, and what was decided about them."""
    return rows.read(session, shop, person, _EXPORTS)


def erase_customer(session: Session, shop: Shop, person: Person) -> rows.Counts:
    """Stop what is under way and empty the addresses; counts and recovered money stay."""
    return rows.change(session, shop, person, _ERASES, now=clock.now(session))

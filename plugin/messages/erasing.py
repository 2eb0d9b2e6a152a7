"""Mail's part in exporting and erasing a person: texts and addresses go, a "no" stays under its veil.

A veiled suppression still stops mail when the same address comes back: who said no has to say yes again.
"""

from __future__ import annotations

from sqlalchemy.orm import Session

from plugin.shops import rows, veils
from plugin.shops.models import Shop
from plugin.shops.people import Person

_MINE = "shop_id = :shop AND (customer_id = ANY (:customer_ids) OR email = ANY (:emails))"
_EXPORTS = {
    "messages": f"""
        SELECT id, kind, marketing, email, locale, context, state, reason, value, subject, html, text, created_at,
            sent_at
        FROM messages WHERE {_MINE} ORDER BY id""",
    "consents": f"""
        SELECT email, scope, granted, words, source, occurred_at FROM consents WHERE {_MINE} ORDER BY id""",
    "suppressions": """
        SELECT email, scope, reason, created_at FROM suppressions
        WHERE shop_id = :shop AND email = ANY (:emails) ORDER BY email, scope""",
}
_MESSAGES = f"""
    UPDATE messages
    SET email = '', context = '{{}}', value = NULL, message_id = NULL, subject = NULL, html = NULL, text = NULL,
        lease = NULL, reason = CASE WHEN state IN ('queued', 'sending') THEN 'erased' ELSE reason END,
        state = CASE state WHEN 'queued' THEN 'skipped' WHEN 'sending' THEN 'unknown' ELSE state END
    WHERE {_MINE} AND (email <> '' OR context <> '{{}}' OR html IS NOT NULL)
"""
_VEILS = "unnest(CAST(:plain AS text[]), CAST(:veiled AS text[])) AS v (plain, veiled)"
_ERASES = {
    "messages": _MESSAGES,
    "consents": f"UPDATE consents SET email = v.veiled FROM {_VEILS} WHERE {_MINE} AND email = v.plain",
    "suppressions": f"""
        WITH listed AS (
            DELETE FROM suppressions s USING {_VEILS}
            WHERE s.shop_id = :shop AND s.email = v.plain RETURNING s.shop_id, v.veiled, s.scope, s.reason, s.created_at
        )
        INSERT INTO suppressions (shop_id, email, scope, reason, created_at) SELECT * FROM listed
        ON CONFLICT DO NOTHING""",
}
_ADDRESSES = f"SELECT email FROM consents WHERE {_MINE}"


def export_customer(session: Session, shop: Shop, person: Person) -> rows.Found:
    """Every mail with its text, what the person allowed and refused."""
    return rows.read(session, shop, person, _EXPORTS)


def erase_customer(session: Session, shop: Shop, person: Person) -> rows.Counts:
    """Skip what waits, empty what was sent, veil addresses where a word given must go on counting."""
    addresses = {row["email"] for row in rows.read(session, shop, person, {"c": _ADDRESSES})["c"]}
    veiled = veils.ensure_veil(session, shop.id).over_all(addresses | person.emails)
    return rows.change(session, shop, person, _ERASES, plain=list(veiled.values()), veiled=list(veiled))

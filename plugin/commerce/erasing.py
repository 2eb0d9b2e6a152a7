"""The mirror's part in exporting and erasing a person.

A customer's row is emptied and keeps its id, its counts and its sums; orders keep their lines and amounts, so revenue
and the ledger stay as they were. The emptied groups get a version that nothing exceeds.
"""

from __future__ import annotations

from sqlalchemy.orm import Session

from plugin import clock
from plugin.shops import rows
from plugin.shops.models import Shop
from plugin.shops.people import Person

_MINE = "shop_id = :shop AND (id = ANY (:order_ids) OR customer_id = ANY (:customer_ids) OR email = ANY (:emails))"
_MY_CARTS = (
    "shop_id = :shop AND"
    " (token = ANY (:tokens) OR customer_id = ANY (:customer_ids) OR email = ANY (:emails) OR phone = ANY (:phones))"
)
_EXPORTS = {
    "customers": """
        SELECT id, email, phone, first_name, last_name, state, country_code, city, locale, tags, created_at, updated_at,
            email_consent, email_consent_level, email_consent_at, sms_consent, sms_consent_level, sms_consent_at,
            orders_count, spent_minor, spent_currency, last_order_at
        FROM customers WHERE shop_id = :shop AND id = ANY (:customer_ids) ORDER BY id""",
    "orders": f"""
        SELECT id, name, email, source_name, financial_status, fulfillment_status, currency, subtotal_minor,
            total_minor, tax_minor, shipping_minor, discount_minor, current_total_minor, discount_codes, tags,
            processed_at, cancelled_at
        FROM orders WHERE {_MINE} ORDER BY id""",
    "order_lines": """
        SELECT order_id, title, variant_title, sku, vendor, quantity, current_quantity, price_minor, discount_minor
        FROM order_lines WHERE shop_id = :shop AND order_id = ANY (:order_ids) ORDER BY order_id, position""",
    "refunds": """
        SELECT id, order_id, processed_at, lines_minor, shipping_minor, amount_only_minor
        FROM refunds WHERE shop_id = :shop AND order_id = ANY (:order_ids) ORDER BY id""",
    "fulfillments": """
        SELECT id, order_id, status, shipment_status, tracking_company, tracking_numbers, tracking_urls, created_at
        FROM fulfillments WHERE shop_id = :shop AND order_id = ANY (:order_ids) ORDER BY id""",
    "checkouts": f"""
        SELECT token, email, phone, locale, recovery_url, accepts_marketing, currency, total_minor, lines, created_at,
            updated_at, completed_at
        FROM checkouts WHERE {_MY_CARTS} AND deleted_at IS NULL ORDER BY token""",
}
# 32 bytes that sort after every version, a later deletion's too (plugin/sync/versions.py).
_LAST = "decode(repeat('ff', 32), 'hex')"
_SEALED = ("version", "locale_version", "tags_version", "email_consent_version", "sms_consent_version")
_ERASES = {
    "customers": f"""
        INSERT INTO customers AS c (shop_id, id, known, deleted_at, {", ".join(_SEALED)})
        SELECT :shop, id, true, :now, {", ".join([_LAST] * len(_SEALED))}
            FROM unnest(CAST(:customer_ids AS bigint[])) AS gone (id)
        ON CONFLICT (shop_id, id) DO UPDATE
            SET known = true, deleted_at = coalesce(c.deleted_at, EXCLUDED.deleted_at), email = NULL, phone = NULL,
                first_name = NULL, last_name = NULL, sort_name = '', locale = NULL, state = NULL, country_code = NULL,
                city = NULL, created_at = NULL, updated_at = NULL, tags = '{{}}', email_consent = NULL,
                email_consent_level = NULL, email_consent_at = NULL, sms_consent = NULL, sms_consent_level = NULL,
                sms_consent_at = NULL, {", ".join(f"{column} = EXCLUDED.{column}" for column in _SEALED)}
            WHERE c.version <> EXCLUDED.version""",
    "customer_terms": "DELETE FROM customer_terms WHERE shop_id = :shop AND customer_id = ANY (:customer_ids)",
    "orders": f"""
        UPDATE orders SET email = NULL, tags = '{{}}', shipping_place = NULL, billing_place = NULL
        WHERE {_MINE} AND
            (email IS NOT NULL OR tags <> '{{}}' OR coalesce(shipping_place, billing_place) IS NOT NULL)""",
    "fulfillments": """
        UPDATE fulfillments SET tracking_numbers = '{}', tracking_urls = '{}'
        WHERE shop_id = :shop AND order_id = ANY (:order_ids) AND (tracking_numbers <> '{}' OR tracking_urls <> '{}')
        """,
    "checkouts": f"""
        UPDATE checkouts
        SET store_id = NULL, cart_token = NULL, customer_id = NULL, email = NULL, phone = NULL, locale = NULL,
            recovery_url = NULL, accepts_marketing = false, currency = '', subtotal_minor = 0, total_minor = 0,
            lines = '[]', created_at = NULL, updated_at = NULL, completed_at = NULL, closed_at = NULL,
            deleted_at = coalesce(deleted_at, :now), version = {_LAST}
        WHERE {_MY_CARTS} AND version <> {_LAST}""",
}


def export_customer(session: Session, shop: Shop, person: Person) -> rows.Found:
    """What the mirror holds about a person, by table."""
    return rows.read(session, shop, person, _EXPORTS)


def erase_customer(session: Session, shop: Shop, person: Person) -> rows.Counts:
    """Empty what the mirror holds about a person; how many rows of each table."""
    return rows.change(session, shop, person, _ERASES, now=clock.now(session))

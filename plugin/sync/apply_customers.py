"""Customers into the mirror: one row a person, several groups of columns, each with its own version.

Totals: what the store says about itself (`orders_count`, `spent_minor`) stands as soon as it said anything; until then
they are counted from the mirror's orders. The last order is always the mirror's. Test, cancelled and deleted orders do
not count; spent is the present total of what was paid.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from plugin.commerce.models import Customer, CustomerTerm
from plugin.commerce.terms import customer_terms, sort_name
from plugin.reactions import Changes
from plugin.sync import rows
from plugin.sync.batch import Batch
from plugin.sync.staging import Children, Cursor, Staged, arrays

# group → its columns; the last one is the group's version.
GROUPS = {
    "identity": (
        *("email", "phone", "first_name", "last_name", "state", "country_code", "city", "created_at", "updated_at"),
        *("sort_name", "version"),
    ),
    "locale": ("locale", "locale_version"),
    "tags": ("tags", "tags_version"),
    "email": ("email_consent", "email_consent_level", "email_consent_at", "email_consent_version"),
    "sms": ("sms_consent", "sms_consent_level", "sms_consent_at", "sms_consent_version"),
    "totals": ("orders_count", "spent_minor", "spent_currency", "totals_version"),
}
COLUMNS = ("shop_id", "id", "known", *(column for group in GROUPS.values() for column in group))
STAGED = Staged(Customer.__table__, COLUMNS)
TERMS = Children(CustomerTerm.__table__, ("shop_id", "term", "customer_id"), parent="customer_id")
VERSIONS = tuple(group[-1] for group in GROUPS.values())


def _upsert() -> str:
    listed = ", ".join(COLUMNS)
    changed = [
        f"{column} = CASE WHEN t.{group[-1]} < EXCLUDED.{group[-1]} THEN EXCLUDED.{column} ELSE t.{column} END"
        for group in GROUPS.values()
        for column in group
    ]
    newer = " OR ".join(f"t.{version} < EXCLUDED.{version}" for version in VERSIONS)
    return (
        f"INSERT INTO customers AS t ({listed}) SELECT {listed} FROM {STAGED.temp}"
        f" ON CONFLICT (shop_id, id) DO UPDATE SET known = t.known OR EXCLUDED.known, {', '.join(changed)}"
        f" WHERE {newer}"
        " RETURNING id, xmax::text <> '0', version, email_consent_version"
    )


_UPSERT: Any = _upsert()
_STUBS = """
    INSERT INTO customers (shop_id, id, known) SELECT %s, id, false FROM unnest(%s::bigint[]) AS mentioned (id)
    ON CONFLICT DO NOTHING RETURNING id
"""
_BURY: Any = f"""
    INSERT INTO customers AS t (shop_id, id, known, deleted_at, {", ".join(VERSIONS)})
    SELECT %s, id, true, deleted_at, {", ".join(["version"] * len(VERSIONS))}
    FROM unnest(%s::bigint[], %s::timestamptz[], %s::bytea[]) AS gone (id, deleted_at, version)
    ON CONFLICT (shop_id, id) DO UPDATE
        SET known = true, deleted_at = EXCLUDED.deleted_at, email = NULL, phone = NULL, first_name = NULL,
            last_name = NULL, sort_name = '', locale = NULL, state = NULL, country_code = NULL, city = NULL,
            created_at = NULL, updated_at = NULL, tags = '{{}}', email_consent = NULL, email_consent_level = NULL,
            email_consent_at = NULL, sms_consent = NULL, sms_consent_level = NULL, sms_consent_at = NULL,
            orders_count = 0, spent_minor = 0, spent_currency = NULL,
            {", ".join(f"{version} = EXCLUDED.{version}" for version in VERSIONS)}
        WHERE t.version < EXCLUDED.version
    RETURNING id
"""
_COUNT = """
    UPDATE customers c
    SET last_order_at = o.last_at, last_order_id = o.last_id,
        orders_count = CASE WHEN c.totals_version = '' THEN o.number ELSE c.orders_count END,
        spent_minor = CASE WHEN c.totals_version = '' THEN o.spent ELSE c.spent_minor END,
        spent_currency = CASE WHEN c.totals_version = '' THEN o.currency ELSE c.spent_currency END
    FROM unnest(%(ids)b::bigint[]) AS ids (id)
    CROSS JOIN LATERAL (
        SELECT count(*) AS number, max(processed_at) AS last_at, max(currency) AS currency,
            (array_agg(id ORDER BY processed_at DESC NULLS LAST, id DESC))[1] AS last_id,
            coalesce(sum(current_total_minor) FILTER (WHERE financial_status
                IN ('paid', 'partially_paid', 'partially_refunded', 'refunded')), 0)::bigint AS spent
        FROM orders WHERE shop_id = %(shop)s AND customer_id = ids.id AND known AND NOT test
            AND deleted_at IS NULL AND cancelled_at IS NULL
    ) o
    WHERE c.shop_id = %(shop)s AND c.id = ids.id AND (c.last_order_at IS DISTINCT FROM o.last_at
        OR c.last_order_id IS DISTINCT FROM o.last_id
        OR c.totals_version = '' AND (c.orders_count, c.spent_minor) <> (o.number, o.spent)
        OR c.totals_version = '' AND c.spent_currency IS DISTINCT FROM o.currency)
"""
_TERMS = """
    SELECT t.shop_id, t.term, t.customer_id FROM unnest(%b::bigint[]) AS ids (id)
    CROSS JOIN LATERAL (
        SELECT shop_id, term, customer_id FROM customer_terms WHERE shop_id = %b AND customer_id = ids.id OFFSET 0
    ) AS t
"""


def apply(cursor: Cursor, shop_id: int, batch: Batch, changes: Changes) -> set[int]:
    """Write what the batch says about people; ids that had to be made up as stubs."""
    stubs = _write(cursor, shop_id, batch, changes)
    if gone := batch.deleted_customers.values():
        buried = {id for (id,) in cursor.execute(_BURY, (shop_id, *arrays(gone)))}
        TERMS.replace(cursor, shop_id, buried, ())
        changes.customers |= buried
        changes.consents |= buried
    if mentioned := batch.mentioned_customers - stubs:
        stubs |= {id for (id,) in cursor.execute(_STUBS, (shop_id, sorted(mentioned)))}
    return stubs


def count_orders(cursor: Cursor, shop_id: int, customer_ids: Collection[int]) -> None:
    """Bring last orders, and totals the store never told, in line with the mirror's orders."""
    if customer_ids:
        cursor.execute(_COUNT, {"shop": shop_id, "ids": sorted(customer_ids)})


def _write(cursor: Cursor, shop_id: int, batch: Batch, changes: Changes) -> set[int]:
    groups = batch.identities, batch.locales, batch.tags, batch.email_consents, batch.sms_consents, batch.totals
    ids = set().union(*groups)
    if not ids:
        return set()
    STAGED.fill(cursor, _rows(shop_id, sorted(ids), batch))
    stubs, described, before = set(), set(), set()
    for id, was_there, version, consent_version in cursor.execute(_UPSERT).fetchall():
        if not was_there and id in batch.mentioned_customers:
            stubs.add(id)
        if id in batch.identities and version == batch.identities[id].version:
            described.add(id)
            before |= {id} if was_there else set()
        if id in batch.email_consents and consent_version == batch.email_consents[id].version:
            changes.consents.add(id)
        changes.customers.add(id)
    _write_terms(cursor, shop_id, before, set(_terms(shop_id, described, batch)))
    return stubs


def _write_terms(cursor: Cursor, shop_id: int, before: set[int], terms: set[tuple[int, str, int]]) -> None:
    """The words of these customers; `before` are those who may have some. Most news about people changes no word."""
    there = set(cursor.execute(_TERMS, (sorted(before), shop_id)).fetchall()) if before else set()
    changed = {customer_id for _, _, customer_id in there ^ terms}
    TERMS.replace(cursor, shop_id, before & changed, [term for term in terms if term[2] in changed])


def _rows(shop_id: int, ids: Iterable[int], batch: Batch) -> Iterator[tuple[Any, ...]]:
    for id in ids:
        who = batch.identities.get(id, rows.NO_IDENTITY)
        yield (
            shop_id,
            id,
            id in batch.identities,
            *who[:-1],
            sort_name(who.first_name, who.last_name, who.email),
            who.version,
            *batch.locales.get(id, rows.NO_LOCALE),
            *batch.tags.get(id, rows.NO_TAGS),
            *batch.email_consents.get(id, rows.NO_CONSENT),
            *batch.sms_consents.get(id, rows.NO_CONSENT),
            *batch.totals.get(id, rows.NO_TOTALS),
        )


def _terms(shop_id: int, ids: Iterable[int], batch: Batch) -> Iterator[tuple[int, str, int]]:
    for id in ids:
        who = batch.identities[id]
        for term in customer_terms(who.first_name, who.last_name, who.email, who.phone):
            yield shop_id, term, id

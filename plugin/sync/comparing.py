"""A page of the store's list against our rows, in one statement: what is missing, older, different or gone.

What merely is in flight is no difference: the page is compared after everything that was in the inbox when the page
came is applied, objects that changed within the last minute are left to the next check (unless a person asked for this
one), and so is what a `fetch` that was not tried yet is going to tell. Erased people and carts are not compared; of an
erased person's orders the amounts are healed and nothing else comes in (plugin.sync.shielding). A digest of each group
of columns is kept with the finding, to tell afterwards what had been different.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from plugin.effects import operations as effects
from plugin.shops.models import Shop
from plugin.sync.batch import fetch_key, fetch_payload
from plugin.sync.fetching import shown_since
from plugin.sync.listing import Listed, Sum
from plugin.sync.models import DriftCheck

LAST_ID = 2**63 - 1
COMPLETE = ("customers", "products", "orders")  # whose list holds every object


@dataclass(frozen=True)
class Kind:
    """Our side of one kind of object, as pieces of SQL about the row `ours` and what the store `told`.

    `groups`: name → what its digest is made from. `differs`: whether the listed content is not ours.
    """

    table: str
    groups: dict[str, str]
    differs: str
    key: str = "id"
    key_type: str = "bigint"
    store_id: str = "id"
    known: str = "ours.known"
    erased: str = ""
    spared: str = "false"  # a row that a fetch would make poorer

    @property
    def digests(self) -> str:
        """A JSON object: the digest of each group."""
        pairs = ", ".join(f"'{name}', md5(({content})::text)" for name, content in self.groups.items())
        return f"jsonb_build_object({pairs})"


def _children(table: str, parent: str, columns: str) -> str:
    found = f"SELECT string_agg(({columns})::text, ',' ORDER BY part.id) FROM {table} part"
    return f"({found} WHERE part.shop_id = ours.shop_id AND part.{parent} = ours.id)"


_LINE = "part.id, part.position, part.product_id, part.variant_id, part.title, part.quantity, part.current_quantity,"
_REFUND = "part.id, part.processed_at, part.lines_minor, part.shipping_minor, part.amount_only_minor"
_PARCEL = "part.id, part.status, part.shipment_status, part.tracking_company, part.tracking_numbers, part.tracking_urls"
_VARIANT = "part.id, part.title, part.sku, part.price_minor, part.compare_at_minor, part.position"

KINDS = {
    "customers": Kind(
        "customers",
        {
            "person": "ours.email, ours.phone, ours.first_name, ours.last_name, ours.state, ours.country_code",
            "tags": "ours.tags",
            "email_consent": "coalesce(ours.email_consent, 'not_subscribed')",  # new customers come without a word
            "sms_consent": "coalesce(ours.sms_consent, 'not_subscribed')",
            "totals": "ours.orders_count, ours.spent_minor",
        },
        """
            told.content->>'email' IS DISTINCT FROM ours.email
            OR coalesce(told.content->>'consent', 'not_subscribed')
                <> coalesce(ours.email_consent, 'not_subscribed')
            OR told.content->'tags' <> (SELECT coalesce(jsonb_agg(tag ORDER BY tag COLLATE "C"), '[]')
                FROM unnest(ours.tags) AS tag)
            OR (coalesce((told.content->>'ordered_at')::timestamptz, '-infinity') <= :until
                AND (ours.orders_count, ours.spent_minor)
                    <> ((told.content->>'orders')::bigint, (told.content->>'spent')::bigint))
        """,
        erased="customer",
    ),
    "products": Kind(
        "products",
        {
            "details": "ours.title, ours.handle, ours.vendor, ours.product_type, ours.image_url",
            "tags": "ours.tags",
            "status": "ours.status, ours.published_at",
            "variants": _children("variants", "product_id", _VARIANT),
        },
        """
            told.content->>'title' <> ours.title
            OR told.content->>'status' IS DISTINCT FROM ours.status
            OR told.content->'tags' <> (SELECT coalesce(jsonb_agg(tag ORDER BY tag COLLATE "C"), '[]')
                FROM unnest(ours.tags) AS tag)
            OR (told.content->>'variants')::bigint <> (SELECT count(*) FROM variants part
                WHERE part.shop_id = ours.shop_id AND part.product_id = ours.id)
        """,
    ),
    "orders": Kind(
        "orders",
        {
            "customer": "ours.customer_id, ours.email",
            "status": "ours.financial_status, ours.fulfillment_status, ours.cancelled_at, ours.closed_at, ours.test",
            "amounts": "ours.total_minor, ours.current_subtotal_minor, ours.current_total_minor, ours.discount_minor",
            "details": "ours.name, ours.tags, ours.discount_codes, ours.processed_at",
            "lines": _children("order_lines", "order_id", _LINE + "part.price_minor, part.discount_minor"),
            "refunds": _children("refunds", "order_id", _REFUND),
            "parcels": _children("fulfillments", "order_id", _PARCEL),
        },
        """
            (told.content->>'total')::bigint <> ours.current_total_minor
            OR told.content->>'status' IS DISTINCT FROM ours.financial_status
            OR (told.content->>'cancelled')::boolean <> (ours.cancelled_at IS NOT NULL)
            OR (told.content->>'customer')::bigint IS DISTINCT FROM ours.customer_id
            OR (told.content->>'lines')::bigint > 0 AND NOT EXISTS (SELECT FROM order_lines part
                WHERE part.shop_id = ours.shop_id AND part.order_id = ours.id)
            OR (told.content->>'refunded')::boolean AND NOT EXISTS (SELECT FROM refunds part
                WHERE part.shop_id = ours.shop_id AND part.order_id = ours.id)
        """,
    ),
    "checkouts": Kind(
        "checkouts",
        {
            "status": "ours.completed_at",
            "customer": "ours.customer_id",
            "amounts": "ours.subtotal_minor, ours.total_minor",
            "lines": "ours.lines",
        },
        "(told.content->>'completed')::boolean <> (ours.completed_at IS NOT NULL)",
        key="token",
        key_type="text",
        store_id="store_id",
        known="true",
        erased="checkout",
        # The store lists no guest's address, so reading an open one again would lose whom to write to.
        spared="ours.email IS NOT NULL AND ours.customer_id IS NULL AND NOT (told.content->>'completed')::boolean",
    ),
}

_NOT_ON_ITS_WAY = """
    NOT EXISTS (SELECT FROM outbox WHERE outbox.shop_id = :shop AND outbox.kind = 'fetch' AND outbox.attempts = 0
        AND outbox.state = 'pending' AND outbox.key = :object || ':' || {store_id})
"""
_LISTED = """
    INSERT INTO drift_findings (shop_id, check_id, key, store_id, reason, before)
    SELECT :shop, :check, told.key::text, told.store_id,
        CASE WHEN ours.{key} IS NULL OR NOT {known} THEN 'missing' WHEN {older} THEN 'older' ELSE 'different' END,
        CASE WHEN ours.{key} IS NOT NULL THEN {digests} END
    FROM (SELECT key, store_id, at, content::jsonb FROM unnest(CAST(:keys AS {key_type}[]),
        CAST(:store_ids AS bigint[]), CAST(:ats AS timestamptz[]), CAST(:contents AS text[]))
        AS page (key, store_id, at, content)) AS told
    LEFT JOIN {table} ours ON ours.shop_id = :shop AND ours.{key} = told.key
    WHERE told.at <= :until AND ours.deleted_at IS NULL {not_erased}
        AND (ours.{key} IS NULL OR NOT {known} OR {older} OR (told.content IS NOT NULL AND ({differs})))
        AND ({spared}) IS NOT TRUE AND {not_on_its_way} {not_newer}
    ON CONFLICT DO NOTHING
    RETURNING store_id
"""
_OLDER = "(ours.updated_at IS NULL OR date_trunc('second', ours.updated_at) < date_trunc('second', told.at))"
_NOT_NEWER = """
    AND (ours.{key} IS NULL OR NOT {known} OR ours.updated_at IS NULL
        OR date_trunc('second', ours.updated_at) <= date_trunc('second', told.at))
"""
_NOT_ERASED = """
    AND NOT EXISTS (SELECT FROM erasures WHERE erasures.shop_id = :shop AND erasures.key = '{erased}:' || told.key)
"""
_UNLISTED = """
    INSERT INTO drift_findings (shop_id, check_id, key, store_id, reason, before)
    SELECT :shop, :check, ours.id::text, ours.id, CASE WHEN ours.known THEN 'gone' ELSE 'stub' END, {digests}
    FROM {table} ours
    WHERE ours.shop_id = :shop AND ours.id > :after AND ours.id <= :through AND ours.deleted_at IS NULL
        AND NOT (ours.id = ANY (:ids)) AND {shown} AND {not_on_its_way}
    ON CONFLICT DO NOTHING
    RETURNING store_id
"""
_WINDOW = """
    SELECT count(*), max(id), count(*) FILTER (WHERE counted),
        date_trunc('second', max(updated_at) FILTER (WHERE counted))
    FROM (SELECT id, updated_at, known AND deleted_at IS NULL AND {shown} AS counted FROM {table}
        WHERE shop_id = :shop AND id > :after ORDER BY id LIMIT :rows) AS ours
"""
# An order of which we know nothing may be an old one that the store hides.
_ALL_SHOWN = "(NOT ours.known OR coalesce(ours.created_at, ours.updated_at) <= :until)"
_SHOWN_SINCE = "ours.known AND ours.created_at BETWEEN :shown_since AND :until"


@dataclass(frozen=True)
class Window:
    """A stretch of our ids, and what the store's sum of it has to be."""

    through: int
    sum: Sum


def window(session: Session, shop: Shop, check: DriftCheck, rows: int) -> Window | None:
    """Our next `rows` rows after the check's place; None when fewer are left, for new objects may follow them."""
    named = {"shop": shop.id, "after": check.last_id, "rows": rows}
    since = shown_since(session, shop) if check.object == "orders" else None
    shown = "created_at >= :shown_since" if since else "true"
    statement = _WINDOW.format(table=KINDS[check.object].table, shown=shown)
    there, through, count, newest_at = session.execute(
        text(statement), named | ({"shown_since": since} if since else {})
    ).one()
    return Window(through, Sum(count, newest_at)) if there == rows else None


def compare(session: Session, shop: Shop, check: DriftCheck, page: Sequence[Listed], read_before: bool = False) -> int:
    """Note what of the page is not as we have it, and ask for each; how many there are.

    Of a page that was `read_before`, some time ago, what has changed here since is no difference.
    """
    kind = KINDS[check.object]
    columns = {"keys": [one.key for one in page], "store_ids": [one.store_id for one in page]}
    columns |= {"ats": [one.updated_at for one in page], "contents": [one.content for one in page]}
    pieces = {
        name: getattr(kind, name) for name in ("table", "key", "key_type", "known", "differs", "digests", "spared")
    }
    pieces |= {"older": _OLDER, "not_erased": _NOT_ERASED.format(erased=kind.erased) if kind.erased else ""}
    pieces |= {"not_on_its_way": _NOT_ON_ITS_WAY.format(store_id="told.store_id")}
    pieces |= {"not_newer": _NOT_NEWER.format(key=kind.key, known=kind.known) if read_before else ""}
    return _note(session, shop, check, _LISTED.format(**pieces), columns)


def look_for_gone(
    session: Session, shop: Shop, check: DriftCheck, page: Sequence[Listed], through: int = LAST_ID
) -> int:
    """Note our rows between the check's place and id `through` that the page does not list; how many there are.

    Only for kinds whose list is complete: the store lists no checkout that was not abandoned.
    """
    kind = KINDS[check.object]
    since = shown_since(session, shop) if check.object == "orders" else None
    pieces = {"table": kind.table, "digests": kind.digests, "shown": _SHOWN_SINCE if since else _ALL_SHOWN}
    pieces |= {"not_on_its_way": _NOT_ON_ITS_WAY.format(store_id="ours.id")}
    values = {"after": check.last_id, "through": through, "ids": [one.store_id for one in page]}
    return _note(session, shop, check, _UNLISTED.format(**pieces), values | ({"shown_since": since} if since else {}))


def _note(session: Session, shop: Shop, check: DriftCheck, statement: str, values: dict[str, Any]) -> int:
    named = {"shop": shop.id, "check": check.id, "object": check.object, "until": check.until}
    ids = list(session.execute(text(statement), named | values).scalars())
    asked = {fetch_key(check.object, id): fetch_payload(check.object, id) for id in ids}
    effects.record_all(session, shop.id, "fetch", asked, again=True, patient=True)
    return len(ids)

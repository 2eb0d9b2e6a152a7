"""The only way into the mirror: webhooks, fetched objects, bulk lines and reconciliation all end here.

One statement a table, the greater version wins, and the result is what changed. Runs inside the caller's transaction,
under the shop's lock, and asks for what is still unknown with `fetch` effects.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy.orm import Session

from plugin.commerce.models import Fulfillment, InventoryLevel, Order, OrderLine, Product, Refund, RefundLine, Variant
from plugin.effects import operations as effects
from plugin.reactions import Changes
from plugin.shops.models import Shop
from plugin.sync import afterwards, apply_checkouts, apply_customers, merging, plans, rows
from plugin.sync.batch import Batch, fetch_key, fetch_payload
from plugin.sync.shielding import shield
from plugin.sync.staging import Children, Cursor, Upsert, arrays

ORDERS = Upsert(Order.__table__, rows.OrderRow._fields, constant="known = true")
LINES = Children(OrderLine.__table__, rows.LineRow._fields, parent="order_id")
REFUNDS = Upsert(Refund.__table__, rows.RefundRow._fields)
REFUND_LINES = Children(RefundLine.__table__, rows.RefundLineRow._fields, parent="refund_id")
FULFILLMENTS = Upsert(Fulfillment.__table__, rows.FulfillmentRow._fields)
PRODUCTS = Upsert(Product.__table__, rows.ProductRow._fields, constant="known = true")
VARIANTS = Children(Variant.__table__, rows.VariantRow._fields, parent="product_id")
LEVELS = Upsert(InventoryLevel.__table__, rows.LevelRow._fields)

# What a deletion leaves: the key, when, and a version that nothing exceeds.
_EMPTY_ORDER = """
    name = '', customer_id = NULL, email = NULL, checkout_token = NULL, cart_token = NULL, source_name = NULL,
    financial_status = NULL, fulfillment_status = NULL, test = false, currency = '', presentment_currency = NULL,
    taxes_included = false, subtotal_minor = 0, total_minor = 0, tax_minor = 0, shipping_minor = 0, discount_minor = 0,
    current_subtotal_minor = 0, current_total_minor = 0, discount_codes = '{}', tags = '{}', processed_at = NULL,
    created_at = NULL, updated_at = NULL, cancelled_at = NULL, closed_at = NULL, shipping_place = NULL,
    billing_place = NULL"""
_EMPTY_PRODUCT = """
    title = '', handle = '', vendor = NULL, product_type = '', status = NULL, tags = '{}', image_url = NULL,
    published_at = NULL, created_at = NULL, updated_at = NULL"""
_BURY = """
    INSERT INTO {table} AS t (shop_id, id, known, deleted_at, version)
    SELECT %s, id, true, deleted_at, version FROM unnest(%s::bigint[], %s::timestamptz[], %s::bytea[])
        AS gone (id, deleted_at, version)
    ON CONFLICT (shop_id, id) DO UPDATE
        SET {empty}, known = true, deleted_at = EXCLUDED.deleted_at, version = EXCLUDED.version
        WHERE t.version < EXCLUDED.version
    RETURNING id
"""
_STUB_ORDERS = """
    INSERT INTO orders (shop_id, id, known) SELECT %s, id, false FROM unnest(%s::bigint[]) AS mentioned (id)
    ON CONFLICT DO NOTHING RETURNING id
"""
_FORMER_CUSTOMERS = """
    SELECT DISTINCT customer_id FROM orders
    WHERE shop_id = %s AND id = ANY (%s) AND customer_id IS NOT NULL
"""


def apply(session: Session, shop: Shop, batch: Batch) -> Changes:
    """Write the batch where it is newer than what is there; what changed."""
    shield(session, shop, batch)
    changes = Changes()
    cursor = plans.steady(session)
    fetches = dict(batch.fetches)
    merging.accept(session, shop, batch)
    stubs = apply_customers.apply(cursor, shop.id, batch, changes)
    fetches |= {fetch_key("customers", id): fetch_payload("customers", id) for id in stubs}
    counted = merging.apply(session, shop, batch, changes) | _former_customers(cursor, shop.id, batch)
    _orders(cursor, shop.id, batch, changes)
    missing = _order_parts(cursor, shop.id, batch, changes)
    fetches |= {fetch_key("orders", id): fetch_payload("orders", id) for id in missing}
    changes.checkouts |= apply_checkouts.apply(cursor, shop.id, batch)
    _products(cursor, shop.id, batch, changes)
    counted |= {row.customer_id for row in batch.orders.values() if row.customer_id and row.id in changes.orders}
    noted = {batch.orders[id].customer_id or 0 for id in changes.later} - {0}
    afterwards.note(cursor, shop.id, noted)
    apply_customers.count_orders(cursor, shop.id, (counted | (batch.totals.keys() & changes.customers)) - noted)
    effects.record_all(session, shop.id, "fetch", fetches, again=True, patient=True)
    return changes


def _orders(cursor: Cursor, shop_id: int, batch: Batch, changes: Changes) -> None:
    written = ORDERS.run(cursor, batch.orders.values())
    lines = [line for id in written for line in batch.lines[id]]
    LINES.replace(cursor, shop_id, [id for id, was_there in written.items() if was_there], lines)
    changes.orders |= written.keys()
    if batch.imported:
        changes.later |= {id for id, was_there in written.items() if not was_there}
    buried = _bury(cursor, shop_id, "orders", _EMPTY_ORDER, batch.deleted_orders.values())
    LINES.replace(cursor, shop_id, buried, ())
    changes.orders |= buried


def _order_parts(cursor: Cursor, shop_id: int, batch: Batch, changes: Changes) -> set[int]:
    """Refunds and fulfillments; ids of orders that had to be made up as stubs for them."""
    stubs: set[int] = set()
    if mentioned := batch.mentioned_orders - batch.orders.keys():
        stubs = {id for (id,) in cursor.execute(_STUB_ORDERS, (shop_id, sorted(mentioned)))}
    written = REFUNDS.run(cursor, batch.refunds.values())
    lines = [line for id in written for line in batch.refund_lines[id]]
    REFUND_LINES.replace(cursor, shop_id, [id for id, was_there in written.items() if was_there], lines)
    changes.orders |= {batch.refunds[id].order_id for id in written}
    FULFILLMENTS.run(cursor, batch.fulfillments.values())
    return stubs


def _products(cursor: Cursor, shop_id: int, batch: Batch, changes: Changes) -> None:
    written = PRODUCTS.run(cursor, batch.products.values())
    variants = [variant for id in written for variant in batch.variants[id]]
    VARIANTS.replace(cursor, shop_id, [id for id, was_there in written.items() if was_there], variants)
    buried = _bury(cursor, shop_id, "products", _EMPTY_PRODUCT, batch.deleted_products.values())
    VARIANTS.replace(cursor, shop_id, buried, ())
    changes.products |= written.keys() | buried
    LEVELS.run(cursor, batch.levels.values())


def _bury(cursor: Cursor, shop_id: int, table: str, empty: str, gone: Collection[rows.Tombstone]) -> set[int]:
    if not gone:
        return set()
    statement: Any = _BURY.format(table=table, empty=empty)
    return {id for (id,) in cursor.execute(statement, (shop_id, *arrays(gone)))}


def _former_customers(cursor: Cursor, shop_id: int, batch: Batch) -> set[int]:
    """Whose orders these are before the batch: their totals change when an order moves or goes."""
    ids = batch.orders.keys() | batch.deleted_orders.keys()
    return {id for (id,) in cursor.execute(_FORMER_CUSTOMERS, (shop_id, list(ids)))} if ids else set()

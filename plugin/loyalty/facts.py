"""What some programmes ask of an order beside its money: its products, its customer's tags, when it was fulfilled.

Tags and collections change in the store after an order was placed, and its points must not follow. So they are pinned
when the order is first settled under rules that ask for them; of the customer's tags only those that rules name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from plugin.loyalty.document import PLAIN, Document
from plugin.loyalty.rules import Line, MoneyBack, OrderState, ProgramRules, Ware, folded


class Asked(NamedTuple):
    """What the rules of all versions, and of a draft, ask for together."""

    more: bool = False
    lines: bool = False  # lines singly, with their products
    pins: bool = False  # something that may change in the store
    customer_tags: frozenset[str] = frozenset()
    draft_tags: frozenset[str] = frozenset()  # of the customer, and only the draft names them


NOTHING = Asked()

_ORDERS = """
    SELECT o.id, o.shipping_minor, back.minor, back.moment, f.fulfilled_at, paid.minor, c.tags
    FROM unnest(%(ids)b::bigint[]) AS i (id)
    CROSS JOIN LATERAL (SELECT * FROM orders WHERE shop_id = %(shop)s AND id = i.id OFFSET 0) AS o
    LEFT JOIN LATERAL (
        SELECT array_agg(shipping_minor ORDER BY id) AS minor,
            array_agg(coalesce(processed_at, created_at) ORDER BY id) AS moment
        FROM refunds WHERE shop_id = %(shop)s AND order_id = o.id AND shipping_minor > 0
    ) AS back ON true
    LEFT JOIN LATERAL (
        SELECT max(created_at) AS fulfilled_at FROM fulfillments
        WHERE shop_id = %(shop)s AND order_id = o.id AND lower(coalesce(status, '')) NOT IN ('cancelled', 'failure')
    ) AS f ON lower(o.fulfillment_status) = 'fulfilled'
    LEFT JOIN LATERAL (
        SELECT sum(r.value_minor)::bigint AS minor FROM unnest(o.discount_codes) AS used (code)
        CROSS JOIN LATERAL (
            SELECT value_minor FROM redemptions WHERE shop_id = %(shop)s AND code = upper(used.code) COLLATE "C"
        ) AS r
    ) AS paid ON o.discount_codes <> '{}'
    LEFT JOIN LATERAL (SELECT tags FROM customers WHERE shop_id = %(shop)s AND id = o.customer_id OFFSET 0) AS c ON true
"""
_WARES = """
    SELECT l.order_id, l.id, l.product_id, l.vendor, p.tags, in_collections.ids
    FROM unnest(%(ids)b::bigint[]) AS i (id)
    CROSS JOIN LATERAL (SELECT * FROM order_lines WHERE shop_id = %(shop)s AND order_id = i.id OFFSET 0) AS l
    LEFT JOIN LATERAL (SELECT tags FROM products WHERE shop_id = %(shop)s AND id = l.product_id OFFSET 0) AS p ON true
    LEFT JOIN LATERAL (
        SELECT array_agg(collection_id) AS ids FROM collection_products
        WHERE shop_id = %(shop)s AND product_id = l.product_id
    ) AS in_collections ON true
"""
_PINNED = """
    SELECT f.order_id, f.customer_tags, f.lines FROM unnest(%(ids)b::bigint[]) AS i (id)
    CROSS JOIN LATERAL (SELECT * FROM order_facts WHERE shop_id = %(shop)s AND order_id = i.id OFFSET 0) AS f
"""
_PIN = """
    INSERT INTO order_facts AS f (shop_id, order_id, customer_tags, lines)
    SELECT %s, n.id, ARRAY(SELECT jsonb_array_elements_text(n.tags::jsonb)), n.lines::jsonb
    FROM unnest(%b::bigint[], %b::text[], %b::text[]) AS n (id, tags, lines)
    ON CONFLICT (shop_id, order_id) DO UPDATE SET lines = excluded.lines || f.lines
"""


def asked(versions: Iterable[ProgramRules], draft: Document = PLAIN) -> Asked:
    """What these versions, and a draft beside them, ask of orders."""
    documents = [version.document for version in versions]
    everything = [*documents, draft]
    if not any(document.asks_more for document in everything):
        return NOTHING
    goods = [some for document in everything for some in document.goods()]
    named = frozenset[str]().union(*(_excluded(document) for document in documents))
    return Asked(
        more=True,
        lines=any(some.names_any for some in goods),
        pins=bool(named) or any(some.tags or some.collections for some in goods),
        customer_tags=named,
        draft_tags=_excluded(draft) - named,
    )


def _excluded(document: Document) -> frozenset[str]:
    return folded(document.earn.excluded.customer_tags)


def told(cursor: Any, shop_id: int, orders: Sequence[OrderState], wanted: Asked) -> list[OrderState]:
    """The orders with what the rules ask for."""
    values = {"shop": shop_id, "ids": [order.id for order in orders]}
    pinned = {row[0]: row[1:] for row in cursor.execute(_PINNED, values)} if wanted.pins else {}
    wares = _wares(cursor, values, pinned) if wanted.lines else {}
    more = {row[0]: row[1:] for row in cursor.execute(_ORDERS, values)}
    return [_with(order, more[order.id], wares, pinned.get(order.id), wanted) for order in orders]


def _with(
    order: OrderState,
    more: tuple[Any, ...],
    wares: Mapping[tuple[int, int], Ware],
    pinned: tuple[Any, ...] | None,
    wanted: Asked,
) -> OrderState:
    shipping, back, moments, fulfilled_at, paid, tags = more
    now = _folded(tags)
    return order._replace(
        lines=tuple(_ware(line, wares.get((order.id, line.id))) for line in order.lines),
        shipping_minor=shipping,
        shipping_back=tuple(MoneyBack(moment, minor) for moment, minor in zip(moments or (), back or (), strict=True)),
        points_paid_minor=paid or 0,
        fulfilled_at=fulfilled_at,
        customer_tags=(frozenset(pinned[0]) if pinned else now & wanted.customer_tags) | now & wanted.draft_tags,
    )


def _ware(line: Line, ware: Ware | None) -> Line:
    return line if ware is None else line._replace(ware=ware)


def _wares(
    cursor: Any, values: Mapping[str, Any], pinned: Mapping[int, tuple[Any, ...]]
) -> dict[tuple[int, int], Ware]:
    wares = {}
    for order_id, line_id, product_id, vendor, tags, collections in cursor.execute(_WARES, values):
        kept = pinned[order_id][1].get(str(line_id)) if order_id in pinned else None
        words = frozenset(kept["tags"]) if kept else _folded(tags)
        within = frozenset(kept["collections"] if kept else collections or ())
        wares[order_id, line_id] = Ware(product_id, vendor, words, within)
    return wares


def _folded(tags: Iterable[str] | None) -> frozenset[str]:
    return folded(tuple(tags)) if tags else frozenset()


def pin(cursor: Any, shop_id: int, orders: Iterable[OrderState], wanted: Asked) -> None:
    """Keep what these orders were settled by. What was pinned before stays."""
    if not wanted.pins:
        return
    rows = [(order.id, _json(sorted(order.customer_tags)), _json(_lines(order))) for order in orders]
    if rows:
        cursor.execute(_PIN, (shop_id, *(list(column) for column in zip(*rows, strict=True))))


def _lines(order: OrderState) -> dict[str, Any]:
    return {
        str(line.id): {"tags": sorted(line.ware.tags), "collections": sorted(line.ware.collections)}
        for line in order.lines
        if line.ware is not None
    }


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()

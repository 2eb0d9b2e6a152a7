"""Orders of the mirror as the rules want them, many at once.

Most orders have no refund and no edit: the database adds their lines up into at most two (goods, gift cards), which
counts the same as line by line. Only the others are read line by line.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from plugin.loyalty import facts
from plugin.loyalty.joining import saying
from plugin.loyalty.ledger import raw
from plugin.loyalty.rules import Line, MoneyBack, OrderState, Return

_UNASKED = tuple(OrderState._field_defaults.values())[2:]  # what facts.py tells
_ORDERS = """
    SELECT o.id, o.customer_id, o.processed_at, o.currency, o.financial_status, o.test, o.cancelled_at, o.deleted_at,
        o.taxes_included, l.*
    FROM unnest(%(ids)b::bigint[]) AS i (id)
    CROSS JOIN LATERAL (SELECT * FROM orders WHERE shop_id = %(shop)s AND {} AND known OFFSET 0) AS o
    LEFT JOIN LATERAL (
        SELECT sum(price_minor * quantity) FILTER (WHERE NOT gift_card)::bigint,
            sum(discount_minor) FILTER (WHERE NOT gift_card)::bigint,
            sum(tax_minor) FILTER (WHERE NOT gift_card)::bigint,
            sum(price_minor * quantity - discount_minor) FILTER (WHERE gift_card)::bigint,
            bool_or(current_quantity <> quantity OR discount_minor + tax_minor > price_minor * quantity)
        FROM order_lines WHERE shop_id = o.shop_id AND order_id = o.id AND quantity > 0
    ) l ON true
"""
_LINES = """
    SELECT order_id, l.id, quantity, current_quantity, price_minor, discount_minor, tax_minor, gift_card
    FROM unnest(%(ids)b::bigint[]) AS i (id)
    CROSS JOIN LATERAL (SELECT * FROM order_lines WHERE shop_id = %(shop)s AND order_id = i.id OFFSET 0) AS l
"""
_REFUNDS = """
    SELECT order_id, coalesce(processed_at, created_at), amount_only_minor
    FROM unnest(%(ids)b::bigint[]) AS i (id)
    CROSS JOIN LATERAL (SELECT * FROM refunds WHERE shop_id = %(shop)s AND order_id = i.id OFFSET 0) AS r
"""
_RETURNS = """
    SELECT l.order_id, coalesce(r.processed_at, r.created_at), l.line_id, l.quantity
    FROM unnest(%(ids)b::bigint[]) AS i (id)
    CROSS JOIN LATERAL (SELECT * FROM refund_lines WHERE shop_id = %(shop)s AND order_id = i.id OFFSET 0) AS l
    CROSS JOIN LATERAL (SELECT * FROM refunds WHERE shop_id = %(shop)s AND id = l.refund_id OFFSET 0) AS r
"""


def orders_by_id(
    session: Session, shop_id: int, order_ids: Collection[int], asked: facts.Asked = facts.NOTHING
) -> list[OrderState]:
    """These orders, as far as they are known; with what `asked` for beside their sums."""
    return _read(session, "id = i.id", {"shop": shop_id, "ids": sorted(order_ids)}, asked)


def orders_since(
    session: Session, shop_id: int, customer_ids: Collection[int], since: datetime, asked: facts.Asked = facts.NOTHING
) -> list[OrderState]:
    """All orders of these customers with a moment at or after `since`; with what `asked` for beside their sums."""
    where = "customer_id = i.id AND processed_at >= %(since)s"
    return _read(session, where, {"shop": shop_id, "ids": sorted(customer_ids), "since": since}, asked)


def _read(session: Session, where: str, values: dict[str, Any], wanted: facts.Asked) -> list[OrderState]:
    cursor = raw(session)
    rows = cursor.execute(_ORDERS.format(where), values).fetchall()
    asked = {"shop": values["shop"], "ids": [row[0] for row in rows]}
    money, returns = _refunds(cursor, asked)
    single = [row[0] for row in rows if wanted.lines or row[13] or row[0] in money or row[0] in returns]
    lines = _lines(cursor, asked | {"ids": single})
    orders = [
        OrderState._make(
            (
                *row[:9],
                tuple(lines[row[0]]) if row[0] in lines else _summed(row),
                tuple(returns.get(row[0], ())),
                tuple(money.get(row[0], ())),
                *_UNASKED,
            )
        )
        for row in rows
    ]
    orders = saying.told(cursor, values["shop"], orders)
    return facts.told(cursor, values["shop"], orders, wanted) if wanted.more else orders


def _summed(row: tuple[Any, ...]) -> tuple[Line, ...]:
    goods, discount, tax, gift_cards = row[9:13]
    summed = () if goods is None else (Line(0, 1, 1, goods, discount, tax),)
    return summed if gift_cards is None else (*summed, Line(0, 1, 1, gift_cards, 0, 0, True))


def _lines(cursor: Any, asked: dict[str, Any]) -> dict[int, list[Line]]:
    if not asked["ids"]:
        return {}
    return _grouped((row[0], Line(*row[1:])) for row in cursor.execute(_LINES, asked))


def _refunds(cursor: Any, asked: dict[str, Any]) -> tuple[dict[int, list[MoneyBack]], dict[int, list[Return]]]:
    refunds = cursor.execute(_REFUNDS, asked).fetchall()
    if not refunds:
        return {}, {}
    money = _grouped((row[0], MoneyBack(*row[1:])) for row in refunds if row[2])
    returned = asked | {"ids": sorted({row[0] for row in refunds})}
    return money, _grouped((row[0], Return(*row[1:])) for row in cursor.execute(_RETURNS, returned))


def _grouped(pairs: Iterable[tuple[int, Any]]) -> dict[int, list[Any]]:
    groups: dict[int, list[Any]] = defaultdict(list)
    for key, value in pairs:
        groups[key].append(value)
    return groups

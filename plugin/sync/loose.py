"""Rows of a bulk result that come away from their parent: put to it where it is, kept until it comes.

A row belongs to the parent as the same operation told it. Whether that telling is the one in the mirror stands in the
parent's version: its event is the moment at which the store began to read. If something newer was told meanwhile, it
brought its own rows, and ours are dropped.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

import msgspec
from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from plugin.commerce.models import Checkout, Order, OrderLine, Product, Variant
from plugin.reactions import Changes, react
from plugin.shops.models import Shop
from plugin.sync import node_telling, nodes, versions
from plugin.sync.apply import apply
from plugin.sync.batch import Batch
from plugin.sync.drain import UNREADABLE
from plugin.sync.held import OPEN
from plugin.sync.models import ImportLine, SyncRun
from plugin.sync.nodes import numeric_id
from plugin.sync.rows import LineRow, VariantRow

PAGE_LINES = 5_000

T = TypeVar("T")
Rows = Mapping[int, Sequence[bytes]]  # by the number of the parent


def place(
    session: Session, shop: Shop, run_id: int, kind: str, loose: Sequence[tuple[str, bytes]], read_at: datetime
) -> None:
    """Put rows to the parents that this operation has told already; keep the others."""
    if not loose:
        return
    by_parent = _by_parent((_number(gid), line) for gid, line in loose)
    placed = _attach(session, shop, kind, by_parent, read_at)
    kept = [
        {"shop_id": shop.id, "run_id": run_id, "parent": parent, "line": line}
        for parent, lines in by_parent.items()
        if parent not in placed
        for line in lines
    ]
    if kept:
        session.execute(insert(ImportLine), kept)


def place_kept(session: Session, shop: Shop, run_id: int, kind: str, read_at: datetime) -> bool:
    """Put some of the kept rows to their parents, which have all come by now; False when none were left.

    Rows of a parent that never came lead to a single read of it.
    """
    mine = ImportLine.shop_id == shop.id, ImportLine.run_id == run_id
    last = select(ImportLine.parent).where(*mine).order_by(ImportLine.parent).offset(PAGE_LINES).limit(1)
    page = (*mine, ImportLine.parent <= func.coalesce(last.scalar_subquery(), 2**63 - 1))
    by_parent = _by_parent(session.execute(select(ImportLine.parent, ImportLine.line).where(*page)))
    if not by_parent:
        return False
    placed = _attach(session, shop, kind, by_parent, read_at)
    _fetch_absent(session, shop, kind, by_parent.keys() - placed)
    session.execute(delete(ImportLine).where(*mine, ImportLine.parent.in_(by_parent)))
    return True


def forget(session: Session, shop_id: int, run_id: int) -> None:
    """Drop what was kept: another operation brings it again."""
    session.execute(delete(ImportLine).where(ImportLine.shop_id == shop_id, ImportLine.run_id == run_id))


def forget_ended(session: Session, shop_id: int) -> None:
    """Drop what imports kept that came to no good end, because others take their place."""
    open_runs = select(SyncRun.id).where(SyncRun.shop_id == shop_id, SyncRun.state.in_(OPEN))
    session.execute(delete(ImportLine).where(ImportLine.shop_id == shop_id, ImportLine.run_id.not_in(open_runs)))


def _by_parent(rows: Any) -> dict[int, list[bytes]]:
    found: defaultdict[int, list[bytes]] = defaultdict(list)
    for parent, line in rows:
        found[parent].append(line)
    return found


def _number(gid: str) -> int:
    try:
        return numeric_id(gid)
    except ValueError:
        return 0  # nobody's: dropped at the end


def _attach(session: Session, shop: Shop, kind: str, rows: Rows, read_at: datetime) -> set[int]:
    """Add rows to those of the parents that were told by the operation of `read_at`; which those were."""
    changes = Changes()
    placed = ATTACH[kind](session, shop, rows, versions.told_at(read_at), changes)
    if placed:
        react(session, shop, changes)
    return placed


def _told(version: Any, moment: bytes) -> ColumnElement[bool]:
    return func.substring(version, 9, 8) == moment


def _read(lines: Sequence[bytes], kind: Any, tell: Callable[[Any], T]) -> list[T]:
    """What the rows tell; those that cannot be read are left out, as everywhere in an import."""
    decode, found = msgspec.json.Decoder(kind, strict=False).decode, []
    for line in lines:
        try:
            found.append(tell(decode(line)))
        except UNREADABLE:
            continue
    return found


def _order_lines(session: Session, shop: Shop, rows: Rows, moment: bytes, changes: Changes) -> set[int]:
    there = (
        select(func.coalesce(func.max(OrderLine.position), 0))
        .where(OrderLine.shop_id == shop.id, OrderLine.order_id == Order.id)
        .scalar_subquery()
    )
    mine = Order.shop_id == shop.id, Order.id.in_(rows), _told(Order.version, moment)
    parents = session.execute(select(Order.id, Order.currency, there).where(*mine)).all()
    found: list[LineRow] = []
    for id, currency, last in parents:
        made = _read(rows[id], nodes.Line, partial(_order_line, shop.id, id, currency))
        found += [line._replace(position=position) for position, line in enumerate(made, last + 1)]
    _add(session, OrderLine, found)
    changes.orders |= (ids := {id for id, *_ in parents})
    return ids


def _order_line(shop_id: int, order_id: int, currency: str, told: nodes.Line) -> LineRow:
    return node_telling.order_line(shop_id, order_id, told, 0, currency)


def _variants(session: Session, shop: Shop, rows: Rows, moment: bytes, changes: Changes) -> set[int]:
    mine = Product.shop_id == shop.id, Product.id.in_(rows), _told(Product.version, moment)
    ids = set(session.scalars(select(Product.id).where(*mine)))
    found: list[VariantRow] = []
    for id in ids:
        found += _read(rows[id], nodes.Variant, partial(_variant, shop, id))
    _add(session, Variant, found)
    changes.products |= ids
    return ids


def _variant(shop: Shop, product_id: int, told: nodes.Variant) -> VariantRow:
    return node_telling.variant(shop.id, product_id, told, shop.currency)


def _checkout_lines(session: Session, shop: Shop, rows: Rows, moment: bytes, changes: Changes) -> set[int]:
    mine = Checkout.shop_id == shop.id, Checkout.store_id.in_(rows), _told(Checkout.version, moment)
    parents = session.scalars(select(Checkout).where(*mine)).all()
    for parent in parents:
        assert parent.store_id is not None
        more = _read(rows[parent.store_id], nodes.CheckoutLine, partial(_checkout_line, parent.currency))
        parent.lines = [*parent.lines, *more]
        changes.checkouts.add(parent.token)
    session.flush()
    return {parent.store_id for parent in parents if parent.store_id}


def _checkout_line(currency: str, told: nodes.CheckoutLine) -> dict[str, object]:
    return node_telling.checkout_line(told, currency)


def _nothing(session: Session, shop: Shop, rows: Rows, moment: bytes, changes: Changes) -> set[int]:
    """Customers come without rows of their own."""
    return set()


def _add(session: Session, table: Any, rows: Sequence[LineRow] | Sequence[VariantRow]) -> None:
    if rows:
        session.execute(insert(table).on_conflict_do_nothing(), [row._asdict() for row in rows])


def _fetch_absent(session: Session, shop: Shop, kind: str, ids: Collection[int]) -> None:
    table: Any = {"orders": Order, "products": Product}.get(kind)
    if table is None or not ids:
        return
    known = select(table.id).where(table.shop_id == shop.id, table.id.in_(ids), table.known)
    batch = Batch(shop.id)
    for id in set(ids) - set(session.scalars(known)) - {0}:
        batch.fetch(kind, id)
    apply(session, shop, batch)


ATTACH: dict[str, Callable[[Session, Shop, Rows, bytes, Changes], set[int]]] = {
    "orders": _order_lines,
    "products": _variants,
    "checkouts": _checkout_lines,
    "customers": _nothing,
}

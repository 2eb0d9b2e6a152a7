"""A bulk result → the mirror, in chunks: constant memory, the shop's lock a chunk, resumable at any line.

Each line is one object; the rows of its connection are lines of their own with `__parentId`. They mostly follow at
once, so a chunk ends before a parent. The platform promises only "after", so rows whose parent is not in the chunk are
its loose ends, which `plugin.sync.loose` puts where they belong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy.orm import Session

from plugin.reactions import react
from plugin.shops.models import Shop
from plugin.sync import node_telling, nodes
from plugin.sync.apply import apply
from plugin.sync.batch import Batch, Source
from plugin.sync.drain import UNREADABLE
from plugin.sync.nodes import numeric_id
from plugin.sync.versions import digest

CHUNK_PARENTS = 1000
MOST_LINES = 10_000  # of a chunk, wherever its parents are
_CHILD = b'"__parentId"'

Place = Any  # an id, or a moment as text: comparable, and fit for JSON
Told = tuple[Any, list[Any], bytes]  # the object, the rows of its connection, the digest of its line


@dataclass(frozen=True)
class Kind:
    """How the lines of one kind of object are read and told.

    `place` is an object's place in the platform's order of them, `after` the search that finds the rest from there on.
    """

    parent: Any
    child: Any
    tell: Callable[[Batch, Source, Any, list[Any]], None]
    place: Callable[[Any], Place | None]
    after: str
    inner: Callable[[Any], Iterable[str]] = (
        lambda row: ()
    )  # global ids of which rows below this row say they belong to it


@dataclass
class Chunk:
    """Some objects in a row. `end` is the offset after their last line, `last` the place of the last one.

    `in_order`: so far each object of the result came at or after the place of the one before.
    """

    told: dict[str, Told] = field(default_factory=dict)
    inner: dict[str, str] = field(default_factory=dict)  # what stands between an object and its rows: its global id
    loose: list[tuple[str, bytes]] = field(default_factory=list)  # rows of parents elsewhere: global id, line
    skipped: list[str] = field(default_factory=list)
    lines: int = 0
    end: int = 0
    last: Place | None = None
    in_order: bool = True
    batch: Batch | None = None  # what the objects tell, once that is known

    @property
    def rows(self) -> int:
        return len(self.told)

    def next(self) -> Chunk:
        """An empty one that goes on where this one ends."""
        return Chunk(last=self.last, in_order=self.in_order)


def _by_id(told: Any) -> Place | None:
    try:
        return numeric_id(told.id)
    except ValueError:
        return None


def _by_processing(told: nodes.Order | nodes.RefundedOrder) -> Place | None:
    """ISO 8601 in UTC, so that texts compare like moments."""
    return told.processedAt.astimezone(UTC).isoformat() if told.processedAt else None


def _customer(batch: Batch, source: Source, told: nodes.Customer, _: list[Any]) -> None:
    node_telling.customer(batch, source, told)


def _order(batch: Batch, source: Source, told: nodes.Order, lines: list[nodes.Line]) -> None:
    """Refunds do not come with an order's lines (`plugin.sync.refunded`)."""
    node_telling.order_with(batch, source, told, lines)
    node_telling.fulfillments(batch, source, told)


def _refunds(batch: Batch, source: Source, told: nodes.RefundedOrder, parts: list[nodes.RefundPart]) -> None:
    for refund in refunds_of(parts):
        node_telling.refund_of(batch, source, refund, told)


def refunds_of(parts: Sequence[nodes.RefundPart]) -> list[nodes.Refund]:
    """The refunds among an order's rows, each with its own rows."""
    return [_refund(part.refund, part, parts) for part in parts if part.refund]


def _refund(refund: nodes.Refund, agreement: nodes.RefundPart, parts: Sequence[nodes.RefundPart]) -> nodes.Refund:
    """A row's parent is the agreement or the refund: which of them, the platform's documentation does not say."""
    rows = [part for part in parts if part.parent in (agreement.id, refund.id) and part is not agreement]
    lines = [
        nodes.RefundLine(row.quantity or 0, row.subtotalSet, row.totalTaxSet, row.lineItem, row.id)
        for row in rows
        if row.lineItem and row.subtotalSet and row.totalTaxSet
    ]
    shipping = [nodes.RefundShipping(row.subtotalAmountSet) for row in rows if row.subtotalAmountSet]
    adjustments = [nodes.Adjustment(row.amountSet) for row in rows if row.amountSet]
    return msgspec.structs.replace(
        refund,
        refundLineItems=nodes.Nodes(lines),
        refundShippingLines=nodes.Nodes(shipping),
        orderAdjustments=nodes.Nodes(adjustments),
    )


def _inner_of_refund(part: nodes.RefundPart) -> list[str]:
    return [gid for gid in (part.id, part.refund.id) if gid] if part.refund else []


# The platform's default order of each connection (`sortKey` in its schema).
KINDS = {
    "customers": Kind(nodes.Customer, nodes.Ref, _customer, _by_id, "id:>={}"),
    "products": Kind(nodes.Product, nodes.Variant, node_telling.product_with, _by_id, "id:>={}"),
    "orders": Kind(nodes.Order, nodes.Line, _order, _by_processing, "processed_at:>='{}'"),
    "refunds": Kind(
        nodes.RefundedOrder, nodes.RefundPart, _refunds, _by_processing, "processed_at:>='{}'", _inner_of_refund
    ),
    "checkouts": Kind(nodes.Checkout, nodes.CheckoutLine, node_telling.checkout_with, _by_id, "id:>={}"),
}


def chunks(
    kind: str, lines: Iterable[tuple[int, bytes]], size: int = CHUNK_PARENTS, begun: Chunk | None = None
) -> Iterator[Chunk]:
    """Lines, each with the offset after it → chunks of `size` objects with their rows. `begun`: an empty one."""
    read = Reader(KINDS[kind])
    chunk = begun or Chunk()
    for end, line in lines:
        is_child = _CHILD in line
        if (chunk.rows >= size and not is_child) or chunk.lines >= MOST_LINES:
            yield chunk
            chunk = chunk.next()
        if line:
            (read.child if is_child else read.parent)(chunk, line)
        chunk.lines += 1
        chunk.end = end
    if chunk.end:
        yield chunk


class Reader:
    """Reads the lines of one kind; what cannot be read is noted and left out."""

    def __init__(self, kind: Kind) -> None:
        self._place, self._inner = kind.place, kind.inner
        self._parent = msgspec.json.Decoder(kind.parent, strict=False)
        self._child = msgspec.json.Decoder(kind.child, strict=False)

    def parent(self, chunk: Chunk, line: bytes) -> None:
        try:
            told = self._parent.decode(line)
        except UNREADABLE as error:
            chunk.skipped.append(str(error))
            return
        chunk.told[told.id] = told, [], digest(line)
        place = self._place(told)
        chunk.in_order &= place is not None and (chunk.last is None or place >= chunk.last)
        chunk.last = place

    def child(self, chunk: Chunk, line: bytes) -> None:
        try:
            row = self._child.decode(line)
        except UNREADABLE as error:
            chunk.skipped.append(str(error))
            return
        parent = chunk.inner.get(row.parent, row.parent)
        if parent in chunk.told:
            chunk.told[parent][1].append(row)
            chunk.inner |= dict.fromkeys(self._inner(row), parent)
        elif row.parent:
            chunk.loose.append((row.parent, line))


def write(session: Session, shop: Shop, kind: str, chunk: Chunk, read_at: datetime) -> None:
    """One chunk into the mirror, with everything that follows from it. `read_at`: when the store began to read."""
    react(session, shop, apply(session, shop, chunk.batch or _told(shop, kind, chunk, read_at)))


def ahead(shop: Shop, kind: str, chunks: Iterator[Chunk], read_at: datetime) -> Iterator[Chunk]:
    """The same chunks, each read and told by another thread while the one before is written."""

    def coming() -> Chunk | None:
        chunk = next(chunks, None)
        if chunk is not None:
            chunk.batch = _told(shop, kind, chunk, read_at)
        return chunk

    with ThreadPoolExecutor(1, thread_name_prefix="read") as thread:
        following = thread.submit(coming)
        while (chunk := following.result()) is not None:
            following = thread.submit(coming)
            yield chunk


def _told(shop: Shop, kind: str, chunk: Chunk, read_at: datetime) -> Batch:
    try:
        return _batch(shop, kind, chunk, read_at)
    except UNREADABLE:
        _leave_out(shop, kind, chunk, read_at)
        return _batch(shop, kind, chunk, read_at)


def _batch(shop: Shop, kind: str, chunk: Chunk, read_at: datetime) -> Batch:
    batch = Batch(shop.id, imported=True)
    for told, rows, sha256 in chunk.told.values():
        KINDS[kind].tell(batch, Source(shop, read_at, sha256, read_at), told, rows)
    return batch


def _leave_out(shop: Shop, kind: str, chunk: Chunk, read_at: datetime) -> None:
    """Drop the objects that cannot be told: half of one must not stay."""
    for gid, (told, rows, sha256) in list(chunk.told.items()):
        try:
            KINDS[kind].tell(Batch(shop.id), Source(shop, read_at, sha256, read_at), told, rows)
        except UNREADABLE as error:
            del chunk.told[gid]
            chunk.skipped.append(str(error))
